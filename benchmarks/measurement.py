"""Measurements: the results of benchmarks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One quantity, over all rounds."""

    benchmark: str
    """Name of the benchmark."""
    case: str
    """Subject of the measurement, such as a network on a data set, or a command."""
    quantity: str
    unit: str
    """Unit of the values; empty for a ratio."""
    value: float
    """Median of the rounds."""
    low: float
    """Smallest round, or the lower end of an interval if the quantity says so."""
    high: float
    """Largest round, or the upper end of an interval."""
    rounds: int
    note: str = ""
    """Verdict or choice."""

    def to_dict(self) -> dict[str, Any]:
        """Return all fields except the benchmark."""
        return {name: value for name, value in asdict(self).items() if name != "benchmark"}


def summarise_rounds(
    benchmark: str, case: str, quantity: str, *, unit: str, values: Sequence[float], note: str = ""
) -> Measurement:
    """Return the median and the extremes of a quantity that every round measured."""
    return Measurement(
        benchmark=benchmark,
        case=case,
        quantity=quantity,
        unit=unit,
        value=median(values),
        low=min(values),
        high=max(values),
        rounds=len(values),
        note=note,
    )


def paired_ratios(numerators: Sequence[float], denominators: Sequence[float]) -> list[float]:
    """Return the ratio in each round; the speed of the machine, which both sides share, cancels."""
    return [a / b for a, b in zip(numerators, denominators, strict=True)]
