"""Ensembles of trained runs: the expected error of n members, and its interval over the seeds that might have been.

An ensemble's error is a symmetric function of its members. So its mean over all choices of n of N runs, a U-statistic, is the unbiased estimate
of least variance of the expected error of n new seeds (Hoeffding 1948). Choices share members, so their scatter is not that of the mean: it
even vanishes at n = N. The interval is jackknifed over runs instead. The mean is computed again without each run in turn; the variance is
(N - 1) / N times the sum of squares of these N values about their own mean, which for N - 1 runs is on average at least the true one (Efron &
Stein 1981); the quantile is Student's with N - 1 degrees of freedom. At n = N there is one choice, and without a run it is the ensemble of the
others. Where the choices are too many, some are drawn, and the variance of that mean is added.

The test images are taken as given, and the runs as independent: seeds that share an order of minibatches may be more alike than that.
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
from scipy.special import softmax, stdtrit

from scaling.fit.data.variance import ZERO_DISPERSION
from scaling.fit.diagnosis.status import SEEDS
from scaling.fit.interval import CONFIDENCE_LEVEL, Interval
from scaling.fit.result import Status

MOST = 1024
"""Choices of members; of more, so many are drawn."""
EACH = 10
"""Up to so many members, every number has a row; from there on, about three numbers an octave."""
AT_ONCE = 2**25
"""Numbers that are held in memory."""


class VotingRule(StrEnum):
    """How members decide together."""

    MEAN_PROBABILITY = "mean probability"
    VOTES = "votes"
    """The class with the most votes; of equal ones, that of the higher mean probability."""


@dataclass(frozen=True, kw_only=True)
class Ensemble:
    """So many members of one pool of runs."""

    rule: VotingRule
    members: int
    runs: int
    """That members are drawn from."""
    combinations: int
    """Of members, that were looked at."""
    error: Interval
    """Expected over seeds, on this test set; the ends are NaN for a single run."""
    ratio_to_single: Interval
    """The expected error over that of one run; NaN where either is 0."""
    status: Status
    reason: str

    @property
    def is_exhaustive(self) -> bool:
        """Whether these are all choices there are."""
        return self.combinations == comb(self.runs, self.members)

    def to_dict(self) -> dict[str, Any]:
        return {
            **asdict(self),
            "rule": self.rule.value,
            "status": self.status.value,
            "exhaustive": self.is_exhaustive,
        }


def default_member_counts(runs: int) -> list[int]:
    """Numbers of members that tell how the error of an ensemble falls."""
    beyond = (round(EACH * 2 ** (step / 3)) for step in range(1, 64))
    return [
        *range(1, min(runs, EACH) + 1),
        *(size for size in beyond if size < runs),
        *([runs] if runs > EACH else []),
    ]


def evaluate_ensembles(
    logits: Float[np.ndarray, "runs images classes"],
    labels: Integer[np.ndarray, " images"],
    sizes: Sequence[int],
    *,
    max_combinations: int = MOST,
    seed: int = 0,
) -> list[Ensemble]:
    """The expected errors of ensembles of some sizes, by both rules.

    Args:
        logits: of each run, on the same images.
        labels: of the images.
        sizes: numbers of members, from 1 to that of the runs.
        max_combinations: choices of members that are looked at.
        seed: of the choices, where not all are taken.
    """
    runs, known = len(logits), {}
    members = _Members(logits, labels)
    # Without a run, an ensemble of all is one of the others.
    for size in {1, *sizes} | ({runs - 1} if runs in sizes and runs > 1 else set()):
        chosen = choose_members(runs, size, max_combinations=max_combinations, seed=seed)
        known[size] = chosen, members.errors(chosen)
    by_rule = {
        rule: {n: (chosen, errors[rule]) for n, (chosen, errors) in known.items()} for rule in VotingRule
    }
    return [_ensemble(rule, size, runs, by_rule[rule]) for rule in VotingRule for size in sizes]


def choose_members(
    runs: int, size: int, *, max_combinations: int, seed: int = 0
) -> Bool[np.ndarray, "choices runs"]:
    """Every choice of so many runs; where there are more than ``max_combinations``, as many by chance, each run about equally often."""
    if comb(runs, size) <= max_combinations:
        members = np.array(list(combinations(range(runs), size)))
        chosen = np.zeros((len(members), runs), dtype=bool)
        np.put_along_axis(chosen, members, True, axis=1)
        return chosen
    rng = np.random.default_rng([seed, runs, size])
    # Consecutive stretches of a shuffled row share no run; above half, what they leave out.
    part = min(size, runs - size)
    each = runs // part
    shuffled = rng.permuted(np.tile(np.arange(runs), (-(-max_combinations // each), 1)), axis=1)[
        :, : each * part
    ].reshape(-1, part)[:max_combinations]
    chosen = np.zeros((max_combinations, runs), dtype=bool)
    np.put_along_axis(chosen, shuffled, True, axis=1)
    return chosen if part == size else ~chosen


class _Members:
    """Runs that decide together."""

    def __init__(
        self, logits: Float[np.ndarray, "runs images classes"], labels: Integer[np.ndarray, " images"]
    ) -> None:
        self.labels, self.shape = labels, logits.shape
        self.probabilities = softmax(logits.astype(float), axis=2).reshape(len(logits), -1)
        self.votes = (
            (logits.argmax(axis=2)[..., None] == np.arange(logits.shape[2]))
            .reshape(len(logits), -1)
            .astype(float)
        )

    def errors(
        self, chosen: Bool[np.ndarray, "choices runs"]
    ) -> dict[VotingRule, Float[np.ndarray, " choices"]]:
        """The error of each choice of members."""
        found = [
            [float((decided != self.labels).mean()) for decided in both] for both in self._decided(chosen)
        ]
        return dict(zip(VotingRule, np.array(found).T, strict=True))

    def _decided(self, chosen: Bool[np.ndarray, "choices runs"]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Of each choice the class of every image, by both rules."""
        at_once = max(1, AT_ONCE // self.probabilities.shape[1])
        for some in (
            chosen[start : start + at_once].astype(float) for start in range(0, len(chosen), at_once)
        ):
            likely, votes = (
                (some @ each).reshape(-1, *self.shape[1:]) for each in (self.probabilities, self.votes)
            )
            first = np.where(votes == votes.max(axis=2, keepdims=True), likely, -1)
            yield from zip(likely.argmax(axis=2), first.argmax(axis=2), strict=True)


def _ensemble(
    rule: VotingRule, size: int, runs: int, known: dict[int, tuple[np.ndarray, np.ndarray]]
) -> Ensemble:
    errors = known[size][1]
    estimate, single = float(errors.mean()), float(known[1][1].mean())
    low = high = ratio = below = above = nan
    scatter = 0.0
    if estimate > 0 and single > 0:
        ratio = estimate / single
    if runs > 1:
        without = _without(*known[min(size, runs - 1)])
        quantile = float(stdtrit(runs - 1, (1 + CONFIDENCE_LEVEL) / 2))
        drawn = 0.0 if len(errors) == comb(runs, size) else float(errors.var(ddof=1)) / len(errors)
        scatter = _jackknife(without)
        half = quantile * np.sqrt(scatter + drawn)
        low, high = max(0.0, estimate - half), min(1.0, estimate + half)
        # Of two runs, what is left without one is that one alone: it tells nothing of how two differ from one.
        if (
            (size == 1 or runs > 2)
            and np.isfinite(ratio)
            and (without > 0).all()
            and (one := _without(*known[1])).all()
        ):
            half = quantile * np.sqrt(_jackknife(np.log(without / one)) + drawn / estimate**2)
            below, above = ratio * np.exp(-half), ratio * np.exp(half)
    status, reason = _judged(size, runs, scatter)
    return Ensemble(
        rule=rule,
        members=size,
        runs=runs,
        combinations=len(errors),
        error=Interval(estimate=estimate, low=low, high=high),
        ratio_to_single=Interval(estimate=ratio, low=float(below), high=float(above)),
        status=status,
        reason=reason,
    )


def _without(
    chosen: Bool[np.ndarray, "choices runs"], errors: Float[np.ndarray, " choices"]
) -> Float[np.ndarray, " runs"]:
    """The mean error of the choices that leave out each run."""
    return np.asarray(errors @ ~chosen / (~chosen).sum(axis=0))


def _jackknife(without: Float[np.ndarray, " runs"]) -> float:
    return float((len(without) - 1) * without.var())


def _judged(size: int, runs: int, scatter: float) -> tuple[Status, str]:
    if runs == 1:
        return Status.REJECTED, "one run has no interval"
    reasons = [f"fewer than {SEEDS} runs"] if runs < SEEDS else []
    reasons += ["one ensemble of all"] if size == runs else []
    reasons += ["the runs do not differ"] if scatter < ZERO_DISPERSION else []
    return (Status.CAUTION if reasons else Status.USABLE), "; ".join(reasons)
