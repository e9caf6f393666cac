"""Joint laws of a study over filters and training images: fits, sentences and rows for a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from analysis.formatting import format_interval, format_response, plural_of
from analysis.run_groups import group_runs
from scaling.errors import FitError, TableError
from scaling.fit import JointFit, JointLaw, add_cells, fit_joint_table
from scaling.fit.data.joint_points import MIN_VALUES
from scaling.fit.diagnosis.convergence import check_convergence

SIZES = ("filters", "train_images")
"""Columns of N and D."""
_COST = "training_flops"
"""Column with the cost of the compute-optimal frontier."""


@dataclass(frozen=True, kw_only=True)
class JointLaws:
    """Joint laws of a study, one for each group of runs that differ in both sizes only."""

    fits: tuple[JointFit, ...] = ()
    failures: tuple[str, ...] = ()
    """Sentences that say why there is none; empty for a study without two sizes."""

    @property
    def with_law(self) -> list[tuple[JointFit, JointLaw]]:
        """Fits that have a law, with the law."""
        return [(fit, fit.law) for fit in self.fits if fit.law]


def fit_joint_laws(runs: pa.Table, epochs: pa.Table, *, titles: Mapping[str, str]) -> JointLaws:
    """Fit the joint law of filters and training images, if the study has several of both.

    Args:
        runs: the store's runs of a study; with a column ``training_flops``, the fits have a frontier.
        epochs: epochs of the runs; may be empty.
        titles: titles of data sets by fingerprint.
    """
    runs = runs.filter(pc.is_finite(runs["test_error"]))
    if any(len(pc.unique(runs[name])) < MIN_VALUES for name in SIZES):
        return JointLaws()
    grouped = group_runs(runs, SIZES[0], also=SIZES[1], titles=titles)
    has_cost = _COST in runs.column_names and not runs[_COST].null_count
    try:
        fits = fit_joint_table(
            add_cells(grouped.runs, SIZES), SIZES, by=("group",), cost=_COST if has_cost else None
        )
    except (FitError, TableError) as error:
        return JointLaws(failures=(f"No joint law of {SIZES[0]} and {SIZES[1]}: {error}.",))
    warnings = [check_convergence(grouped.runs, epochs, x=name, by=("group",)) for name in SIZES]
    reasons = [
        "; ".join(filter(None, (found.get(tuple(fit.group.values())) for found in warnings))) for fit in fits
    ]
    return JointLaws(
        fits=tuple(
            replace(fit, law=fit.law.with_caution(reason)) if fit.law else fit
            for fit, reason in zip(fits, reasons, strict=True)
        )
    )


def describe_joint_law(fit: JointFit, law: JointLaw) -> str:
    """Return a sentence with the law, its exponents and its floor."""
    alpha, beta = (format_interval(law.parameters[name]) for name in ("exponent_n", "exponent_d"))
    floor = format_response(fit.points, law.parameters["floor"])
    n, d = map(plural_of, fit.points.names)
    return (
        f"The error of N {n} and D {d} is E + A N^-α + B D^-β with α = {alpha}, β = {beta} and E = {floor}."
    )


def describe_frontier(fit: JointFit) -> str:
    """Return a sentence on the compute-optimal sizes; empty without a frontier."""
    if fit.frontier is None:
        return ""
    (n, d), names = fit.frontier.exponents, [plural_of(name) for name in fit.points.names]
    caution = f" Caution: {fit.frontier.reason}." if fit.frontier.reason else ""
    return (
        f"At the smallest error for a number of training FLOPs C, the {names[0]} grow as C to the power"
        f" {format_interval(n)} and the {names[1]} as C to the power {format_interval(d)}.{caution}"
    )


@dataclass(frozen=True, kw_only=True)
class JointLawRow:
    """One joint law as text, for a page."""

    label: str
    a: str
    alpha: str
    b: str
    beta: str
    floor: str
    cells: int
    runs: int
    status: str
    reason: str
    sentences: tuple[str, ...]
    """Sentence on the compute-optimal sizes, and notes."""


def joint_law_rows(laws: JointLaws) -> list[JointLawRow]:
    """Return one row for each joint law."""
    return [
        JointLawRow(
            label=fit.label,
            a=format_interval(law.parameters["amplitude_n"]),
            alpha=format_interval(law.parameters["exponent_n"]),
            b=format_interval(law.parameters["amplitude_d"]),
            beta=format_interval(law.parameters["exponent_d"]),
            floor=format_response(fit.points, law.parameters["floor"]),
            cells=len(fit.points.widths),
            runs=len(fit.points.y),
            status=law.status.value,
            reason=law.reason,
            sentences=tuple(filter(None, (describe_frontier(fit), *fit.notes))),
        )
        for fit, law in laws.with_law
    ]
