"""Error-reject curves of planted networks: closed forms, a plain loop, ties, and intervals that cover."""

from __future__ import annotations

from math import isnan, sqrt

import numpy as np
import pytest
from scipy import stats

from scaling.fit import Status
from scaling.fit.rejection import (
    REJECTED_SHARES,
    RejectionCurve,
    RequiredRejection,
    estimate_rejection,
    find_operating_points,
)

CLASSES = 4


def outputs(margins: list[float], wrong: list[bool]) -> tuple[np.ndarray, np.ndarray]:
    """Return outputs in half precision with these margins, and labels that make some of them wrong."""
    logits = np.zeros((len(margins), CLASSES), np.float16)
    logits[:, 1] = margins
    return logits, np.where(wrong, 2, 1)


def networks(rng: np.random.Generator, labels: np.ndarray, easiness: np.ndarray, *, runs: int) -> np.ndarray:
    """Return outputs of networks of unequal quality on images of unequal difficulty."""
    quality = np.exp(0.2 * rng.standard_normal((runs, 1)))
    noise = rng.standard_normal((runs, len(labels), CLASSES))
    noise += (quality * easiness)[..., None] * (labels[:, None] == np.arange(CLASSES))
    return noise.astype(np.float16)


def loop_over_thresholds(logits: np.ndarray, labels: np.ndarray) -> dict[float, float]:
    """Return the error among accepted images by rejected share, image by image in float64."""
    margins, wrong = [], []
    for outputs_of_image, label in zip(logits.astype(float).tolist(), labels.tolist(), strict=True):
        second, largest = sorted(outputs_of_image)[-2:]
        margins.append(largest - second)
        wrong.append(outputs_of_image.index(largest) != label)
    errors = {}
    for threshold in set(margins):
        accepted = [is_wrong for margin, is_wrong in zip(margins, wrong, strict=True) if margin >= threshold]
        errors[(len(labels) - len(accepted)) / len(labels)] = sum(accepted) / len(accepted)
    return errors


def mean_and_limits(values: list[float]) -> tuple[float, float, float]:
    """Return the mean of fractions with the limits of Student's interval, inside 0 and 1."""
    mean, half_width = np.mean(values), stats.t.ppf(0.975, len(values) - 1) * stats.sem(values)
    return mean, max(0, mean - half_width), min(1, mean + half_width)


@pytest.mark.parametrize("step", [2**-10, 0.5])
def test_curves_and_intervals_agree_with_a_plain_loop(step):
    """Coarse steps of the outputs make most margins equal."""
    rng, images, target = np.random.default_rng(0), 120, 0.08
    labels = rng.integers(CLASSES, size=images)
    logits = networks(rng, labels, rng.gamma(2, 1.5, images), runs=5)
    logits = (np.round(logits / step) * step).astype(np.float16)
    by_share = [loop_over_thresholds(run, labels) for run in logits]
    assert (max(map(len, by_share)) < images / 4) is (step == 0.5)
    curve = estimate_rejection(logits, labels, target_error=target)
    assert curve.shares == tuple(REJECTED_SHARES)
    for share, error in zip(curve.shares, curve.errors, strict=True):
        values = [errors[max(other for other in errors if other <= share)] for errors in by_share]
        assert (error.estimate, error.low, error.high) == pytest.approx(
            mean_and_limits(values), rel=1e-12, abs=1e-15
        )
    shares = [min(share for share, error in errors.items() if error <= target) for errors in by_share]
    required = curve.required.share
    assert (required.estimate, required.low, required.high) == pytest.approx(
        mean_and_limits(shares), rel=1e-12
    )


def test_a_network_that_is_wrong_on_its_least_certain_images():
    """If q of N images are wrong, and these have the smallest margins, j rejections leave (q - j)/(N - j)."""
    images, n_wrong = 400, 37
    margins = [(rank + 1) / 16 for rank in range(images)]
    logits, labels = outputs(margins, [rank < n_wrong for rank in range(images)])
    order = np.random.default_rng(1).permutation(images)
    points = find_operating_points(logits[order], labels[order])
    rejected = np.arange(images)
    assert np.array_equal(points.shares, rejected / images)
    assert np.array_equal(points.errors, np.maximum(n_wrong - rejected, 0) / (images - rejected))
    for target in (0.05, 0.01, 0.001):
        smallest = np.ceil((n_wrong - target * images) / (1 - target))
        assert points.required_share(target) == smallest / images
    assert points.required_share(n_wrong / images) == 0


