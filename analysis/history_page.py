"""The page docs/history.md: the table of published systems, and why errors differ."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from textwrap import fill

from analysis.formatting import NO_VALUE, format_interval
from analysis.history import CAPTION, FIGURE_CAPTION, History, HistoryRow, format_difference
from analysis.history_order import RankedPair, rank

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
        _paragraph(FIGURE_CAPTION),
        _table(_HEADINGS, map(_row, history.rows)),
        _paragraph(
            f"{CAPTION} The column n has the number of runs. A dash stands for a number that does not exist,"
            " or that is not confirmed in a publication."
        ),
        *_order(history),
        *_rejection(history),
        "## Why the errors differ",
        _list({f"**{names}.**": text for text, names in _join_names(systems, _explain).items()}),
        "## Sources",
        _list({f"{source}:": f"{names}." for source, names in _join_names(systems, _cite).items() if source}),
    ]
    return "\n\n".join(parts) + "\n"


def _order(history: History) -> list[str]:
    """Return the section on the order of the systems; nothing without two systems to compare."""
    pairs = rank(history)
    if not pairs:
        return []
    headings = ("larger published error", "smaller published error", "published difference")
    return [
        "## Order of the systems",
        _table((*headings, "measured difference", "order"), map(_pair, pairs)),
        _paragraph(
            "Neighbours in the published order, with recipes of today. Differences are in percentage points,"
            " with Welch's 95 % intervals over runs. The published errors of Net-1 to Net-5 are not"
            " confirmed; each is said to have a smaller error than the one before."
        ),
    ]


def _pair(pair: RankedPair) -> str:
    published = pair.published_difference
    return _line(
        pair.worse.system.name,
        pair.better.system.name,
        NO_VALUE if published is None else f"{100 * published:+.2f}",
        format_difference(pair.difference),
        pair.verdict,
    )


def _rejection(history: History) -> list[str]:
    """Return the section on rejected images; nothing if no system has a rejected share."""
    rows = [row for row in history.rows if row.system.rejected is not None]
    if not rows:
        return []
    return [
        "## Rejection",
        _table(("system", "published", "measured", "recipe"), map(_rejected, rows)),
        _paragraph(
            "Share of the test images that has to be rejected for an error of 1 % among the others: mean over"
            " seeds, with Student's 95 % intervals over runs, as `scaling reject` measures it. Published"
            " shares belong to the data of the publication."
        ),
    ]


def _rejected(row: HistoryRow) -> str:
    network = row.network
    return _line(
        row.system.name,
        f"{row.system.rejected} %" if row.system.rejected else NO_VALUE,
        format_interval(network.rejected, percent=True) if network and network.rejected else NO_VALUE,
        f"{network.rebuild.era.value} (`{network.rebuild.study}`)" if network else NO_VALUE,
    )


def _table(headings: Sequence[str], lines: Iterable[str]) -> str:
    return "\n".join([_line(*headings), _line(*["---"] * len(headings)), *lines])


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
    """Return what differs, for the system and for each of its recipes that was trained."""
    differences = [
        f"{row.network.rebuild.era.value.capitalize()}: {row.network.rebuild.differences}"
        for row in rows
        if row.network and row.measured
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
