"""Ensembles of trained runs: the expected error of n members, and its interval over other seeds.

The error of an ensemble is a symmetric function of its members. Its mean over all combinations of n of N runs
is therefore a U-statistic: the unbiased estimate, of least variance, of the expected error of n new seeds
(Hoeffding 1948). Combinations share members, so the scatter over combinations does not estimate the error of
the mean; for n = N it is zero. The interval is therefore a jackknife over runs. The mean is computed again
without each run in turn, and the variance is (N - 1) / N times the sum of squares of these N values about
their mean. For N - 1 runs, this is on average at least the true variance (Efron & Stein 1981). The quantile
is that of Student's t with N - 1 degrees of freedom. For n = N there is one combination; the jackknife then
uses ensembles of N - 1 runs. If there are too many combinations, a random sample is evaluated, and the
variance of its mean is added.

The interval assumes that the test images are fixed and that the runs are independent. Seeds that share an
order of minibatches may be correlated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from itertools import combinations
from math import comb, nan
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Integer
from scipy.special import softmax

from scaling.fit.data.variance import ZERO_DISPERSION
from scaling.fit.diagnosis.status import Assessment, assess_runs
from scaling.fit.interval import Interval, student_quantile
from scaling.fit.result import Status

MAX_COMBINATIONS = 1024
"""Number of combinations of members above which a random sample of this size is evaluated."""

_ALL_COUNTS_UP_TO = 10
"""Number of members up to which every count is a default.

