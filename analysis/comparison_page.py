"""Files of a comparison: figures, tables, and one page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis.comparison import StudyComparison, answer_about_networks
from analysis.comparison_tables import comparison_files
from analysis.comparison_text import comparison_tables
from analysis.figure_options import FigureOptions
from analysis.findings import describe_findings
from analysis.html_page import PageContext, embed_figures, load_template
from analysis.summary import summarise_runs
from analysis.table_files import write_tables


@dataclass(frozen=True, kw_only=True)
class WrittenComparison:
    """A comparison, and the files that it was written to."""

    comparison: StudyComparison
    path: Path
    """The page, compare.html."""
    figures: tuple[Path, ...]
    """A file of each format, and the .csv file of each figure."""
    tables: tuple[Path, ...]
    """A file of each format of each table."""
    context: PageContext
    """The study, the command, and the runs that are missing."""

    def __repr__(self) -> str:
        return f"<Comparison {self.path}: {len(self.figures)} files of figures>"


def write_comparison(
    comparison: StudyComparison,
    out: Path,
    *,
    context: PageContext,
    figures: FigureOptions | None = None,
    tables: Sequence[str] = (),
) -> WrittenComparison:
    """Draw the figures, and write ``compare.html`` with its figures and tables.

    Args:
        comparison: the result of ``compare_curves``.
        out: the folder; it is created if needed. Files of an earlier comparison are replaced.
        context: the study, the command, and the runs that are missing.
        figures: formats, width and font of the figures; by default those of a page.
        tables: formats of the tables beside .csv.
    """
    embedded = embed_figures(out, comparison.draw_figures, figures)
    written = write_tables(comparison_files(comparison), out, tables)
    page = load_template("compare.html.jinja").render(
        study=context.study,
        answers=answer_about_networks(comparison.grouped, comparison.laws, errors=comparison.errors),
        findings=describe_findings(comparison.fits),
        summary=summarise_runs(comparison.grouped, context),
        notes=[*context.notes, *comparison.notes],
        tables=comparison_tables(comparison),
        figures=embedded,
    )
    path = out / "compare.html"
    path.write_text(page, encoding="utf-8")
    return WrittenComparison(
        comparison=comparison,
        path=path,
        figures=tuple(file for figure in embedded for file in figure.files),
        tables=tuple(written),
        context=context,
    )
