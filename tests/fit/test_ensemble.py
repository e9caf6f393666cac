"""Ensembles of planted networks: against plain loops, and intervals that cover the truth at their level."""

from __future__ import annotations

from itertools import combinations
from math import comb, isnan, sqrt

import numpy as np
import pytest
from scipy import stats

from scaling.fit import Status
from scaling.fit.ensemble import VotingRule, choose_members, default_member_counts, evaluate_ensembles

IMAGES, CLASSES = 60, 4


def networks(
    rng: np.random.Generator, runs: int, *, images: int = IMAGES, agree: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Return logits with the store's type: a part that all networks share, and a part of result network."""
    labels = rng.integers(CLASSES, size=images)
    shared = agree * rng.standard_normal((images, CLASSES)) + 1.2 * (labels[:, None] == np.arange(CLASSES))
    return (shared + 1.5 * rng.standard_normal((runs, images, CLASSES))).astype(np.float16), labels


def evaluate_plainly(
    logits: np.ndarray, labels: np.ndarray, members: tuple[int, ...]
) -> dict[VotingRule, float]:
    """Return the error of one ensemble, image by image."""
    errors = dict.fromkeys(VotingRule, 0)
    for image, label in enumerate(labels):
        mean, votes = [0.0] * CLASSES, [0] * CLASSES
        for run in members:
            weights = [float(np.exp(float(logit))) for logit in logits[run, image]]
            votes[weights.index(max(weights))] += 1
            for k in range(CLASSES):
                mean[k] += weights[k] / sum(weights) / len(members)
        tied = [k for k in range(CLASSES) if votes[k] == max(votes)]
        errors[VotingRule.MEAN_PROBABILITY] += mean.index(max(mean)) != label
        errors[VotingRule.VOTES] += max(tied, key=lambda k: mean[k]) != label
    return {rule: count / len(labels) for rule, count in errors.items()}


def test_means_and_intervals_agree_with_a_plain_loop_over_all_combinations():
    runs = 6
    logits, labels = networks(np.random.default_rng(0), runs)
    errors_of = {
        members: evaluate_plainly(logits, labels, members)
        for n in range(1, runs + 1)
        for members in combinations(range(runs), n)
    }
    results = evaluate_ensembles(logits, labels, member_counts=range(1, runs + 1))
    assert [(result.rule, result.members) for result in results] == [
        (rule, n) for rule in VotingRule for n in range(1, runs + 1)
    ]
    for result in results:

        def mean(n: int, left_out: int | None, rule: VotingRule = result.rule) -> float:
            errors = [
                error[rule]
                for members, error in errors_of.items()
                if len(members) == n and left_out not in members
            ]
            return sum(errors) / len(errors)

        n = result.members
        assert (result.combinations, result.is_exhaustive) == (comb(runs, n), True)
        # Sums of up to 20 fractions in another order.
        assert result.error.estimate == pytest.approx(mean(n, None), rel=1e-13)
        assert result.ratio_to_single.estimate == pytest.approx(mean(n, None) / mean(1, None), rel=1e-13)
        without = [mean(min(n, runs - 1), run) for run in range(runs)]
        spread = sqrt((runs - 1) / runs * sum((value - sum(without) / runs) ** 2 for value in without))
        half_width = stats.t.ppf(0.975, runs - 1) * spread
        assert (result.error.low, result.error.high) == pytest.approx(
            (max(0, result.error.estimate - half_width), result.error.estimate + half_width), rel=1e-9
        )
        assert result.status is (Status.CAUTION if n == runs else Status.USABLE)


def test_a_single_member_has_the_mean_of_the_runs_and_a_t_interval():
    logits, labels = networks(np.random.default_rng(1), 9)
    errors = (logits.argmax(axis=2) != labels).mean(axis=1)
    low, high = stats.t.interval(0.95, 8, errors.mean(), stats.sem(errors))
    for result in evaluate_ensembles(logits, labels, member_counts=[1]):
        assert (result.error.estimate, result.error.low, result.error.high) == pytest.approx(
            (errors.mean(), low, high), rel=1e-12
        )
        assert (result.ratio_to_single.estimate, result.ratio_to_single.low, result.ratio_to_single.high) == (
            1,
            1,
            1,
        )


def test_tied_votes_go_to_the_higher_mean_probability():
    logits = np.log([[[0.6, 0.4, 1e-3]], [[0.1, 0.8, 1e-3]]]).astype(np.float16)
    by_rule = {
        result.rule: result.error.estimate
        for result in evaluate_ensembles(logits, np.array([1]), member_counts=[2])
    }
    assert by_rule == {VotingRule.MEAN_PROBABILITY: 0, VotingRule.VOTES: 0}
    three = np.log([[[0.5, 0.4, 0.1]], [[0.5, 0.4, 0.1]], [[0.01, 0.98, 0.01]]]).astype(np.float16)
    by_rule = {
        result.rule: result.error.estimate
        for result in evaluate_ensembles(three, np.array([1]), member_counts=[3])
    }
    assert by_rule == {VotingRule.MEAN_PROBABILITY: 0, VotingRule.VOTES: 1}


def test_a_single_run_has_no_interval_and_copies_are_used_with_caution():
    logits, labels = networks(np.random.default_rng(2), 1)
    (single, _) = evaluate_ensembles(logits, labels, member_counts=[1])
    assert single.status is Status.REJECTED
    assert isnan(single.error.low)
    copies = evaluate_ensembles(np.repeat(logits, 5, axis=0), labels, member_counts=[1, 3])
    for result in copies:
        assert (result.status, result.reason) == (Status.CAUTION, "the runs do not differ")
        assert (result.error.low, result.error.estimate, result.error.high) == pytest.approx(
            [single.error.estimate] * 3, rel=1e-12
        )


@pytest.mark.parametrize(("runs", "size"), [(20, 3), (20, 10), (21, 17), (64, 40)])
def test_a_sample_of_combinations_uses_every_run_about_equally_often(runs, size):
    is_member = choose_members(runs, size, max_combinations=200)
    assert is_member.shape == (200, runs)
    assert (is_member.sum(axis=1) == size).all()
    times_used, share = is_member.sum(axis=0), size / runs
    assert abs(times_used - 200 * share).max() < 5 * sqrt(200 * share * (1 - share))
    assert np.array_equal(is_member, choose_members(runs, size, max_combinations=200))
    assert not np.array_equal(is_member, choose_members(runs, size, max_combinations=200, seed=1))


def test_a_sample_of_combinations_has_the_mean_of_all():
    logits, labels = networks(np.random.default_rng(3), 12)
    (all_combinations, _) = evaluate_ensembles(logits, labels, member_counts=[5])
    (sample, _) = evaluate_ensembles(logits, labels, member_counts=[5], max_combinations=300)
    assert (
        all_combinations.combinations,
        all_combinations.is_exhaustive,
        sample.combinations,
        sample.is_exhaustive,
    ) == (
        792,
        True,
        300,
        False,
    )
    width = all_combinations.error.high - all_combinations.error.low
    # The sampling error of the mean is a few percent of the interval, and adds to it in squares.
    assert abs(sample.error.estimate - all_combinations.error.estimate) < 0.1 * width
    assert 0.9 * width < sample.error.high - sample.error.low < 1.3 * width


def test_default_member_counts():
    assert default_member_counts(1) == [1]
    assert default_member_counts(8) == list(range(1, 9))
    assert default_member_counts(10) == list(range(1, 11))
    assert default_member_counts(40) == [*range(1, 11), 13, 16, 20, 25, 32, 40]


@pytest.mark.simulation
@pytest.mark.parametrize("agree", [0.3, 1.5])
def test_intervals_cover_the_expected_error_of_new_seeds(agree):
    """A seed draws one member; the truth is the mean over new ensembles on the same images."""
    rng, runs, studies, fresh = np.random.default_rng(4), 8, 120, 2000
    labels = rng.integers(CLASSES, size=IMAGES)
    shared = agree * rng.standard_normal((IMAGES, CLASSES)) + 1.2 * (labels[:, None] == np.arange(CLASSES))
    sizes = (1, 3, 7, 8)

    def draw_logits(count: int) -> np.ndarray:
        # The strength of a seed makes some runs better than others on all images.
        strength = np.exp(0.25 * rng.standard_normal((count, 1, 1)))
        return (strength * shared + 1.5 * rng.standard_normal((count, IMAGES, CLASSES))).astype(np.float16)

    truth: dict[tuple[VotingRule, int], float] = {}
    for size in sizes:
        # One table of all networks has the mean over single networks.
        pools = [fresh] if size == 1 else [size] * (fresh // size)
        ensembles = [evaluate_ensembles(draw_logits(count), labels, member_counts=[size]) for count in pools]
        truth |= {
            (rule, size): float(np.mean([by_rule[index].error.estimate for by_rule in ensembles]))
            for index, rule in enumerate(VotingRule)
        }
    n_covered = dict.fromkeys(truth, 0)
    for _ in range(studies):
        for result in evaluate_ensembles(draw_logits(runs), labels, member_counts=sizes):
            n_covered[result.rule, result.members] += (
                result.error.low <= truth[result.rule, result.members] <= result.error.high
            )
    # Four sigma of a count below the level. The coverage may be higher, because the variance of the jackknife
    # is on average too large.
    lowest = studies * (0.95 - 4 * sqrt(0.95 * 0.05 / studies))
    assert min(n_covered.values()) > lowest, n_covered
