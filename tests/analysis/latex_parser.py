"""A parser of the LaTeX that tables use; it refuses every sign and command that it does not know."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

TOKEN = re.compile(r"\\[A-Za-z]+|\\.|[{}$&~^_#%]|\s+|[^\\{}$&~^_#%\s]+", re.DOTALL)
WORDS = {
    r"\&": "&",
    r"\%": "%",
    r"\$": "$",
    r"\#": "#",
    r"\_": "_",
    r"\{": "{",
    r"\}": "}",
    r"\textbackslash": "\\",
    r"\textasciitilde": "~",
    r"\textasciicircum": "^",
    r"\textless": "<",
    r"\textgreater": ">",
    r"\textbar": "|",
    r"\rho": "rho",
    r"\alpha": "alpha",
    r"\beta": "beta",
    r"\times": "×",
    r"\leq": "≤",
    r"\geq": "≥",
    "~": " ",
}
"""Text of signs and commands."""
LIGATURES = (("---", "—"), ("--", "–"), ("``", "“"), ("''", "”"))


@dataclass
class ParsedTable:
    """A table as a reader of the paper sees it."""

    caption: str
    label: str
    alignment: str
    columns: list[str]
    rows: list[list[str]]
    notes: dict[str, str] = field(default_factory=dict)


def plain(text: str) -> str:
    """Return the text that LaTeX prints; formulas keep their ^ and _.

    Raises:
        ValueError: a sign is not escaped, a brace is open, or a command is unknown.
    """
    parts, depth, in_math = [], 0, False
    for token in TOKEN.findall(text):
        if token in "{}":
            depth += 1 if token == "{" else -1
            if depth < 0:
                raise ValueError(f"a brace too many: {text}")
        elif token == "$":
            in_math = not in_math
        elif token in WORDS:
            parts.append(WORDS[token])
        elif token == "^" and in_math:
            parts.append("^")
        elif token[0] in "\\&^_#%":
            raise ValueError(f"{token} is not escaped or not known: {text}")
        else:
            for ligature, sign in () if in_math else LIGATURES:
                token = token.replace(ligature, sign)
            parts.append(" " if token.isspace() else token)
    if depth or in_math:
        raise ValueError(f"a brace or a dollar is open: {text}")
    return "".join(parts)


def _argument(text: str, command: str) -> str:
    """Return the argument of a command, with its inner braces."""
    start = text.index(command + "{") + len(command) + 1
    depth, end = 1, start
    while depth:
        end += 1
        if text[end - 1] == "\\":
            end += 1
            continue
        depth += {"{": 1, "}": -1}.get(text[end - 1], 0)
    return text[start : end - 1]


def parse_tables(text: str) -> list[ParsedTable]:
    """Return the tables of a file, with their cells as plain text.

    Raises:
        ValueError: the file is no sequence of tables with the rules of booktabs.
    """
    comment, *blocks = text.split(r"\begin{table}")
    if r"\usepackage{booktabs}" not in comment or not all(
        line.startswith("%") for line in comment.split("\n") if line
    ):
        raise ValueError("the head is no comment")
    return [_parse_block(block) for block in blocks]


def _parse_block(block: str) -> ParsedTable:
    inner, end, rest = block.partition(r"\end{table}")
    if not end or rest.strip():
        raise ValueError("a table is open")
    body = re.search(r"\\begin\{tabular\}\{([lr]+)\}\n(.*)\\end\{tabular\}(.*)", inner, re.DOTALL)
    rules = re.fullmatch(r"\s*\\toprule(.*)\\midrule(.*)\\bottomrule\s*", body[2], re.DOTALL)
    (head,), rows = _rows(rules[1]), _rows(rules[2])
    if any(len(row) != len(body[1]) for row in (head, *rows)):
        raise ValueError(f"a row has other cells than {body[1]}: {block}")
    notes = dict(re.findall(r"\\textsuperscript\{([a-z]+)\} (.*)\\par", body[3]))
    return ParsedTable(
        caption=plain(_argument(inner, r"\caption")),
        label=_argument(inner, r"\label"),
        alignment=body[1],
        columns=[plain(cell) for cell in head],
        rows=[[_with_note(cell) for cell in row] for row in rows],
        notes={mark: plain(note) for mark, note in notes.items()},
    )


def _with_note(cell: str) -> str:
    """Return a cell as text, with the mark of its note after a star."""
    return plain(re.sub(r"\\textsuperscript\{([a-z]+)\}", r"*\1", cell))


def _rows(text: str) -> list[list[str]]:
    lines = [line.strip() for line in re.split(r"(?<!\\)\\\\(?!\w)", text)]
    if lines.pop():
        raise ValueError(f"a row has no end: {text}")
    if any(line.startswith(("[", "*")) for line in lines):
        raise ValueError("LaTeX reads the beginning of a row as an argument")
    return [[cell.strip() for cell in re.split(r"(?<!\\)&", line)] for line in lines]
