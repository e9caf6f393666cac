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

from analysis.error_figure import FILTERS, MACS, PARAMETERS, draw_error
from analysis.html_page import Embedded, embed, template
from analysis.laws import Laws, fit_laws, law_table, law_words
from analysis.learning_curves import draw_learning_curves
from analysis.learning_rates import TunedRates, chosen_words, draw_learning_rates
from analysis.means import means
from analysis.report_figure import ReportFigure
from analysis.residuals import draw_residuals
from analysis.run_groups import GroupedRuns, group
from analysis.setting_axes import SettingAxis, along_leaves
from analysis.style import STYLE
from analysis.summary import facts, findings
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
    grouped = group(runs)
    during = grouped.epochs(epochs)
    table = means(grouped)
    laws = [fit_laws(grouped, during, axis.column) for axis in (FILTERS, PARAMETERS, MACS)]
    beside = [(along, fit_laws(along.grouped, during, along.axis.column)) for along in along_leaves(runs)]
    figures = out / "figures"
    figures.mkdir(parents=True, exist_ok=True)
    embedded: list[Embedded] = []
    # Starts from matplotlib's own defaults, so that nobody's matplotlibrc changes a figure, and leaves no trace.
    with matplotlib_style.context(["default", STYLE]):
        for drawing in _drawings(grouped, during, table, laws, beside, tuned):
            embedded.append(embed(drawing, figures))
    csv.write_csv(law_table([*laws, *(own for _, own in beside)]), out / "laws.csv")
    fits = tuple(laws[0].fits.values())
    page = template("report.html.jinja").render(
        study=study,
        facts=facts(study, runs, grouped, command=command, created=created, missing=missing, pending=pending),
        findings=findings([*fits, *(fit for _, own in beside for fit in own.fits.values())]),
        notes=[*_notes(grouped, during, laws[0]), *chosen_words(tuned)],
        laws=law_words(fits),
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
    laws: list[Laws],
    beside: Sequence[tuple[SettingAxis, Laws]],
    tuned: Sequence[TunedRates],
) -> list[ReportFigure]:
    rates = draw_learning_rates(tuned, grouped.labels)
    if not _any_error(grouped.runs):
        return [rates] if rates else []
    drawings = [
        *(
            draw_error(grouped, table, along, axis)
            for along, axis in zip(laws, (FILTERS, PARAMETERS, MACS), strict=True)
        ),
        *(
            draw_error(each.grouped, means(each.grouped, each.axis.column), own, each.axis)
            for each, own in beside
        ),
        draw_learning_curves(grouped, during),
        draw_residuals(grouped, table, laws[0]),
        draw_training_length(grouped, during),
        rates,
    ]
    return [drawing for drawing in drawings if drawing]


def _notes(grouped: GroupedRuns, during: pa.Table, laws: Laws) -> list[str]:
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
