"""Report of a table of others: its laws as a figure and a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from matplotlib.figure import Figure

from analysis import style
from analysis.curve_names import NAMES_ONLY, NamedLine, name_ends
from analysis.drawable_fit import DrawableFit, FitList, labelled_axes
from analysis.figure_alt import describe_ends
from analysis.figure_options import FigureOptions
from analysis.findings import describe_findings
from analysis.formatting import format_count, response_label
from analysis.html_page import embed_figures, load_template
from analysis.laws import law_rows
from analysis.laws_text import describe_card, describe_pairs
from analysis.report_figure import ReportFigure
from analysis.report_tables import law_table
from analysis.summary import SummaryLine
from analysis.table_files import write_tables
from scaling.fit.card import law_card

_CAPTION = (
    "Each point is a row of the table, each marker the mean of the rows of one size. The law that the verdict"
    " names is solid, with its 95 % band; other forms that are not rejected are dashed. {estimands}."
)


@dataclass(frozen=True, kw_only=True)
class TableReport:
    """Files of a report of a table, and its fits."""

    path: Path
    """The page, report.html."""
    figures: tuple[Path, ...]
    """A file of each format, and the .csv file of the figure."""
    tables: tuple[Path, ...]
    """A file of each format of the table of laws."""
    findings: tuple[str, ...]
    """Sentences about the laws, or a sentence that says why there is none."""
    fits: FitList
    """Fits, one for each curve."""

    def __repr__(self) -> str:
        return f"<Report {self.path}: {len(self.figures)} files of figures>"


def write_table_report(
    fits: FitList,
    *,
    table: str,
    out: Path,
    command: str | None,
    figures: FigureOptions | None = None,
    tables: Sequence[str] = (),
) -> TableReport:
    """Draw the laws, and write ``report.html``, ``laws.csv`` and ``figures/``.

    Args:
        fits: fits of the table's curves; at least one.
        table: name of the table.
        out: the folder; it is created if needed. Files of an earlier report are replaced.
        command: command line that makes the page again; None if the page does not show one.
        figures: formats, width and font of the figure; by default those of a page.
        tables: formats of the table of laws beside .csv.
    """
    embedded = embed_figures(out / "figures", lambda: [_draw(fits)], figures)
    written = write_tables([law_table(fits)], out, tables)
    findings = describe_findings(fits)
    statements = [] if findings else ["These rows do not support a scaling law."]
    page = load_template("table_report.html.jinja").render(
        name=Path(table).name,
        heading=_heading(fits),
        findings=findings,
        statements=statements,
        pairs=describe_pairs(fits),
        summary=_summarise(fits, table=table, command=command),
        notes=[
            *(f"{fit.label}: {note}" for fit in fits for note in fit.notes),
            *(f"{card.label}: {describe_card(card)}." for fit in fits if (card := law_card(fit))),
        ],
        laws=law_rows(fits),
        figures=embedded,
    )
    path = out / "report.html"
    path.write_text(page, encoding="utf-8")
    files = tuple(file for figure in embedded for file in figure.files)
    return TableReport(
        path=path,
        figures=files,
        tables=tuple(written),
        findings=(*statements, *map(str, findings)),
        fits=fits,
    )


def _heading(fits: FitList) -> str:
    points = fits[0].points
    return f"{response_label(points.y_name)} against {points.x_name}"


def _summarise(fits: FitList, *, table: str, command: str | None) -> list[SummaryLine]:
    rows = sum(len(fit.points.x) for fit in fits)
    lines = [
        SummaryLine("Table", table),
        SummaryLine("Rows", f"{format_count(rows, 'row')} in {format_count(len(fits), 'curve')}"),
        SummaryLine("Estimand", "; ".join(dict.fromkeys(fit.estimand for fit in fits))),
    ]
    return [*lines, *([SummaryLine("Command", command, is_code=True)] if command else [])]


def _draw(fits: FitList) -> ReportFigure:
    figure = Figure()
    with labelled_axes(figure, fits[0].points, fits.sizes) as axes:
        for fit in fits:
            fit.plot(axes)
    figure.legend(loc="outside lower left", ncols=2).set_gid(NAMES_ONLY)
    name_ends(axes, [_named_line(index, fit) for index, fit in enumerate(fits)])
    estimands = "; ".join(dict.fromkeys(fit.estimand for fit in fits))
    numbers = [
        {"curve": fit.label, fit.points.x_name: float(x), f"mean {fit.points.y_name}": float(mean), "rows": n}
        for fit in fits
        for x, mean, n in zip(fit.points.widths, fit.points.means, fit.points.counts.tolist(), strict=True)
    ]
    return ReportFigure(
        name="laws",
        heading=_heading(fits),
        caption=_CAPTION.format(estimands=estimands[:1].upper() + estimands[1:]),
        figure=figure,
        numbers=pa.Table.from_pylist(numbers),
        alt=_alt(fits, pa.Table.from_pylist(numbers)),
    )


def _named_line(index: int, fit: DrawableFit) -> NamedLine:
    """Return the law that the verdict names, or without one the means, for the name of the curve."""
    x, law = fit.points.widths, fit.law
    y = law.predict(x) if law else fit.points.means
    return NamedLine(index=index, name=fit.label, x=x, y=y, color=style.curve_style(index).color)


def _alt(fits: FitList, numbers: pa.Table) -> str:
    points = fits[0].points
    ends = describe_ends(
        numbers, x=points.x_name, y=f"mean {points.y_name}", by="curve", text="{:.3g}".format
    )
    return f"{_heading(fits)}. {ends}."
