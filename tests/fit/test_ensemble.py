"""Ensembles of planted networks: against plain loops over all choices, and intervals that hold the truth as often as they say."""

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
    """Logits as a store keeps them: what all networks see in an image, and what each sees by itself."""
    labels = rng.integers(CLASSES, size=images)
    common = agree * rng.standard_normal((images, CLASSES)) + 1.2 * (labels[:, None] == np.arange(CLASSES))
    return (common + 1.5 * rng.standard_normal((runs, images, CLASSES))).astype(np.float16), labels


def plain(logits: np.ndarray, labels: np.ndarray, members: tuple[int, ...]) -> dict[VotingRule, float]:
    """One ensemble's error, image by image."""
    wrong = dict.fromkeys(VotingRule, 0)
    for image, label in enumerate(labels):
        mean, votes = [0.0] * CLASSES, [0] * CLASSES
        for run in members:
            weights = [float(np.exp(float(logit))) for logit in logits[run, image]]
            votes[weights.index(max(weights))] += 1
            for k in range(CLASSES):
                mean[k] += weights[k] / sum(weights) / len(members)
        tied = [k for k in range(CLASSES) if votes[k] == max(votes)]
        wrong[VotingRule.MEAN_PROBABILITY] += mean.index(max(mean)) != label
        wrong[VotingRule.VOTES] += max(tied, key=lambda k: mean[k]) != label
    return {rule: count / len(labels) for rule, count in wrong.items()}


def test_means_and_intervals_are_those_of_a_plain_loop_over_all_choices():
    runs = 6
    logits, labels = networks(np.random.default_rng(0), runs)
    known = {
        members: plain(logits, labels, members)
        for n in range(1, runs + 1)
        for members in combinations(range(runs), n)
    }
    found = evaluate_ensembles(logits, labels, member_counts=range(1, runs + 1))
    assert [(each.rule, each.members) for each in found] == [
        (rule, n) for rule in VotingRule for n in range(1, runs + 1)
    ]
    for each in found:

        def mean(n: int, left_out: int | None, rule: VotingRule = each.rule) -> float:
            errors = [
                error[rule]
                for members, error in known.items()
                if len(members) == n and left_out not in members
            ]
            return sum(errors) / len(errors)

        n = each.members
        assert (each.combinations, each.is_exhaustive) == (comb(runs, n), True)
        # Sums of up to 20 fractions in another order.
        assert each.error.estimate == pytest.approx(mean(n, None), rel=1e-13)
        assert each.ratio_to_single.estimate == pytest.approx(mean(n, None) / mean(1, None), rel=1e-13)
        without = [mean(min(n, runs - 1), run) for run in range(runs)]
        spread = sqrt((runs - 1) / runs * sum((value - sum(without) / runs) ** 2 for value in without))
        half = stats.t.ppf(0.975, runs - 1) * spread
        assert (each.error.low, each.error.high) == pytest.approx(
            (max(0, each.error.estimate - half), each.error.estimate + half), rel=1e-9
        )
        assert each.status is (Status.CAUTION if n == runs else Status.USABLE)


def test_one_member_errs_as_the_runs_do_and_its_interval_is_students():
    logits, labels = networks(np.random.default_rng(1), 9)
    errors = (logits.argmax(axis=2) != labels).mean(axis=1)
    low, high = stats.t.interval(0.95, 8, errors.mean(), stats.sem(errors))
    for each in evaluate_ensembles(logits, labels, member_counts=[1]):
        assert (each.error.estimate, each.error.low, each.error.high) == pytest.approx(
            (errors.mean(), low, high), rel=1e-12
        )
        assert (each.ratio_to_single.estimate, each.ratio_to_single.low, each.ratio_to_single.high) == (
            1,
            1,
            1,
        )


def test_equal_votes_go_to_the_higher_mean_probability():
    logits = np.log([[[0.6, 0.4, 1e-3]], [[0.1, 0.8, 1e-3]]]).astype(np.float16)
    by_rule = {
        each.rule: each.error.estimate
        for each in evaluate_ensembles(logits, np.array([1]), member_counts=[2])
    }
    assert by_rule == {VotingRule.MEAN_PROBABILITY: 0, VotingRule.VOTES: 0}
    three = np.log([[[0.5, 0.4, 0.1]], [[0.5, 0.4, 0.1]], [[0.01, 0.98, 0.01]]]).astype(np.float16)
    by_rule = {
        each.rule: each.error.estimate for each in evaluate_ensembles(three, np.array([1]), member_counts=[3])
    }
    assert by_rule == {VotingRule.MEAN_PROBABILITY: 0, VotingRule.VOTES: 1}


