"""Verdict on how the error grows with the number of labels K: as a power of K, or as its logarithm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

import numpy as np
from jaxtyping import Float
from scipy.optimize import minimize_scalar

from analysis.claims.claim import Finding, Study, explain_open
from analysis.claims.evidence import Evidence
from analysis.claims.limits import judge_at_most
from analysis.formatting import format_count, format_interval
from scaling.fit import Fit, Interval


class Growth(StrEnum):
    """Curve of the mean error against the number of labels K."""

    POWER = "a K^rho"
    LOGARITHM = "a + b log K"


_EXPONENTS = (-5.0, 5.0)
"""Range of the exponents."""
_FEWEST_NUMBERS = 4
"""Fewest numbers of labels on which two curves with two parameters each can differ."""


@dataclass(frozen=True)
class GrowsWithLabels:
    """The mean errors of a network lie nearer to one of two curves in the number of labels K."""

    command: ClassVar[str] = "fit"
    network: str
    """Beginning of the labels of the network's curves, one for each chain of nested classes."""
    growth: Growth

    @property
    def criterion(self) -> str:
        claimed, other = self.growth, self._other
        return (
            f"In each chain of nested classes, {claimed} and {other} are fitted to the mean errors by least"
            f" squares of relative deviations. Holds if the 95 % t interval over chains of the mean log ratio"
            f" of the two deviations, {claimed} over {other}, lies below 0. Does not hold if it lies above 0."
        )

    def judge(self, evidence: Evidence, study: Study) -> Finding:
        fits = [fit for fit in evidence.fits(study) if fit.label.startswith(self.network)]
        chains = _mean_errors(fits)
        if len(chains) < 2:
            return Finding.unknown(
                f"{self.network} has fewer than two chains with {_FEWEST_NUMBERS} numbers of labels"
            )
        claimed, other = self.growth, self._other
        deviations = np.array(
            [[_deviation(chain, growth) for growth in (claimed, other)] for chain in chains]
        )
        interval = Interval.of_mean(np.log(deviations[:, 0] / deviations[:, 1]))
        exponents = Interval.of_mean(np.array([_fit_exponent(chain) for chain in chains]))
        from_claimed, from_other = 100 * np.sqrt((deviations**2).mean(axis=0))
        finding = Finding(
            verdict=judge_at_most(interval, 0.0),
            measured=(
                f"{format_count(len(chains), 'chain')} with {len(chains[0])} numbers of labels; exponent of K"
                f" {format_interval(exponents)}; relative deviations {from_claimed:.2g} % from {claimed},"
                f" {from_other:.2g} % from {other}."
            ),
            quantity=f"log ratio of the deviations, {claimed} over {other}",
            interval=interval,
            n=sum(len(fit.points.y) for fit in fits),
        )
        return explain_open(finding, "the interval over chains contains 0")

    @property
    def _other(self) -> Growth:
        return Growth.LOGARITHM if self.growth is Growth.POWER else Growth.POWER


Chain = Float[np.ndarray, "numbers 2"]
"""Numbers of labels with the mean errors, by rising numbers."""


def _mean_errors(fits: Sequence[Fit]) -> list[Chain]:
    """Return the chains of classes; all classes are the last point of each chain, whatever its draw."""
    chains = [np.column_stack([fit.points.widths, fit.points.means]) for fit in fits]
    largest = max((chain[-1, 0] for chain in chains), default=0)
    whole = [chain[-1:] for chain in chains if chain[-1, 0] == largest]
    completed = [chain if chain[-1, 0] == largest else np.vstack([chain, whole[0]]) for chain in chains]
    return [chain for chain in completed if len(chain) >= _FEWEST_NUMBERS and (chain[:, 1] > 0).all()]


def _deviation(chain: Chain, growth: Growth) -> float:
    """Return the root mean square of the relative deviations from the nearest curve of a kind."""
    numbers, _ = chain.T
    if growth is Growth.POWER:
        return _deviation_from(chain, [numbers ** _fit_exponent(chain)])
    return _deviation_from(chain, [np.ones_like(numbers), np.log(numbers)])


def _deviation_from(chain: Chain, terms: Sequence[np.ndarray]) -> float:
    """Return the deviation from the nearest sum of multiples of terms."""
    relative = np.column_stack(terms) / chain[:, 1:]
    ones = np.ones(len(chain))
    residuals = relative @ np.linalg.lstsq(relative, ones, rcond=None)[0] - ones
    return float(np.sqrt((residuals**2).mean()))


def _fit_exponent(chain: Chain) -> float:
    """Return the exponent of the nearest power of the number of labels."""
    numbers, _ = chain.T
    nearest = minimize_scalar(
        lambda exponent: _deviation_from(chain, [numbers**exponent]), bounds=_EXPONENTS, method="bounded"
    )
    return float(nearest.x)
