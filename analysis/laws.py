"""The laws of a study's curves along one axis, and a sentence for each curve that has none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa

from analysis.formatting import format_interval, format_list
from analysis.run_groups import GroupedRuns
from scaling.errors import FitError
from scaling.fit import Fit, Interval, Law, Status, fit_table, tabulate_laws
from scaling.fit.diagnosis.convergence import check_convergence, flag_unconverged


def accepted_laws(fit: Fit | None) -> dict[str, Law]:
    """The laws of a curve that a figure may show, by the form's name: those that aren't refused."""
    return {name: law for name, law in fit.laws.items() if law.status is not Status.REJECTED} if fit else {}


@dataclass(frozen=True)
class CurveFits:
    """Fits of test error along one axis."""

    x: str
    fits: dict[str, Fit]
    """By the label of the curve; curves without a fit are missing."""
    refused: tuple[str, ...]
    """For each missing curve why, as a sentence."""


def fit_laws(grouped: GroupedRuns, epochs: pa.Table, x: str) -> CurveFits:
    """Fit each curve by itself, so that one that can't be fitted doesn't take the others with it.

    Args:
        grouped: the runs.
        epochs: theirs, which say where training ended too early; may be empty.
        x: a column of the runs: filters, parameters or macs.
    """
    fits, refused = {}, []
    doubts = check_convergence(grouped.runs, epochs, x=x, by=("group",))
    for label in grouped.labels:
        runs = grouped.of(label)
        if not len(runs):
            refused.append(f"{label} has no law: none of its runs ended with a test error.")
            continue
        try:
            (fits[label],) = flag_unconverged(fit_table(runs, x=x, y="test_error", by=("group",)), doubts)
        except FitError as error:
            refused.append(f"{label} has no law: {error}.")
    return CurveFits(x, fits, tuple(refused))


def build_law_table(laws: Iterable[CurveFits]) -> pa.Table:
    """One row a curve, axis and form; the axis in the column ``x``."""
    return pa.Table.from_pylist([row for law in laws for row in tabulate_laws(list(law.fits.values()))])


@dataclass(frozen=True, kw_only=True)
class LawRow:
    """One law as a reader sees it; floor and held-out error are a dash where there is none."""

    label: str
    form: str
    exponent: str
    amplitude: str
    floor: str
    held_out: str
    """How well the form, fitted to the narrower networks, foretells the widest ones."""
    widths: int
    runs: int
    status: Status
    reason: str


def law_rows(fits: Iterable[Fit]) -> list[LawRow]:
    """One entry a curve and form."""
    return [
        LawRow(
            label=fit.label,
            form=law.form.formula,
            exponent=_exponent(law),
            amplitude=format_interval(law.parameters["amplitude"]),
            floor=format_in_unit(fit, law.parameters["floor"]) if "floor" in law.parameters else "–",
            held_out=_held_out(law),
            widths=len(fit.points.widths),
            runs=len(fit.points.x),
            status=law.status,
            reason=law.reason,
        )
        for fit in fits
        for law in fit.laws.values()
    ]


def _exponent(law: Law) -> str:
    """With what it becomes beyond a bend."""
    near = format_interval(law.parameters["exponent"])
    if "bend" not in law.parameters:
        return near
    return f"{near}; beyond {format_interval(law.parameters['bend'])}: {format_interval(law.parameters['beyond'])}"


def format_in_unit(fit: Fit, interval: Interval) -> str:
    """Of y. Only a fraction of counted test images is an error rate; a loss has its own unit."""
    return (
        format_interval(interval)
        if fit.points.test_images is None
        else format_interval(interval, unit=0.01) + " %"
    )


def _held_out(law: Law) -> str:
    """Of the most widths that were left out."""
    if not law.held_out:
        return "–"
    most = law.held_out[-1]
    return f"{most.rmse_log:.3f}, {100 * most.bias:+.1f} % (at {format_list(most.left_out)})"
