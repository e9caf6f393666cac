"""Report of a study: one page, its figures and its tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from analysis.answers import answer_mean_errors
from analysis.claims.claim import JudgedClaim
from analysis.claims.page import OWN_QUESTION
from analysis.comparison import answer_about_networks
from analysis.equal_training_error import draw_equal_training_error
from analysis.error_figure import draw_error_figure
from analysis.figure_axes import FILTERS_AXIS, REPORT_AXES
from analysis.figure_options import FigureOptions
from analysis.findings import Finding, describe_findings
from analysis.forecasts import describe_scores, forecast_rows
from analysis.html_page import EmbeddedFigure, PageContext, embed_figures, load_template
from analysis.joint_answers import JointFinding, describe_joint_findings
from analysis.joint_figure import draw_joint_law
from analysis.joint_laws import JointLaws, fit_joint_laws, joint_law_rows
from analysis.laws import ONE_WIDTH_NOTE, CurveFits, fit_laws, law_rows
from analysis.laws_text import describe_card, describe_pairs
from analysis.learning_curves import draw_learning_curves
from analysis.learning_rates import TunedRates, describe_rate_choices, draw_learning_rates
from analysis.means import mean_errors
from analysis.missed_images import MissedImages, describe_missed_images, draw_missed_images
from analysis.report_figure import ReportFigure
from analysis.report_tables import report_tables
from analysis.residuals import draw_residuals
from analysis.run_groups import GroupedRuns, group_runs
from analysis.setting_axes import SettingAxis, find_setting_axes
from analysis.summary import summarise_runs
from analysis.table_files import PaperTable, write_tables
from analysis.training_length import draw_training_length
from scaling.fit import Fit, JointFit
from scaling.fit.card import law_card
from scaling.plan.forecast_score import ForecastScore


@dataclass(frozen=True, kw_only=True)
class Report:
    """Files of a report, and its fits."""

    path: Path
    """The page, report.html."""
    figures: tuple[Path, ...]
    """A file of each format, and the .csv file of each figure."""
    tables: tuple[Path, ...]
    """A file of each format of each table."""
    findings: tuple[str, ...]
    """Sentences about the curves and their laws, or a sentence that says why there is no law."""
    fits: tuple[Fit, ...]
    """Fits of error against filters, one for each curve."""
    joint_fits: tuple[JointFit, ...]
    """Joint laws of filters and training images; empty for a study without several of both."""
    forecasts: tuple[ForecastScore, ...]
    """Scores of the study's forecasts, the oldest forecast first."""
    context: PageContext
    """The study, the command, and the runs that are missing."""

    def __repr__(self) -> str:
        return f"<Report {self.path}: {len(self.figures)} files of figures>"


@dataclass(frozen=True, kw_only=True, eq=False)
class _ReportData:
    """Runs, means and fits that the figures and the page show."""

    grouped: GroupedRuns
    epochs: pa.Table
    means: pa.Table
    fits: tuple[CurveFits, ...]
    """Fits along the axes of the report: filters first."""
    settings: tuple[tuple[SettingAxis, CurveFits], ...]
    """Further axes, and the fits along them."""
    joint: JointLaws
    tuned: Sequence[TunedRates]
    missed: MissedImages | str | None
    forecasts: Sequence[ForecastScore]

    @property
    def any_error(self) -> bool:
        """True if some run has an error above 0, which a logarithmic axis needs."""
        return bool(pc.any(pc.greater(self.grouped.runs["test_error"], 0)).as_py())


def write_report(
    *,
    runs: pa.Table,
    epochs: pa.Table,
    out: Path,
    context: PageContext,
    tuned: Sequence[TunedRates] = (),
    missed: MissedImages | str | None = None,
    forecasts: Sequence[ForecastScore] = (),
    claims: Sequence[JudgedClaim] = (),
    figures: FigureOptions | None = None,
    tables: Sequence[str] = (),
) -> Report:
    """Fit, draw and write ``report.html``, the tables, such as ``laws.csv``, and ``figures/``.

    Args:
        runs: the store's runs of this study, without pilot runs; with a column ``training_flops``, joint laws
            have a compute-optimal frontier.
        epochs: the store's epochs of those runs; may be empty.
        out: the folder; it is created if needed. Files of an earlier report are replaced.
        context: the study, the command, and the runs that are missing.
        tuned: networks whose learning rate was chosen by pilot runs.
        missed: test images that most runs misclassify; or a sentence about what is missing to find them.
        forecasts: scores of the study's forecasts.
        claims: claims of the literature that these runs test, with their verdicts.
        figures: formats, width and font of the figures; by default those of a page.
        tables: formats of the tables beside .csv.

    Raises:
        StoreError: this version cannot read the configuration of a run.
    """
    data = _fit(runs, epochs, titles=context.dataset_titles, tuned=tuned, missed=missed, forecasts=forecasts)
    embedded = embed_figures(out / "figures", lambda: _draw(data), figures)
    written = write_tables(_tables(data), out, tables)
    findings, joint_findings = _findings(data), describe_joint_findings(data.joint)
    statements = _statements(data, [*joint_findings, *findings])
    page = _render_page(
        data,
        context,
        statements=statements,
        findings=findings,
        joint_findings=joint_findings,
        claims=claims,
        figures=embedded,
    )
    path = out / "report.html"
    path.write_text(page, encoding="utf-8")
    return Report(
        path=path,
        figures=tuple(file for figure in embedded for file in figure.files),
        tables=tuple(written),
        findings=(*statements, *map(str, joint_findings), *map(str, findings)),
        fits=tuple(data.fits[0].fits),
        joint_fits=data.joint.fits,
        forecasts=tuple(forecasts),
        context=context,
    )