Defaults are 1 to 10, then about three for each doubling.
"""
_MAX_ARRAY_SIZE = 2**25
"""Largest number of values that are held in memory at once."""


class VotingRule(StrEnum):
    """Rule by which the members of an ensemble decide."""

    MEAN_PROBABILITY = "mean probability"
    """Class with the highest mean probability (soft voting)."""
    VOTES = "votes"
    """Class with the most votes (hard voting); among equals, the one with the highest mean probability."""


@dataclass(frozen=True, kw_only=True)
class Ensemble:
    """Ensembles of one number of members from one pool of runs."""

    rule: VotingRule
    """Rule by which the members decide."""
    members: int
    """Number of members."""
    runs: int
    """Number of runs from which the members are taken."""
    combinations: int
    """Number of combinations of members that were evaluated."""
    error: Interval
    """Expected error over seeds, on this test set; the limits are NaN for a single run."""
    ratio_to_single: Interval
    """Expected error over that of a single run; NaN if either error is 0."""
    status: Status
    reason: str
    """Reasons why the result is not usable without caution; empty if it is."""

    @property
    def is_exhaustive(self) -> bool:
        """True if all combinations of members were evaluated."""
        return self.combinations == comb(self.runs, self.members)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {
            **asdict(self),
            "rule": self.rule.value,
            "status": self.status.value,
            "exhaustive": self.is_exhaustive,
        }


def default_member_counts(runs: int) -> list[int]:
    """Return default numbers of members: 1 to 10, then about three for each doubling, up to all runs.

    Args:
        runs: number of runs in the pool.
    """
    larger = (round(_ALL_COUNTS_UP_TO * 2 ** (step / 3)) for step in range(1, 64))
    return [
        *range(1, min(runs, _ALL_COUNTS_UP_TO) + 1),
        *(count for count in larger if count < runs),
        *([runs] if runs > _ALL_COUNTS_UP_TO else []),
    ]


def evaluate_ensembles(
    logits: Float[np.ndarray, "runs images classes"],
    labels: Integer[np.ndarray, " images"],
    *,
    member_counts: Sequence[int],
    max_combinations: int = MAX_COMBINATIONS,
    seed: int = 0,
    has_seeds: bool = True,
) -> list[Ensemble]:
    """Estimate the expected error of ensembles by each rule, for some numbers of members.

    Args:
        logits: logits of each run on the same images.
        labels: classes of the images.
        member_counts: numbers of members, from 1 to the number of runs.
        max_combinations: number of combinations above which a random sample of this size is evaluated.
        seed: seed of the random sample.
        has_seeds: False for an architecture without random numbers, which has one run.
    """
    runs, pool = len(logits), _Pool(logits, labels)
    counts = {1, *member_counts}
    if runs > 1 and runs in counts:
        counts.add(runs - 1)  # for the jackknife of the ensemble of all runs
    errors = {
        count: pool.evaluate(choose_members(runs, count, max_combinations=max_combinations, seed=seed))
        for count in counts
    }
    return [
        _estimate(
            rule, count, runs=runs, errors={n: each[rule] for n, each in errors.items()}, has_seeds=has_seeds
        )
        for rule in VotingRule
        for count in member_counts
    ]


def choose_members(
    runs: int, count: int, *, max_combinations: int, seed: int = 0
) -> Bool[np.ndarray, "combinations runs"]:
    """Return combinations of members as masks over the runs.

    Args:
        runs: number of runs.
        count: number of members.
        max_combinations: number of combinations above which a random sample of this size is drawn. Each run
            then occurs about equally often.
        seed: seed of the random sample.
    """
    if comb(runs, count) <= max_combinations:
        return _mask(np.array(list(combinations(range(runs), count))), runs)
    rng = np.random.default_rng([seed, runs, count])
    # A shuffled row of all runs is cut into disjoint parts. Above half of the runs, a part is what is left
    # out.
    part_size = min(count, runs - count)
    parts_per_row = runs // part_size
    rows = -(-max_combinations // parts_per_row)
    shuffled = rng.permuted(np.tile(np.arange(runs), (rows, 1)), axis=1)
    parts = shuffled[:, : parts_per_row * part_size].reshape(-1, part_size)[:max_combinations]
    mask = _mask(parts, runs)
    return mask if part_size == count else ~mask


@dataclass(frozen=True, kw_only=True, eq=False)
class _CombinationErrors:
    """Error of each combination of members, by one rule."""

    is_member: Bool[np.ndarray, "combinations runs"]
    errors: Float[np.ndarray, " combinations"]

    @property
    def mean(self) -> float:
        return float(self.errors.mean())

    def means_without_each_run(self) -> Float[np.ndarray, " runs"]:
        """Return the mean error of the combinations that leave out each run."""
        return np.asarray(self.errors @ ~self.is_member / (~self.is_member).sum(axis=0))


class _Pool:
    """Runs from which ensembles are formed, with their predictions."""

    def __init__(
        self, logits: Float[np.ndarray, "runs images classes"], labels: Integer[np.ndarray, " images"]
    ) -> None:
        self.labels, self.shape = labels, logits.shape
        runs, _, classes = logits.shape
        self.probabilities = softmax(logits.astype(float), axis=2).reshape(runs, -1)
        votes = logits.argmax(axis=2)[..., None] == np.arange(classes)
        self.votes = votes.reshape(runs, -1).astype(float)

    def evaluate(
        self, is_member: Bool[np.ndarray, "combinations runs"]
    ) -> dict[VotingRule, _CombinationErrors]:
        """Return the errors of the combinations by each rule."""
        errors = [
            [float((predicted != self.labels).mean()) for predicted in by_rule]
            for by_rule in self._predict(is_member)
        ]
        return {
            rule: _CombinationErrors(is_member=is_member, errors=rule_errors)
            for rule, rule_errors in zip(VotingRule, np.array(errors).T, strict=True)
        }

    def _predict(
        self, is_member: Bool[np.ndarray, "combinations runs"]
    ) -> Iterator[tuple[Integer[np.ndarray, " images"], Integer[np.ndarray, " images"]]]:
        """Yield the predicted classes of each combination, in the order of ``VotingRule``."""
        chunk_size = max(1, _MAX_ARRAY_SIZE // self.probabilities.shape[1])
        for start in range(0, len(is_member), chunk_size):
            members = is_member[start : start + chunk_size].astype(float)
            probabilities = (members @ self.probabilities).reshape(-1, *self.shape[1:])
            votes = (members @ self.votes).reshape(-1, *self.shape[1:])
            among_most_votes = np.where(votes == votes.max(axis=2, keepdims=True), probabilities, -1)
            yield from zip(probabilities.argmax(axis=2), among_most_votes.argmax(axis=2), strict=True)


def _estimate(
    rule: VotingRule, count: int, *, runs: int, errors: dict[int, _CombinationErrors], has_seeds: bool
) -> Ensemble:
    """Estimate the expected error from the errors of the evaluated combinations, by number of members."""
    evaluated = errors[count]
    variance = (
        0.0 if runs == 1 else _jackknife_variance(errors[min(count, runs - 1)].means_without_each_run())
    )
    sampling_variance = 0.0
    if len(evaluated.errors) < comb(runs, count):
        sampling_variance = float(evaluated.errors.var(ddof=1)) / len(evaluated.errors)
    assessment = _assess(count, runs, variance, has_seeds=has_seeds)
    return Ensemble(
        rule=rule,
        members=count,
        runs=runs,
        combinations=len(evaluated.errors),
        error=_error_interval(evaluated.mean, variance + sampling_variance, runs=runs),
        ratio_to_single=_ratio_interval(errors, count, runs=runs, sampling_variance=sampling_variance),
        status=assessment.status,
        reason=assessment.reason,
    )


def _error_interval(estimate: float, variance: float, *, runs: int) -> Interval:
    if runs == 1:
        return Interval(estimate=estimate, low=nan, high=nan)
    half_width = float(student_quantile(runs - 1) * np.sqrt(variance))
    return Interval(
        estimate=estimate, low=max(0.0, estimate - half_width), high=min(1.0, estimate + half_width)
    )


def _ratio_interval(
    errors: dict[int, _CombinationErrors], count: int, *, runs: int, sampling_variance: float
) -> Interval:
    """Return the expected error over that of a single run, with a jackknife interval of its logarithm."""
    estimate, single = errors[count].mean, errors[1].mean
    if not (estimate > 0 and single > 0):
        return Interval(estimate=nan, low=nan, high=nan)
    ratio = estimate / single
    # With two runs, leaving one out gives no ensemble of two.
    if runs == 1 or (runs == 2 and count > 1):
        return Interval(estimate=ratio, low=nan, high=nan)
    without = errors[min(count, runs - 1)].means_without_each_run()
    single_without = errors[1].means_without_each_run()
    if not ((without > 0).all() and single_without.all()):
        return Interval(estimate=ratio, low=nan, high=nan)
    log_variance = _jackknife_variance(np.log(without / single_without)) + sampling_variance / estimate**2
    half_width = student_quantile(runs - 1) * np.sqrt(log_variance)
    return Interval(
        estimate=ratio, low=float(ratio * np.exp(-half_width)), high=float(ratio * np.exp(half_width))
    )


def _jackknife_variance(without: Float[np.ndarray, " runs"]) -> float:
    return float((len(without) - 1) * without.var())


def _mask(
    members: Integer[np.ndarray, "combinations members"], runs: int
) -> Bool[np.ndarray, "combinations runs"]:
    mask = np.zeros((len(members), runs), dtype=bool)
    np.put_along_axis(mask, members, True, axis=1)
    return mask


def _assess(count: int, runs: int, variance: float, *, has_seeds: bool) -> Assessment:
    reasons = ["a single ensemble, of all runs"] if count == runs else []
    reasons += ["the runs do not differ"] if variance < ZERO_DISPERSION else []
    return assess_runs(runs, reasons, has_seeds=has_seeds)
