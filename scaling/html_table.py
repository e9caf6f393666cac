"""Tables in HTML, which notebooks show in the place of a text representation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

_CELL = "text-align:left;vertical-align:top"


def html_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, caption: str = "") -> str:
    """Return a table in HTML with all its text escaped.

    Args:
        columns: names of the columns.
        rows: values of each row, which are shown as ``str`` gives them.
        caption: sentence above the table; empty for none.
    """

    def row(tag: str, values: Sequence[object]) -> str:
        cells = "".join(f'<{tag} style="{_CELL}">{escape(str(value))}</{tag}>' for value in values)
        return f"<tr>{cells}</tr>"

    body = "".join(row("td", values) for values in rows)
    above = f'<caption style="{_CELL};caption-side:top">{escape(caption)}</caption>' if caption else ""
    return f"<table>{above}<thead>{row('th', columns)}</thead><tbody>{body}</tbody></table>"
