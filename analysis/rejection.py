"""Error-reject curves of a study, as rows, as a table, and as text for the terminal."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, isnan
from typing import Any

import pyarrow as pa
from rich.text import Text

from analysis.formatting import NO_VALUE, describe_means, format_interval, format_status, format_test_set
from analysis.text_table import TextTable
from scaling.config.labels import network_label
from scaling.fit import Interval
from scaling.fit.rejection import RejectionCurve

_TABLE_SHARES = (0.0, 0.05, 0.1)
"""Rejected shares that have a column in the terminal."""


@dataclass(frozen=True, kw_only=True)
class CellRejection:
    """Error-reject curve of the runs of one network, which differ only in their seeds."""

    curve: str
    """Label of the network's curve in the study, without the filters."""
    filters: int
    architecture: str
    """Type of the architecture."""
    parameters: int
    rejection: RejectionCurve

    @property
    def label(self) -> str:
        """Curve and width as text, without the width if the architecture has only one."""
        return network_label(self.curve, self.filters, architecture=self.architecture)


@dataclass(frozen=True, kw_only=True)
class StudyRejection:
    """Error-reject curves of all networks of a study."""

    target_error: float
    """Error among accepted images for which the rejected share is given."""
    cells: tuple[CellRejection, ...]
    runs: pa.Table
    """Runs with a test error."""
    dataset_title: str
    diverged: int
    """Number of runs without a test error, which no curve includes."""

    @property
    def title(self) -> str:
        """Name of the test images."""
        return format_test_set(self.runs, self.dataset_title)

    @property
    def target(self) -> str:
        """Target error in percent, as text."""
        return f"{100 * self.target_error:g} %"

    @property
    def has_intervals(self) -> bool:
        """True if a network has several runs; a single run has no interval."""
        return any(cell.rejection.runs > 1 for cell in self.cells)

    def to_dict(self) -> dict[str, Any]:
        """Return the curves as JSON values."""
        return {
            "target_error": self.target_error,
            "diverged": self.diverged,
            "cells": [
                {
                    "label": cell.label,
                    "curve": cell.curve,
                    "filters": cell.filters,
                    "parameters": cell.parameters,
                    **cell.rejection.to_dict(),
                }
                for cell in self.cells
            ],
        }


def rejection_table(study: StudyRejection) -> pa.Table:
    """Return one row for each network and share, with null for numbers that do not exist."""
    return pa.Table.from_pylist([row for cell in study.cells for row in _rows(cell)])


def _rows(cell: CellRejection) -> list[dict[str, object]]:
    required = cell.rejection.required
    common = {
        "target_error": required.target_error,
        **_limits("required", required.share),
        "required_status": required.status.value,
        "required_reason": required.reason,
    }
    return [
        {
            "curve": cell.curve,
            "filters": cell.filters,
            "test_images": cell.rejection.test_images,
            "runs": cell.rejection.runs,
            "rejected": share,
            **_limits("error", error),
            "status": cell.rejection.status.value,
            "reason": cell.rejection.reason,
            **common,
        }
        for share, error in zip(cell.rejection.shares, cell.rejection.errors, strict=True)
    ]


def _limits(name: str, value: Interval) -> dict[str, float | None]:
    numbers = {name: value.estimate, f"{name}_low": value.low, f"{name}_high": value.high}
    return {column: number if isfinite(number) else None for column, number in numbers.items()}


def render_rejection(study: StudyRejection) -> TextTable:
    """Return a table for the terminal, one row for each network."""
    columns = (
        "network",
        "runs",
        *(f"error, {100 * share:g} % rejected" for share in _TABLE_SHARES),
        f"rejected for {study.target} error",
        "status",
    )
    rows: list[tuple[str | Text, ...]] = []
    for cell in study.cells:
        errors = (cell.rejection.error_at(share) for share in _TABLE_SHARES)
        required = cell.rejection.required
        rows.append(
            (
                cell.label,
                str(cell.rejection.runs),
                *(format_interval(error, percent=True) for error in errors),
                format_required(cell.rejection),
                format_status(required.status, required.reason),
            )
        )
    left_out = f" Left out: {study.diverged} diverged runs." if study.diverged else ""
    return TextTable(
        title=f"Error among accepted images, on {study.title}",
        caption=(
            f"{describe_means(has_intervals=study.has_intervals)} Images are rejected by rising margin, the"
            " difference between the two largest outputs; images with equal margins are rejected together."
            " The status is that of the rejected share." + left_out
        ),
        columns=columns,
        rows=tuple(rows),
        right=frozenset({"runs"}),
    )


def format_required(rejection: RejectionCurve) -> str:
    """Return ``3.2 [2.9, 3.5] %``, or a dash if a run never reaches the error."""
    share = rejection.required.share
    return NO_VALUE if isnan(share.estimate) else format_interval(share, percent=True)
