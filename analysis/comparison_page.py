"""A comparison on disk: figures, tables, and one page."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa
from matplotlib import style as matplotlib_style
from pyarrow import csv

from analysis.comparison import StudyComparison
from analysis.comparison_text import comparison_tables, summary_sentences
from analysis.formatting import format_count
from analysis.html_page import embed_figure, load_template
from analysis.style import STYLE
from analysis.summary import summary_lines


@dataclass(frozen=True)
class WrittenComparison:
    """What was found, and where it is written."""

    found: StudyComparison
    path: Path
    """compare.html."""
    figures: tuple[Path, ...]
    """An .svg, a .png and a .csv of each."""
    left_out: str
    """Which runs are missing, as a sentence; empty where all are there."""


def write_comparison(
    found: StudyComparison, out: Path, *, study: str, command: str, missing: int = 0, pending: int = 0
) -> WrittenComparison:
    """Draw, and write ``compare.html`` with its figures and tables beside it.

    Args:
        found: by ``compare_curves``.
        out: the folder; made where it is missing. Files of an earlier comparison are replaced.
        study: its name.
        command: what was typed, for the page.
        missing: wanted runs that the store doesn't have.
        awaiting: runs whose learning rate is not chosen yet.
    """
    out.mkdir(parents=True, exist_ok=True)
    with matplotlib_style.context(["default", STYLE]):
        figures = [embed_figure(drawing, out) for drawing in found.drawings()]
    _tables(found, out)
    page = load_template("compare.html.jinja").render(
        study=study,
        sentences=summary_sentences(found),
        facts=summary_lines(
            study,
            found.grouped.every,
            found.grouped,
            command=command,
            created=None,
            missing=missing,
            pending=pending,
        ),
        notes=found.notes,
        tables=comparison_tables(found),
        figures=figures,
    )
    path = out / "compare.html"
    path.write_text(page, encoding="utf-8")
    wanting = [f"{format_count(missing, 'run')} not in the store"] if missing else []
    wanting += [f"{format_count(pending, 'run')} whose learning rate is not chosen yet"] if pending else []
    left_out = f"Left out: {' and '.join(wanting)}." if wanting else ""
    return WrittenComparison(
        found, path, tuple(file for figure in figures for file in figure.files), left_out
    )


def _tables(made: StudyComparison, out: Path) -> None:
    ends = ("estimate", "low", "high")
    equal = [
        {
            "first": each.first,
            "second": each.second,
            "x": each.x,
            "error": each.error,
            **{
                f"{name}_{end}": getattr(size, end)
                for name, size in zip(("first", "second"), each.sizes, strict=True)
                for end in ends
            },
            **{f"ratio_{end}": getattr(each.ratio, end) if each.ratio else None for end in ends},
            "extrapolated": ", ".join(each.extrapolated),
        }
        for each in made.equal
    ]
    places = [
        {"cost": cost, **place.to_dict()} for cost, found in made.pareto_front.items() for place in found
    ]
    best = [
        {
            "cost": cost,
            "budget": each.budget,
            "first": each.label,
            **{f"error_{end}": getattr(each.error, end) for end in ends},
            "share": each.share_best,
            "second": each.runner_up,
            **{
                f"second_error_{end}": getattr(each.runner_up_error, end) if each.runner_up_error else None
                for end in ends
            },
            "extrapolated": ", ".join(each.extrapolated),
        }
        for cost, found in made.best_at_budget.items()
        for each in found
    ]
    met = [
        {
            "first": each.first,
            "second": each.second,
            "x": each.x,
            **asdict(each.place),
            "error": each.error,
            "within": each.within,
        }
        for each in made.crossings
    ]
    for name, rows in (("equal_error", equal), ("front", places), ("winners", best), ("crossings", met)):
        csv.write_csv(pa.Table.from_pylist(rows), out / f"{name}.csv")