def test_images_with_equal_margins_are_rejected_together():
    logits, labels = outputs([1, 2, 1, 1], [True, False, False, False])
    points = find_operating_points(logits, labels)
    assert (points.shares.tolist(), points.errors.tolist()) == ([0, 0.75], [0.25, 0])
    assert points.error_at(np.array([0, 0.5, 0.74, 0.75, 0.9])).tolist() == [0.25, 0.25, 0.25, 0, 0]
    assert points.required_share(0.01) == 0.75
    all_equal = find_operating_points(*outputs([1, 1, 1, 1], [True, False, False, False]))
    assert (all_equal.shares.tolist(), all_equal.errors.tolist()) == ([0], [0.25])
    assert isnan(all_equal.required_share(0.01))


def test_a_smaller_share_is_required_although_a_larger_one_is_worse():
    points = find_operating_points(*outputs([1, 2, 3, 4], [True, False, False, True]))
    assert points.errors.tolist() == [1 / 2, 1 / 3, 1 / 2, 1]
    assert points.required_share(0.4) == 0.25
    assert isnan(points.required_share(0.3))


def test_margins_of_infinite_outputs():
    """An infinite lead is the most certain; two equal infinite outputs are the least certain."""
    logits, labels = outputs([np.inf, 1, np.inf, 2], [False, False, True, True])
    logits[2, 0] = np.inf
    points = find_operating_points(logits, labels)
    assert (points.shares.tolist(), points.errors.tolist()) == ([0, 0.25, 0.5, 0.75], [0.5, 1 / 3, 0.5, 0])


def required_by(*wrong: int, always_wrong: bool = False) -> RequiredRejection:
    """Return the required rejection of runs with 100 images, of which the least certain ones are wrong."""
    images, logits = 100, []
    for n_wrong in wrong:
        is_wrong = [rank < n_wrong for rank in range(images)]
        is_wrong[-1] |= always_wrong
        run, _ = outputs([(rank + 1) / 4 for rank in range(images)], is_wrong)
        run[is_wrong] = run[is_wrong][:, [0, 2, 1, 3]]
        logits.append(run)
    labels = np.ones(images, int)
    return estimate_rejection(np.stack(logits), labels, target_error=0.01).required


@pytest.mark.parametrize(
    ("required", "share", "status", "reason"),
    [
        (required_by(10, 12, 14, 16), 0.13, Status.USABLE, ""),
        (required_by(10, 12), 0.11, Status.CAUTION, "fewer than 4 runs"),
        (required_by(10, 10, 10, 10), 0.1, Status.CAUTION, "the runs do not differ"),
        (
            required_by(0, 1, 0, 1),
            0,
            Status.CAUTION,
            "no run needs rejection, so the interval has no width",
        ),
        (
            required_by(1, 2, 3, 3),
            0.02,
            Status.CAUTION,
            "1 of 4 runs need no rejection, so the interval is approximate",
        ),
        (required_by(7), 0.07, Status.REJECTED, "a single run has no interval; train more seeds"),
        (
            required_by(5, 6, 7, 8, always_wrong=True),
            None,
            Status.REJECTED,
            "4 of 4 runs have no rejected share with an error of at most 1 %",
        ),
    ],
)
def test_status_of_the_required_rejection(required, share, status, reason):
    assert (required.status, required.reason) == (status, reason)
    if share is None:
        assert isnan(required.share.estimate)
        assert required.runs_never == required.runs
    else:
        assert required.share.estimate == pytest.approx(share, rel=1e-12)
        assert isnan(required.share.low) is (required.runs == 1)


@pytest.mark.simulation
def test_intervals_cover_the_means_of_new_seeds():
    """A study has eight seeds; the truth is the mean over a thousand other networks on the same images."""
    rng, runs, studies, images, target = np.random.default_rng(2), 8, 400, 150, 0.08
    labels, easiness = rng.integers(CLASSES, size=images), rng.gamma(2, 1.5, images)
    shares = (0.0, 0.05, 0.2)

    def estimate(count: int) -> RejectionCurve:
        logits = networks(rng, labels, easiness, runs=count)
        return estimate_rejection(logits, labels, target_error=target, shares=shares)

    truth = estimate(1000)
    n_covered = np.zeros(len(shares) + 1, int)
    for _ in range(studies):
        curve = estimate(runs)
        pairs = zip((*curve.errors, curve.required.share), (*truth.errors, truth.required.share), strict=True)
        n_covered += [interval.low <= true.estimate <= interval.high for interval, true in pairs]
    # Four sigma of a count on both sides of the level.
    tolerance = 4 * sqrt(0.95 * 0.05 * studies)
    assert abs(n_covered - 0.95 * studies).max() < tolerance, n_covered