def test_one_run_has_no_interval_and_copies_ask_for_a_look():
    logits, labels = networks(np.random.default_rng(2), 1)
    (one, _) = evaluate_ensembles(logits, labels, member_counts=[1])
    assert one.status is Status.REJECTED
    assert isnan(one.error.low)
    copies = evaluate_ensembles(np.repeat(logits, 5, axis=0), labels, member_counts=[1, 3])
    for each in copies:
        assert (each.status, each.reason) == (Status.CAUTION, "the runs do not differ")
        # Means of equal numbers.
        assert (each.error.low, each.error.estimate, each.error.high) == pytest.approx(
            [one.error.estimate] * 3, rel=1e-12
        )


@pytest.mark.parametrize(("runs", "size"), [(20, 3), (20, 10), (21, 17), (64, 40)])
def test_of_too_many_choices_some_are_drawn_and_every_run_about_equally_often(runs, size):
    chosen = choose_members(runs, size, max_combinations=200)
    assert chosen.shape == (200, runs)
    assert (chosen.sum(axis=1) == size).all()
    often, share = chosen.sum(axis=0), size / runs
    assert abs(often - 200 * share).max() < 5 * sqrt(200 * share * (1 - share))
    assert np.array_equal(chosen, choose_members(runs, size, max_combinations=200))
    assert not np.array_equal(chosen, choose_members(runs, size, max_combinations=200, seed=1))


def test_drawn_choices_have_the_mean_of_all():
    logits, labels = networks(np.random.default_rng(3), 12)
    (every, _) = evaluate_ensembles(logits, labels, member_counts=[5])
    (some, _) = evaluate_ensembles(logits, labels, member_counts=[5], max_combinations=300)
    assert (every.combinations, every.is_exhaustive, some.combinations, some.is_exhaustive) == (
        792,
        True,
        300,
        False,
    )
    width = every.error.high - every.error.low
    # The error of a drawn mean is a few percent of the interval, which grows by its square.
    assert abs(some.error.estimate - every.error.estimate) < 0.1 * width
    assert 0.9 * width < some.error.high - some.error.low < 1.3 * width


def test_sizes_are_all_of_a_few_and_some_of_many():
    assert default_member_counts(1) == [1]
    assert default_member_counts(8) == list(range(1, 9))
    assert default_member_counts(10) == list(range(1, 11))
    assert default_member_counts(40) == [*range(1, 11), 13, 16, 20, 25, 32, 40]


@pytest.mark.simulation
@pytest.mark.parametrize("agree", [0.3, 1.5])
def test_intervals_hold_the_expected_error_of_new_seeds(agree):
    """Members are what a seed draws; the truth is the mean over fresh ensembles on the very same images."""
    rng, runs, studies, fresh = np.random.default_rng(4), 8, 300, 4000
    labels = rng.integers(CLASSES, size=IMAGES)
    common = agree * rng.standard_normal((IMAGES, CLASSES)) + 1.2 * (labels[:, None] == np.arange(CLASSES))
    sizes = (1, 3, 7, 8)

    def drawn(count: int) -> np.ndarray:
        # A seed's own strength makes some runs better than others on all images.
        strength = np.exp(0.25 * rng.standard_normal((count, 1, 1)))
        return (strength * common + 1.5 * rng.standard_normal((count, IMAGES, CLASSES))).astype(np.float16)

    truth: dict[tuple[VotingRule, int], float] = {}
    for size in sizes:
        several = [
            evaluate_ensembles(drawn(size), labels, member_counts=[size]) for _ in range(fresh // size)
        ]
        truth |= {
            (rule, size): float(np.mean([both[place].error.estimate for both in several]))
            for place, rule in enumerate(VotingRule)
        }
    held = dict.fromkeys(truth, 0)
    for _ in range(studies):
        for each in evaluate_ensembles(drawn(runs), labels, member_counts=sizes):
            held[each.rule, each.members] += (
                each.error.low <= truth[each.rule, each.members] <= each.error.high
            )
    # Four sigma of a count below the promise; the jackknife may hold more often, as its variance is on average too large.
    least = studies * (0.95 - 4 * sqrt(0.95 * 0.05 / studies))
    assert min(held.values()) > least, held
