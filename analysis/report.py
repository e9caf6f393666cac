"""One page, its figures and its tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from matplotlib import style as matplotlib_style
from pyarrow import csv

from analysis.error_figure import FILTERS_AXIS, MACS_AXIS, PARAMETERS_AXIS, draw_error_figure
from analysis.html_page import EmbeddedFigure, embed_figure, load_template
from analysis.laws import CurveFits, build_law_table, fit_laws, law_rows
from analysis.learning_curves import draw_learning_curves
from analysis.learning_rates import TunedRates, describe_rate_choices, draw_learning_rates
from analysis.means import mean_errors
from analysis.report_figure import ReportFigure
from analysis.residuals import draw_residuals
from analysis.run_groups import GroupedRuns, group_runs
from analysis.setting_axes import SettingAxis, find_setting_axes
from analysis.style import STYLE
from analysis.summary import describe_findings, summary_lines
from analysis.training_length import draw_training_length
from scaling.fit import Fit


@dataclass(frozen=True)
class Report:
    """What was written."""

    path: Path
    """report.html."""
    figures: tuple[Path, ...]
    """An .svg, a .png and a .csv of each."""
    fits: tuple[Fit, ...]
    """Of error against filters, one a curve."""


def write_report(
    *,
    study: str,
    runs: pa.Table,
    epochs: pa.Table,
    out: Path,
    command: str,
    created: datetime | None = None,
    missing: int = 0,
    pending: int = 0,
    tuned: Sequence[TunedRates] = (),
) -> Report:
    """Fit, draw and write ``report.html``, ``laws.csv`` and ``figures/``.

    Args:
        study: its name.
        runs: the store's runs of this study, without pilots.
        epochs: the store's epochs of those runs; may be empty.
        out: the folder; made where it is missing. Files of an earlier report are replaced.
        command: what was typed, for the page.
        created: for the page; without it the same store gives the same bytes.
        missing: wanted runs that the store doesn't have.
        awaiting: runs whose learning rate is not chosen yet.
        tuned: the networks whose learning rate was chosen.

    Raises:
        StoreError: a run whose configuration this version can't read.
    """
    grouped = group_runs(runs)
    during = grouped.epochs(epochs)
    table = mean_errors(grouped)
    laws = [fit_laws(grouped, during, axis.column) for axis in (FILTERS_AXIS, PARAMETERS_AXIS, MACS_AXIS)]
    beside = [
        (along, fit_laws(along.grouped, during, along.axis.column)) for along in find_setting_axes(runs)
    ]
    figures = out / "figures"
    figures.mkdir(parents=True, exist_ok=True)
    embedded: list[EmbeddedFigure] = []
    # Starts from matplotlib's own defaults, so that nobody's matplotlibrc changes a figure, and leaves no trace.
    with matplotlib_style.context(["default", STYLE]):
        for drawing in _drawings(grouped, during, table, laws, beside, tuned):
            embedded.append(embed_figure(drawing, figures))
    csv.write_csv(build_law_table([*laws, *(own for _, own in beside)]), out / "laws.csv")
    fits = tuple(laws[0].fits.values())
    page = load_template("report.html.jinja").render(
        study=study,
        facts=summary_lines(
            study, runs, grouped, command=command, created=created, missing=missing, pending=pending
        ),
        findings=describe_findings([*fits, *(fit for _, own in beside for fit in own.fits.values())]),
        notes=[*_notes(grouped, during, laws[0]), *describe_rate_choices(tuned)],
        laws=law_rows(fits),
        figures=embedded,
        means=table.to_pylist(),
    )
    path = out / "report.html"
    path.write_text(page, encoding="utf-8")
    return Report(path, tuple(file for figure in embedded for file in figure.files), fits)


def _drawings(
    grouped: GroupedRuns,
    during: pa.Table,
    table: pa.Table,
    laws: list[CurveFits],
    beside: Sequence[tuple[SettingAxis, CurveFits]],
    tuned: Sequence[TunedRates],
) -> list[ReportFigure]:
    rates = draw_learning_rates(tuned, grouped.labels)
    if not _any_error(grouped.runs):
        return [rates] if rates else []
    drawings = [
        *(
            draw_error_figure(grouped, table, along, axis)
            for along, axis in zip(laws, (FILTERS_AXIS, PARAMETERS_AXIS, MACS_AXIS), strict=True)
        ),
        *(
            draw_error_figure(each.grouped, mean_errors(each.grouped, each.axis.column), own, each.axis)
            for each, own in beside
        ),
        draw_learning_curves(grouped, during),
        draw_residuals(grouped, table, laws[0]),
        draw_training_length(grouped, during),
        rates,
    ]
    return [drawing for drawing in drawings if drawing]


def _notes(grouped: GroupedRuns, during: pa.Table, laws: CurveFits) -> list[str]:
    """What a reader of the figures should know."""
    without = []
    if len(grouped.runs) and not _any_error(grouped.runs):
        without.append("No figures: no run made an error, and zero has no place on a logarithmic scale.")
    elif len(grouped.runs) and not len(during):
        without.append("No learning curves: the store has no epochs of these runs.")
    return [
        *grouped.notes,
        *laws.refused,
        *(f"{fit.label}: {note}" for fit in laws.fits.values() for note in fit.notes),
        *without,
    ]


def _any_error(table: pa.Table) -> bool:
    return bool(pc.any(pc.greater(table["test_error"], 0)).as_py())
