"""What a benchmark reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Row:
    """One quantity, over all rounds."""

    benchmark: str
    case: str
    """What was measured: a network on a data set, a command."""
    quantity: str
    unit: str
    """Empty for a ratio."""
    value: float
    """The median of the rounds."""
    low: float
    """The smallest round, or an interval's lower end where the quantity says so."""
    high: float
    rounds: int
    note: str = ""
    """A verdict, or what was chosen."""

    def to_dict(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if name != "benchmark"}


def over_rounds(
    benchmark: str, case: str, quantity: str, unit: str, values: Sequence[float], *, note: str = ""
) -> Row:
    """A quantity that every round measured."""
    return Row(
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


def ratios(above: Sequence[float], below: Sequence[float]) -> list[float]:
    """Round by round: what two things measured side by side share, such as the machine's mood, cancels."""
    return [a / b for a, b in zip(above, below, strict=True)]
