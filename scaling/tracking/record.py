"""A run as a tracker gets it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

_ID_DIGITS = 8
"""Digits of the id in a name."""


@dataclass(frozen=True, kw_only=True)
class TrackedEpoch:
    """Numbers of one epoch."""

    number: int
    """Number of the epoch, from 1."""
    time_s: float
    """End of the epoch, in seconds since 1970."""
    metrics: dict[str, float]
    """Finite numbers by the names of the store's columns, such as ``test_error``."""


@dataclass(frozen=True, kw_only=True)
class TrackedRun:
    """A finished run: its settings, learning curves and results."""

    id: str
    """Id of the run."""
    label: str
    """Network and seed in words, such as ``lenet5, filters 6, seed 0``."""
    group: str
    """Network in words; runs that differ in their seed have one."""
    start_s: float
    """Start of the training, in seconds since 1970."""
    end_s: float
    """End of the training, in seconds since 1970."""
    settings: dict[str, str | int | float | bool | None]
    """Settings by their dotted paths, sizes, and the machine."""
    epochs: tuple[TrackedEpoch, ...]
    results: dict[str, float]
    """Final numbers by the names of the store's columns."""

    @property
    def name(self) -> str:
        """Label with the beginning of the id, which no other run of a study has."""
        return f"{self.label}, {self.id[:_ID_DIGITS]}"

    def to_json(self) -> str:
        """Return the run as one line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> TrackedRun:
        """Return the run of a line that ``to_json`` wrote."""
        values: dict[str, Any] = json.loads(text)
        return cls(**values | {"epochs": tuple(TrackedEpoch(**epoch) for epoch in values["epochs"])})
