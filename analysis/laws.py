"""Laws of a study's curves along one axis, and their rows for tables."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from analysis.formatting import NO_VALUE, format_exponent, format_interval, format_list, format_response
from analysis.run_groups import GroupedRuns
from scaling.errors import FitError
from scaling.fit import Fit, Law, Status, fit_table, preferred_law, tabulate_laws
from scaling.fit.data.best_epoch import add_best_epoch, has_validation
from scaling.fit.diagnosis.caution import add_caution
from scaling.fit.diagnosis.convergence import check_convergence
from scaling.notes import without_hints

ONE_WIDTH_NOTE = "No curve has several widths, so no scaling law is fitted."
_MAX_BAND = 5.0
"""Ratio of the limits of a band beyond which the band would hide its figure and say nothing."""
_FORM_NAMES = {
    "power": "power law",
    "floor": "law with a floor",
    "broken": "broken power law",
    "m4": "M4 law",
}


def accepted_laws(fit: Fit | None) -> dict[str, Law]:
    """Return the laws of a curve that a figure may show, by the name of their form: those not rejected."""
    if fit is None:
        return {}
    return {name: law for name, law in fit.laws.items() if law.status is not Status.REJECTED}


WIDE_BAND_NOTE = " A band that spans more than a factor of 5 is not drawn."
"""Sentence of a caption, if ``has_wide_band`` is true for some curve."""


def describe_form(law: Law) -> str:
    """Return the name of a law's form for a sentence, such as ``law with a floor``."""
    return _FORM_NAMES.get(law.form.name, law.form.formula)


@dataclass(frozen=True, kw_only=True)
class CurveFits:
    """Fits of test error along one axis, one for each curve."""

    x: str
    """Column of the axis."""
    by_label: dict[str, Fit]
    """Fits by the label of the curve; a curve that cannot be fitted is missing."""
    failures: tuple[str, ...]
    """Sentences that say why a curve is missing."""
    several_sizes: bool = True
    """False if no curve has several sizes, so that no curve could have a law."""

    @property
    def fits(self) -> list[Fit]:
        """Fits in the order of the curves."""
        return list(self.by_label.values())

    @property
    def any_accepted(self) -> bool:
        """True if some curve has a law that is not rejected, which figures draw."""
        return any(map(accepted_laws, self.fits))


def fit_laws(grouped: GroupedRuns, epochs: pa.Table, *, x: str) -> CurveFits:
    """Fit each curve separately, so that a curve that cannot be fitted does not affect the others.

    Args:
        grouped: the runs.
        epochs: epochs of the runs, which show where training ended too early; may be empty.
        x: a column of the runs, such as ``filters``, ``parameters`` or ``macs``.
    """
    fits, failures = {}, []
    several_sizes = grouped.has_several_sizes(x)
    validated = has_validation(grouped.runs)
    warnings = check_convergence(grouped.runs, epochs, x=x, by=("group",))
    for label in grouped.labels:
        runs = grouped.of_curve(label)
        if not len(runs):
            failures.append(f"{label} has no law: none of its runs ended with a test error.")
        if not (len(runs) and several_sizes):
            continue
        if validated:
            runs = add_best_epoch(runs, epochs)
        try:
            (fit,) = add_caution(fit_table(runs, x=x, y="test_error", by=("group",)), warnings)
            # The curves of a study are given: no argument regroups them.
            fits[label] = replace(fit, notes=without_hints(fit.notes))
        except FitError as error:
            failures.append(f"{label} has no law: {error}.")
    return CurveFits(x=x, by_label=fits, failures=tuple(failures), several_sizes=several_sizes)


def build_law_table(axes: Iterable[CurveFits]) -> pa.Table:
    """Return one row for each axis, curve and form; the column ``x`` names the axis."""
    return pa.Table.from_pylist([row for fits in axes for row in tabulate_laws(fits.fits)])


@dataclass(frozen=True, kw_only=True)
class LawRow:
    """One law as text; a dash stands for a missing floor or held-out error."""

    label: str
    form: str
    exponent: str
    amplitude: str
    floor: str
    held_out: str
    """Error of the form's prediction of the widest networks, when fitted to the narrower networks."""
    widths: int
    runs: int
    status: Status
    reason: str
    is_named: bool
    """True for the law that the verdict names or, if that law is not usable, for the law in its place."""


def law_rows(fits: Iterable[Fit]) -> list[LawRow]:
    """Return one row for each curve and form."""
    return [
        LawRow(
            label=fit.label,
            form=law.form.formula,
            exponent=describe_exponent(law),
            amplitude=format_interval(law.parameters["amplitude"]),
            floor=(
                format_response(fit.points, law.parameters["floor"])
                if "floor" in law.parameters
                else NO_VALUE
            ),
            held_out=_format_held_out(law),
            widths=len(fit.points.widths),
            runs=len(fit.points.x),
            status=law.status,
            reason=law.reason,
            is_named=law is (preferred_law(fit) or next(iter(fit.laws.values()))),
        )
        for fit in fits
        for law in fit.laws.values()
    ]


def has_wide_band(fit: Fit) -> bool:
    """Return whether the band of the law that the verdict names spans too much to be drawn."""
    law = preferred_law(fit)
    if law is None:
        return False
    low, high = law.band(fit.points.widths)
    return not np.median(high) <= _MAX_BAND * np.median(low)


def describe_exponent(law: Law) -> str:
    """Return the exponent; for a broken power law, also the exponent beyond the bend."""
    first = format_exponent(law.parameters["exponent"])
    if "bend" not in law.parameters:
        return first
    bend, beyond = (format_interval(law.parameters[name]) for name in ("bend", "beyond"))
    return f"{first}; beyond {bend}: {beyond}"


def _format_held_out(law: Law) -> str:
    """Return the held-out error for the largest number of omitted widths."""
    if not law.held_out:
        return NO_VALUE
    largest = law.held_out[-1]
    return f"{largest.rmse_log:.3f}, {100 * largest.bias:+.1f} % (at {format_list(largest.left_out)})"
