r"""Tables of text as LaTeX, with the rules of the package booktabs.

Every sign is escaped, formulas are in math mode, and a unit stays beside its number. Reasons of statuses are
notes below the table.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from string import ascii_lowercase

from analysis.text_table import STATUS, TextTable
from scaling.control_characters import escape_control_characters

_SIGNS = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    **{sign: f"\\{sign}" for sign in "&%$#_"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    "–": "--",
    "—": "---",
    "−": "$-$",
    "×": r"$\times$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "ρ": r"$\rho$",
    "α": r"$\alpha$",
    "β": r"$\beta$",
    "“": "``",
    "”": "''",
    "’": "'",
    "\N{NO-BREAK SPACE}": "~",
}
_GREEK = {"ρ": "rho", "α": "alpha", "β": "beta"}
_TERM = r"(?:[A-Z] )?[A-Za-z]\^-(?:rho|alpha|beta|[ραβ])'?"
_FORMULA = re.compile(rf"(?:E \+ )?{_TERM}(?: \+ (?:{_TERM}|E\b))*")
"""Formula of a law, such as ``A x^-rho + E``."""
_EXPONENT = re.compile(r"\^-(rho|alpha|beta|[ραβ])('?)")
_MINUS = re.compile(r"(?<![\w.)])-(?=\d)")
"""A hyphen that is the sign of a number."""
_UNIT = re.compile(r"(?<=[\d\]]) %")
"""A space between a number and its unit."""


def latex_table(table: TextTable, *, label: str) -> str:
    r"""Return a floating table with its caption.

    Args:
        table: the table; its title and caption become one caption.
        label: name for ``\ref``.
    """
    notes = _Notes()
    rows = [_row(table, [str(cell) for cell in row], notes) for row in table.rows]
    alignment = "".join("r" if column in table.right else "l" for column in table.columns)
    caption = " ".join(f"{text.rstrip('.')}." for text in (table.title, table.caption) if text)
    lines = [
        r"\begin{table}",
        r"  \centering",
        rf"  \caption{{{escape(caption)}}}",
        rf"  \label{{tab:{label}}}",
        rf"  \begin{{tabular}}{{{alignment}}}",
        r"    \toprule",
        f"    {_line([escape(column) for column in table.columns])}",
        r"    \midrule",
        *(f"    {row}" for row in rows),
        r"    \bottomrule",
        r"  \end{tabular}",
        *notes.lines(),
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def escape(text: str) -> str:
    """Return a text for LaTeX: special signs escaped, formulas and minus signs in math mode."""
    line = " ".join(escape_control_characters(text.replace("\n", " ")).split(" "))
    parts, end = [], 0
    for formula in _FORMULA.finditer(line):
        parts += [_escape_words(line[end : formula.start()]), _math(formula[0])]
        end = formula.end()
    return "".join([*parts, _escape_words(line[end:])])


def _escape_words(text: str) -> str:
    marked = _UNIT.sub("\N{NO-BREAK SPACE}%", _MINUS.sub("−", text))
    return "".join(_SIGNS.get(sign, sign) for sign in marked)


def _math(formula: str) -> str:
    return (
        "$"
        + _EXPONENT.sub(lambda match: rf"^{{-\{_GREEK.get(match[1], match[1])}{match[2]}}}", formula)
        + "$"
    )


class _Notes:
    """Notes below a table, by letter; equal notes share a letter."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def mark(self, text: str) -> str:
        """Return the mark of a note."""
        if text not in self.texts:
            self.texts.append(text)
        return _superscript(self.texts.index(text))

    def lines(self) -> list[str]:
        """Return the lines below the table."""
        if not self.texts:
            return []
        return [
            r"  \par\smallskip",
            r"  \begin{minipage}{\linewidth}",
            r"    \footnotesize",
            *(rf"    {_superscript(i)} {escape(text)}.\par" for i, text in enumerate(self.texts)),
            r"  \end{minipage}",
        ]


def _superscript(number: int) -> str:
    letters = ascii_lowercase[number % len(ascii_lowercase)] * (1 + number // len(ascii_lowercase))
    return rf"\textsuperscript{{{letters}}}"


def _row(table: TextTable, cells: list[str], notes: _Notes) -> str:
    cells += [""] * (len(table.columns) - len(cells))
    written = []
    for column, cell in zip(table.columns, cells, strict=True):
        status, colon, reason = cell.partition(": ")
        if column == STATUS and colon:
            written.append(escape(status) + notes.mark(reason))
        else:
            written.append(escape(cell))
    return _line(written)


def _line(cells: Sequence[str]) -> str:
    line = " & ".join(cells)
    # After the end of a row, LaTeX would read a bracket or a star as an argument.
    return ("{}" if line.startswith(("[", "*")) else "") + line + r" \\"