def _render_page(
    data: _ReportData,
    context: PageContext,
    *,
    statements: Sequence[str],
    findings: Sequence[Finding],
    joint_findings: Sequence[JointFinding],
    claims: Sequence[JudgedClaim],
    figures: Sequence[EmbeddedFigure],
) -> str:
    fits = data.fits[0].fits
    return load_template("report.html.jinja").render(
        study=context.study,
        summary=summarise_runs(data.grouped, context),
        answers=answer_about_networks(data.grouped, _laws_by_axis(data)),
        mean_errors=answer_mean_errors(data.means) if statements == [ONE_WIDTH_NOTE] else [],
        joint_findings=joint_findings,
        findings=findings,
        statements=[*statements, *context.notes],
        pairs=describe_pairs(fits),
        notes=[*_notes(data), *describe_rate_choices(data.tuned)],
        laws=law_rows(fits),
        joint_laws=joint_law_rows(data.joint),
        figures=figures,
        means=data.means.to_pylist(),
        forecasts=forecast_rows(data.forecasts),
        forecast_notes=describe_scores(data.forecasts),
        claims=claims,
        own_question=OWN_QUESTION,
    )


def _fit(
    runs: pa.Table,
    epochs: pa.Table,
    *,
    titles: Mapping[str, str],
    tuned: Sequence[TunedRates],
    missed: MissedImages | str | None,
    forecasts: Sequence[ForecastScore],
) -> _ReportData:
    grouped = group_runs(runs, titles=titles)
    run_epochs = grouped.select_epochs(epochs)
    return _ReportData(
        grouped=grouped,
        epochs=run_epochs,
        means=mean_errors(grouped),
        fits=tuple(fit_laws(grouped, run_epochs, x=axis.column) for axis in REPORT_AXES),
        settings=tuple(
            (setting, fit_laws(setting.grouped, run_epochs, x=setting.axis.column))
            for setting in find_setting_axes(runs, titles)
        ),
        joint=fit_joint_laws(runs, run_epochs, titles=titles),
        tuned=tuned,
        missed=missed,
        forecasts=forecasts,
    )


def _draw(data: _ReportData) -> list[ReportFigure]:
    learning_rates = draw_learning_rates(data.tuned, data.grouped.labels)
    if not data.any_error:
        return [learning_rates] if learning_rates else []
    figures = [
        *(draw_joint_law(fit, law, number=number) for number, (fit, law) in enumerate(data.joint.with_law)),
        *(
            draw_error_figure(
                data.grouped,
                data.means,
                fits=fits,
                axis=axis,
                forecasts=[target for score in data.forecasts for target in score.targets],
            )
            for fits, axis in zip(data.fits, REPORT_AXES, strict=True)
            # Filters compare the widths of one curve; different architectures count different things.
            if fits.several_sizes or axis is not FILTERS_AXIS
        ),
        *(
            draw_error_figure(
                setting.grouped,
                mean_errors(setting.grouped, setting.axis.column),
                fits=fits,
                axis=setting.axis,
            )
            for setting, fits in data.settings
        ),
        draw_learning_curves(data.grouped, data.epochs),
        draw_equal_training_error(data.grouped, data.epochs),
        draw_residuals(data.grouped, data.means, fits=data.fits[0]),
        draw_training_length(data.grouped, data.epochs),
        learning_rates,
        draw_missed_images(data.missed) if isinstance(data.missed, MissedImages) else None,
    ]
    return [figure for figure in figures if figure]


def _tables(data: _ReportData) -> list[PaperTable]:
    axes = [
        *zip(REPORT_AXES, data.fits, strict=True),
        *((setting.axis, fits) for setting, fits in data.settings),
    ]
    return report_tables(axes, means=data.means, joint=data.joint, forecasts=data.forecasts)


def _laws_by_axis(data: _ReportData) -> dict[str, CurveFits]:
    return {axis.column: fits for axis, fits in zip(REPORT_AXES, data.fits, strict=True)}


def _findings(data: _ReportData) -> list[Finding]:
    """Return the findings of each curve along filters, and of the curves along further settings."""
    curve_fits = [data.fits[0], *(fits for _, fits in data.settings)]
    return describe_findings(fit for fits in curve_fits for fit in fits.fits)


def _statements(data: _ReportData, findings: Sequence[JointFinding | Finding]) -> list[str]:
    """Return a sentence that says why there is no law, if there is none."""
    curve_fits = [data.fits[0], *(fits for _, fits in data.settings)]
    if len(data.grouped.runs) and not any(fits.several_sizes for fits in curve_fits):
        return [ONE_WIDTH_NOTE]
    return [] if findings else ["These runs do not support a scaling law."]


def _notes(data: _ReportData) -> list[str]:
    """Return sentences that a reader of the figures should know."""
    fits, missing_figures = data.fits[0], []
    if len(data.grouped.runs) and not data.any_error:
        missing_figures.append("No figures: every error is 0, which a logarithmic axis cannot show.")
    elif len(data.grouped.runs) and not len(data.epochs):
        missing_figures.append("No learning curves: the store has no epochs of these runs.")
    return [
        *data.grouped.notes,
        *fits.failures,
        *data.joint.failures,
        *_notes_of_curves(fits),
        *(f"{card.label}: {describe_card(card)}." for fit in fits.fits if (card := law_card(fit))),
        *missing_figures,
        *describe_missed_images(data.missed),
    ]


def _notes_of_curves(fits: CurveFits) -> Iterator[str]:
    """Yield each note of the fits once, after the names of its curves."""
    labels = dict[str, list[str]]()
    for label, fit in fits.by_label.items():
        for note in fit.notes:
            labels.setdefault(note, []).append(label)
    for note, curves in labels.items():
        every = len(curves) == len(fits.by_label) > 1
        yield f"{'All curves' if every else '; '.join(curves)}: {note}"
