"""Test error against shifts of the test images, as rows, as a table, and as text for the terminal."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from jaxtyping import Float
from rich.text import Text

from analysis.formatting import describe_means, format_interval, format_list, format_status, format_test_set
from analysis.text_table import TextTable
from scaling.config.labels import network_label
from scaling.datasets import Shift
from scaling.fit import Interval
from scaling.fit.diagnosis.status import Assessment, assess_runs

_ESTIMAND = "mean error over seeds, on this test set with all images shifted"


@dataclass(frozen=True, kw_only=True, eq=False)
class CellShifts:
    """Test errors of the runs of one network, which differ only in their seeds, for each shift."""

    curve: str
    """Label of the network's curve in the study, without the filters."""
    filters: int
    architecture: str
    """Type of the architecture."""
    parameters: int
    shifts: tuple[Shift, ...]
    errors: Float[np.ndarray, "shifts runs"]
    """Test error of each run for each shift."""

    @property
    def label(self) -> str:
        """Curve and width as text, without the width if the architecture has only one."""
        return network_label(self.curve, self.filters, architecture=self.architecture)

    @property
    def runs(self) -> int:
        """Number of runs."""
        return int(self.errors.shape[1])

    @property
    def assessment(self) -> Assessment:
        """Status of the means."""
        return assess_runs(self.runs)

    @cached_property
    def means(self) -> dict[Shift, Interval]:
        """Mean over seeds for each shift, with Student's interval."""
        return {
            shift: Interval.of_mean(row, at_least=0, at_most=1)
            for shift, row in zip(self.shifts, self.errors, strict=True)
        }

    def at_distance(self, distance: int) -> Interval:
        """Return the mean over all shifts at a distance and over seeds; its interval is over seeds."""
        rows = [shift.distance == distance for shift in self.shifts]
        return Interval.of_mean(self.errors[rows].mean(axis=0), at_least=0, at_most=1)


@dataclass(frozen=True, kw_only=True)
class StudyShifts:
    """Test errors of all networks of a study, for each shift of the test images."""

    ESTIMAND: ClassVar[str] = _ESTIMAND

    largest: int
    """Largest horizontal and largest vertical shift, in pixels."""
    cells: tuple[CellShifts, ...]
    runs: pa.Table
    """Runs of networks with a test error."""
    dataset_title: str
    diverged: int
    """Number of runs without a test error, which no mean includes."""
    left_out: tuple[str, ...] = ()
    """Architectures that are fitted in one go, whose weights are not kept."""

    @property
    def distances(self) -> range:
        """Distances of the shifts, from 0."""
        return range(self.largest + 1)

    @property
    def title(self) -> str:
        """Name of the test images."""
        return format_test_set(self.runs, self.dataset_title)

    @property
    def has_intervals(self) -> bool:
        """True if a network has several runs; a single run has no interval."""
        return any(cell.runs > 1 for cell in self.cells)

    @property
    def omissions(self) -> str:
        """Sentences about runs that are left out, each with a space before it."""
        parts = [f"{self.diverged} diverged runs"] if self.diverged else []
        parts += [f"{format_list(self.left_out)}, whose weights are not kept"] if self.left_out else []
        return f" Left out: {'; '.join(parts)}." if parts else ""

    def to_dict(self) -> dict[str, Any]:
        """Return the errors as JSON values."""
        return {
            "estimand": self.ESTIMAND,
            "largest": self.largest,
            "diverged": self.diverged,
            "left_out": list(self.left_out),
            "cells": [
                {
                    "label": cell.label,
                    "curve": cell.curve,
                    "filters": cell.filters,
                    "parameters": cell.parameters,
                    "runs": cell.runs,
                    "status": cell.assessment.status.value,
                    "reason": cell.assessment.reason,
                    "distances": [
                        {"distance": distance, **vars(cell.at_distance(distance))}
                        for distance in self.distances
                    ],
                    "errors": [
                        {"right": shift.right, "down": shift.down, **vars(error)}
                        for shift, error in cell.means.items()
                    ],
                }
                for cell in self.cells
            ],
        }


def shift_table(study: StudyShifts) -> pa.Table:
    """Return one row for each network and shift, with null for limits that do not exist."""
    return pa.Table.from_pylist(
        [
            {
                "curve": cell.curve,
                "filters": cell.filters,
                "parameters": cell.parameters,
                "runs": cell.runs,
                "right": shift.right,
                "down": shift.down,
                "distance": shift.distance,
                "error": error.estimate,
                "error_low": _none_unless_finite(error.low),
                "error_high": _none_unless_finite(error.high),
                "status": cell.assessment.status.value,
                "reason": cell.assessment.reason,
            }
            for cell in study.cells
            for shift, error in cell.means.items()
        ]
    )


def _none_unless_finite(number: float) -> float | None:
    return number if isfinite(number) else None


def render_shifts(study: StudyShifts) -> TextTable:
    """Return a table for the terminal, one row for each network."""
    columns = (
        "network",
        "runs",
        "error, not shifted",
        *(f"at {distance} px" for distance in study.distances if distance),
        "status",
    )
    rows: list[tuple[str | Text, ...]] = [
        (
            cell.label,
            str(cell.runs),
            *(format_interval(cell.at_distance(distance), percent=True) for distance in study.distances),
            format_status(cell.assessment.status, cell.assessment.reason),
        )
        for cell in study.cells
    ]
    return TextTable(
        title=f"Error on shifted images: {study.title}",
        caption=(
            f"{describe_means(has_intervals=study.has_intervals)} At a distance: mean over all"
            " shifts whose larger displacement, horizontal or vertical, is this distance. Pixels that are"
            f" shifted in have the value 0.{study.omissions}"
        ),
        columns=columns,
        rows=tuple(rows),
        right=frozenset({"runs"}),
    )
