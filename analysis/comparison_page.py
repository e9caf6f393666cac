"""Files of a comparison: figures, tables, and one page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv

from analysis.comparison import StudyComparison
from analysis.comparison_text import comparison_tables, summary_sentences
from analysis.html_page import PageContext, embed_figures, load_template
from analysis.summary import summarise_runs
from scaling.fit import Interval


@dataclass(frozen=True, kw_only=True)
class WrittenComparison:
    """A comparison, and the files that it was written to."""

    comparison: StudyComparison
    path: Path
    """The page, compare.html."""
    figures: tuple[Path, ...]
    """An .svg, a .png and a .csv file of each figure."""
    context: PageContext
    """The study, the command, and the runs that are missing."""

    def __repr__(self) -> str:
        return f"<Comparison {self.path}: {len(self.figures)} files of figures>"


def write_comparison(comparison: StudyComparison, out: Path, *, context: PageContext) -> WrittenComparison:
    """Draw the figures, and write ``compare.html`` with its figures and tables.

    Args:
        comparison: the result of ``compare_curves``.
        out: the folder; it is created if needed. Files of an earlier comparison are replaced.
        context: the study, the command, and the runs that are missing.
    """
    figures = embed_figures(out, comparison.draw_figures)
    for name, rows in _csv_rows(comparison).items():
        csv.write_csv(pa.Table.from_pylist(rows), out / f"{name}.csv")
    page = load_template("compare.html.jinja").render(
        study=context.study,
        sentences=summary_sentences(comparison),
        summary=summarise_runs(comparison.grouped, context),
        notes=[*context.notes, *comparison.notes],
        tables=comparison_tables(comparison),
        figures=figures,
    )
    path = out / "compare.html"
    path.write_text(page, encoding="utf-8")
    return WrittenComparison(
        comparison=comparison,
        path=path,
        figures=tuple(file for figure in figures for file in figure.files),
        context=context,
    )


def _csv_rows(comparison: StudyComparison) -> Mapping[str, list[dict[str, Any]]]:
    """Return the rows of each table, by the name of its file."""
    equal_error = [
        {
            "first": sizes.first,
            "second": sizes.second,
            "x": sizes.x,
            "error": sizes.error,
            **_interval_columns("first", sizes.sizes[0]),
            **_interval_columns("second", sizes.sizes[1]),
            **_interval_columns("ratio", sizes.ratio),
            "extrapolated": ", ".join(sizes.extrapolated),
        }
        for sizes in comparison.equal_errors
    ]
    best_at_budget = [
        {
            "cost": cost,
            "budget": best.budget,
            "first": best.label,
            **_interval_columns("error", best.error),
            "share": best.share_best,
            "second": best.runner_up,
            **_interval_columns("second_error", best.runner_up_error),
            "extrapolated": ", ".join(best.extrapolated),
        }
        for cost, budgets in comparison.best_at_budgets.items()
        for best in budgets
    ]
    crossings = [
        {
            "first": crossing.first,
            "second": crossing.second,
            "x": crossing.x,
            **_interval_columns("size", crossing.size),
            "error": crossing.error,
            "within": crossing.within,
        }
        for crossing in comparison.crossings
    ]
    return {
        "equal_error": equal_error,
        "pareto_front": list(_pareto_rows(comparison)),
        "best_at_budget": best_at_budget,
        "crossings": crossings,
    }


def _pareto_rows(comparison: StudyComparison) -> Iterable[dict[str, Any]]:
    for cost, points in comparison.pareto_fronts.items():
        for point in points:
            yield {"cost": cost, **point.to_dict()}


def _interval_columns(name: str, value: Interval | None) -> dict[str, float | None]:
    return {f"{name}_{end}": getattr(value, end) if value else None for end in ("estimate", "low", "high")}
