"""The ledger as the page docs/claims.md, and as text for the terminal."""

from __future__ import annotations

from collections.abc import Iterable
from textwrap import fill

from analysis.claims.claim import ClaimVerdict, JudgedClaim, Ledger
from analysis.formatting import NO_VALUE, format_count
from analysis.text_table import TextTable

_LINE = 150
"""Letters in a line of text."""
OWN_QUESTION = "a question of this project"
"""Text of the source of a claim that no publication is confirmed to make."""


def claims_page(ledger: Ledger) -> str:
    """Return the page in Markdown."""
    parts = [
        "# Claims",
        _paragraph(
            "Claims of the literature that the studies of this project can test, each with its verdict."
            " `scaling claims` computes the verdicts from a store and writes this page, so that new runs can"
            f" change them. {_summary(ledger)}"
        ),
        _table(("claim", "verdict", "n", "command"), map(_row, ledger.rows)),
        _paragraph(
            "A verdict is about the networks, the recipe and the number of epochs of the study. It does not"
            " contradict a publication whose networks were trained longer or otherwise. The column n has the"
            " number of runs behind a verdict, or of networks for counts of parameters. All intervals are 95"
            " % intervals over runs on this test set, unless stated otherwise. A claim of the kind `as good"
            " as` holds only if the whole interval lies within the stated margin: a difference that is not"
            " significant never shows equality. The commands show the numbers of the store that `--store`"
            " names; [statistics.md](statistics.md) describes the methods."
        ),
        *(section for row in ledger.rows for section in _section(row)),
    ]
    return "\n\n".join(parts) + "\n"


def _summary(ledger: Ledger) -> str:
    counts = ", ".join(f"{verdict.value} {ledger.count(verdict)}" for verdict in ClaimVerdict)
    return f"Verdicts of {format_count(len(ledger.rows), 'claim')}: {counts}."


def _row(row: JudgedClaim) -> str:
    claim, finding = row.claim, row.finding
    return _line(
        f"[{claim.text}](#{claim.name})", f"**{finding.verdict.value}**", _n(row), f"`{claim.command}`"
    )


def _n(row: JudgedClaim) -> str:
    return f"{row.finding.n:,}" if row.finding.n else NO_VALUE


def _section(row: JudgedClaim) -> list[str]:
    """Return the details of a claim, under a heading that the table links to."""
    claim, finding = row.claim, row.finding
    entries = {
        "Claim": f"{claim.text} Source: {claim.source or OWN_QUESTION}.",
        "Measured": finding.measured,
        "Verdict": f"{finding.verdict.value}{f' ({finding.reason})' if finding.reason else ''}.",
        "Rule": claim.rule.criterion,
        "Study": f"`configs/{claim.study.path}`. {claim.remark}".strip(),
    }
    lines = (_entry(head, text) for head, text in entries.items() if text)
    return [f"## {claim.name}", "\n".join(lines)]


def _entry(head: str, text: str) -> str:
    return fill(
        f"- **{head}.** {text}", _LINE, subsequent_indent="  ", break_on_hyphens=False, break_long_words=False
    )


def _table(headings: tuple[str, ...], lines: Iterable[str]) -> str:
    return "\n".join([_line(*headings), _line(*["---"] * len(headings)), *lines])


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _paragraph(text: str) -> str:
    return fill(text, _LINE, break_on_hyphens=False, break_long_words=False)


def render_claims(ledger: Ledger) -> TextTable:
    """Return a table for the terminal, one row for each claim."""
    return TextTable(
        title="Claims and their verdicts",
        caption=f"{_summary(ledger)} --json has the rules, the studies and the commands.",
        columns=("claim", "n", "measured", "verdict"),
        rows=tuple(
            (
                row.claim.text,
                _n(row),
                row.finding.measured or NO_VALUE,
                ": ".join(filter(None, (row.finding.verdict.value, row.finding.reason))),
            )
            for row in ledger.rows
        ),
        right=frozenset({"n"}),
    )
