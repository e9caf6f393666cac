"""Report of a study, or of a table of others: figures, tables and laws on one HTML page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from scaling.api._claims import claims_about
from scaling.api._figures import OUT_HINT, figure_folder
from scaling.api._fit import fit
from scaling.api._fit_options import FitOptions, RowOptions
from scaling.api._forecast import score_study
from scaling.api._missed_images import find_missed_images
from scaling.api._page_context import page_context
from scaling.api._results import StudyResults, load_trained
from scaling.api._table import tidy_table
from scaling.api._workspace import Workspace
from scaling.config import StudySource
from scaling.files import writing

if TYPE_CHECKING:
    from analysis.figure_options import FigureOptions
    from analysis.learning_rates import TunedRates
    from analysis.report import Report
    from analysis.table_report import TableReport


def report(
    config: StudySource,
    workspace: Workspace | None = None,
    *,
    overrides: Sequence[str] = (),
    out: Path | None = None,
    command: str | None = None,
    figures: FigureOptions | None = None,
    tables: Sequence[str] = (),
) -> Report:
    """Draw a study's figures and write its report page.

    Args:
        config: YAML file of the study, or its settings.
        workspace: stores and folders.
        overrides: changed settings, such as ``recipe.epochs=5``.
        out: folder of the page; by default ``artifacts/<study>``.
        command: command line that makes the page again; the page shows it.
        figures: formats, width and font of the figures; by default those of a page.
        tables: formats of the tables beside .csv: ``tex`` and ``md``.

    Raises:
        StoreError: no store holds a run of the study, or this version cannot read a forecast.
        UsageError: there is no such format of tables, or the folder cannot be written.
    """
    from analysis.report import write_report
    from analysis.table_files import check_table_formats

    check_table_formats(tables)
    workspace = workspace or Workspace()
    results = load_trained(config, workspace, overrides=overrides)
    study = results.plan.study
    runs = results.final_runs
    runs = runs.append_column("training_flops", tidy_table(runs)["training_flops"])
    epochs = workspace.stores().epochs(runs["id"].to_pylist())
    missed, forecasts = find_missed_images(results, workspace), score_study(study.name, workspace)
    folder = out or workspace.artifacts / study.name
    with writing(folder, hint=OUT_HINT):
        return write_report(
            runs=runs,
            epochs=epochs,
            out=folder,
            context=page_context(results, workspace, command=command),
            tuned=_tuned_rates(results),
            missed=missed,
            forecasts=forecasts,
            claims=claims_about(config, set(runs["id"].to_pylist()), workspace),
            figures=figures,
            tables=tables,
        )


def report_table(
    source: str,
    workspace: Workspace | None = None,
    *,
    options: FitOptions | None = None,
    rows: RowOptions | None = None,
    out: Path | None = None,
    command: str | None = None,
    note_text: Callable[[str], str] = str,
    figures: FigureOptions | None = None,
    tables: Sequence[str] = (),
) -> TableReport:
    """Fit the laws of a table of others, draw them, and write a page.

    Args:
        source: a file that ``scaling.fit.read_table`` reads.
        workspace: folders.
        options: columns and forms.
        rows: which rows are runs, and their accuracy.
        out: folder of the page; by default ``artifacts/<name of the table>``.
        command: command line that makes the page again; the page shows it.
        note_text: how the caller writes a note, which names arguments of public functions.
        figures: formats, width and font of the figure; by default those of a page.
        tables: formats of the table of laws beside .csv: ``tex`` and ``md``.

    Raises:
        TableError: the table cannot be fitted as requested.
        FitError: the data do not determine a law.
        UsageError: there is no such format of tables, or the folder cannot be written.
    """
    from analysis.drawable_fit import FitList
    from analysis.table_files import check_table_formats
    from analysis.table_report import write_table_report

    check_table_formats(tables)
    workspace = workspace or Workspace()
    fits = fit(source, workspace, options=options, rows=rows)
    fits = FitList(replace(fitted, notes=tuple(map(note_text, fitted.notes))) for fitted in fits)
    folder = out or figure_folder(Path(source), workspace).parent
    with writing(folder, hint=OUT_HINT):
        return write_table_report(
            fits, table=source, out=folder, command=command, figures=figures, tables=tables
        )


def _tuned_rates(results: StudyResults) -> list[TunedRates]:
    """Return the networks whose learning rate was chosen by pilot runs."""
    from analysis.learning_rates import TunedRates

    return [
        TunedRates(
            label=row.label,
            filters=row.cell.architecture.filters,
            architecture=row.cell.architecture.type,
            validation_images=row.cell.pilots[0].dataset.validation,
            choice=row.cell.choice,
        )
        for row in results.plan.rows()
        if row.cell.choice
    ]
