"""The page docs/history.md: the table of published systems, and why errors differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from textwrap import fill

from analysis.formatting import NO_VALUE
from analysis.history import CAPTION, History, HistoryRow

_LINE = 150
"""Letters in a line of text."""
_HEADINGS = (
    "system",
    "year",
    "data",
    "published error",
    "measured mean error",
    "n",
    "difference",
    "recipe",
    "parameters",
)


def history_page(history: History) -> str:
    """Return the page in Markdown. Its figure is ``figures/history.svg``."""
    systems = _group_by_system(history)
    parts = [
        "# Published systems",
        _paragraph(
            "Systems of 1988 to 1998 that recognise digits, with their published test errors, and the errors"
            " of the networks that rebuild them here. The studies are in configs/history, and `scaling"
            " history` writes this page and its figure from a store. `scaling models` lists the units,"
            " connections, parameters and multiply-adds of the networks."
        ),
        "![Published and measured test errors by year](figures/history.svg)",
        "\n".join([_line(*_HEADINGS), _line(*["---"] * len(_HEADINGS)), *map(_row, history.rows)]),
        _paragraph(
            f"{CAPTION} The column n has the number of runs. A dash stands for a number that does not exist,"
            " or that is not confirmed in a publication."
        ),
        "## Why the errors differ",
        _list({f"**{names}.**": text for text, names in _join_names(systems, _explain).items()}),
        "## Sources",
        _list({f"{source}:": f"{names}." for source, names in _join_names(systems, _cite).items() if source}),
    ]
    return "\n\n".join(parts) + "\n"


def _group_by_system(history: History) -> dict[str, tuple[HistoryRow, ...]]:
    return {name: tuple(rows) for name, rows in groupby(history.rows, lambda row: row.system.name)}


def _join_names(
    systems: Mapping[str, Sequence[HistoryRow]], describe: Callable[[Sequence[HistoryRow]], str]
) -> dict[str, str]:
    """Return the names of the systems that have the same text, by the text."""
    names: dict[str, list[str]] = {}
    for name, rows in systems.items():
        names.setdefault(describe(rows), []).append(name)
    return {text: "; ".join(members) for text, members in names.items()}


def _explain(rows: Sequence[HistoryRow]) -> str:
    """Return what differs, for the system and for each of its recipes."""
    differences = [
        f"{row.network.rebuild.era.value.capitalize()}: {row.network.rebuild.differences}"
        for row in rows
        if row.network
    ]
    return " ".join([rows[0].system.remark, *differences]).strip()


def _cite(rows: Sequence[HistoryRow]) -> str:
    return rows[0].system.source


def _list(entries: Mapping[str, str]) -> str:
    return "\n".join(
        fill(f"- {head} {text}", _LINE, subsequent_indent="  ", break_on_hyphens=False)
        for head, text in entries.items()
    )


def _row(row: HistoryRow) -> str:
    network = row.network
    return _line(
        row.system.name,
        NO_VALUE if row.system.year is None else str(row.system.year),
        row.data_text,
        row.published_text,
        row.measured_text,
        row.runs_text,
        row.difference_text,
        f"{network.rebuild.era.value}: {network.recipe} (`{network.rebuild.study}`)" if network else NO_VALUE,
        row.parameters_text,
    )


def _paragraph(text: str) -> str:
    return fill(text, _LINE, break_on_hyphens=False, break_long_words=False)


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
