"""The laws of a study's curves along one axis, and a sentence for each curve that has none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa

from analysis.formatting import listed, quantity
from analysis.run_groups import GroupedRuns
from scaling.errors import FitError
from scaling.fit import Fit, Interval, Law, Status, fit_table, rows
from scaling.fit.diagnosis.convergence import doubted, still_improving


def drawable(fit: Fit | None) -> dict[str, Law]:
    """The laws of a curve that a figure may show, by the form's name: those that aren't refused."""
    return {name: law for name, law in fit.laws.items() if law.status is not Status.REJECTED} if fit else {}


@dataclass(frozen=True)
class Laws:
    """Fits of test error along one axis."""

    x: str
    fits: dict[str, Fit]
    """By the label of the curve; curves without a fit are missing."""
    refused: tuple[str, ...]
    """For each missing curve why, as a sentence."""


def fit_laws(grouped: GroupedRuns, epochs: pa.Table, x: str) -> Laws:
    """Fit each curve by itself, so that one that can't be fitted doesn't take the others with it.

    Args:
        grouped: the runs.
        epochs: theirs, which say where training ended too early; may be empty.
        x: a column of the runs: filters, parameters or macs.
    """
    fits, refused = {}, []
    doubts = still_improving(grouped.runs, epochs, x=x, by=("group",))
    for label in grouped.labels:
        runs = grouped.of(label)
        if not len(runs):
            refused.append(f"{label} has no law: none of its runs ended with a test error.")
            continue
        try:
            (fits[label],) = doubted(fit_table(runs, x=x, y="test_error", by=("group",)), doubts)
        except FitError as error:
            refused.append(f"{label} has no law: {error}.")
    return Laws(x, fits, tuple(refused))


def law_table(laws: Iterable[Laws]) -> pa.Table:
    """One row a curve, axis and form; the axis in the column ``x``."""
    return pa.Table.from_pylist([row for law in laws for row in rows(list(law.fits.values()))])


@dataclass(frozen=True, kw_only=True)
class LawWords:
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


def law_words(fits: Iterable[Fit]) -> list[LawWords]:
    """One entry a curve and form."""
    return [
        LawWords(
            label=fit.label,
            form=law.form.formula,
            exponent=_exponent(law),
            amplitude=quantity(law.parameters["amplitude"]),
            floor=amount(fit, law.parameters["floor"]) if "floor" in law.parameters else "–",
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
    near = quantity(law.parameters["exponent"])
    if "bend" not in law.parameters:
        return near
    return f"{near}; beyond {quantity(law.parameters['bend'])}: {quantity(law.parameters['beyond'])}"


def amount(fit: Fit, interval: Interval) -> str:
    """Of y. Only a fraction of counted test images is an error rate; a loss has its own unit."""
    return quantity(interval) if fit.points.test_images is None else quantity(interval, unit=0.01) + " %"


def _held_out(law: Law) -> str:
    """Of the most widths that were left out."""
    if not law.held_out:
        return "–"
    most = law.held_out[-1]
    return f"{most.rmse_log:.3f}, {100 * most.bias:+.1f} % (at {listed(most.left_out)})"
