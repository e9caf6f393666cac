"""Damaged files of a store: which they are, and what is left out because of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_FILES_NAMED = 4
"""Number of damaged files that a message names; it counts the others."""

_FURTHER_KINDS = ("epochs", "predictions", "weights", "test_sets", "claims", "forecasts")
"""Kinds of files without which the runs of a part can be read."""


@dataclass(frozen=True, kw_only=True)
class Damage:
    """A damaged file. Readers leave out what it held and read everything else."""

    path: str
    """Path of the file inside the store."""
    name: str
    """Full name of the file."""
    kind: str
    """Table of the file, such as ``runs``; ``weights`` for weights, ``claims`` for claims and
    ``forecasts`` for forecasts."""
    reason: str
    """What is wrong with the file."""
    runs: int | None = None
    """Number of runs that are left out; None if it is unknown."""


@dataclass(frozen=True, kw_only=True)
class DamageCounts:
    """Numbers of what is damaged in the stores that were read."""

    parts: int
    """Parts whose runs are left out."""
    runs: int | None
    """Runs that are left out with these parts; None if the number of a part's runs is unknown."""
    files: int
    """Damaged files, other tables, weights and test sets included."""


def sum_damage(damage: Sequence[Damage]) -> DamageCounts:
    """Return the numbers of what is damaged and left out."""
    parts = [file for file in damage if file.kind == "runs"]
    runs = [file.runs for file in parts if file.runs is not None]
    return DamageCounts(
        parts=len(parts), runs=sum(runs) if len(runs) == len(parts) else None, files=len(damage)
    )


def count_damage(damage: Sequence[Damage]) -> str:
    """Return how much is damaged and left out, without a full stop; empty without damage."""
    clauses = [_count_parts([file for file in damage if file.kind == "runs"])]
    clauses += [_count_files(kind, damage) for kind in _FURTHER_KINDS]
    return "; ".join(filter(None, clauses))


def describe_damage(damage: Sequence[Damage]) -> str:
    """Return what is damaged and left out, the next step, and a line for each of the first files.

    Args:
        damage: at least one damaged file.
    """
    others = len(damage) - _FILES_NAMED
    return "\n".join(
        [
            f"{count_damage(damage)}; move the files aside with: scaling store repair",
            *(f"  {file.name}: {file.reason}" for file in damage[:_FILES_NAMED]),
            *([f"  and {others} more; scaling store verify names all of them"] if others > 0 else []),
        ]
    )


def _count_parts(damage: Sequence[Damage]) -> str:
    if not damage:
        return ""
    parts = "1 part is damaged" if len(damage) == 1 else f"{len(damage)} parts are damaged"
    runs = sum(file.runs or 0 for file in damage)
    if all(file.runs is None for file in damage):
        return f"{parts}: runs left out"
    at_least = "at least " if any(file.runs is None for file in damage) else ""
    return f"{parts}: {at_least}{runs} run{'' if runs == 1 else 's'} left out"


def _count_files(kind: str, damage: Sequence[Damage]) -> str:
    count = sum(file.kind == kind for file in damage)
    noun = kind.replace("_", " ")
    if count < 2:
        return f"1 file of {noun} is damaged and left out" if count else ""
    return f"{count} files of {noun} are damaged and left out"
