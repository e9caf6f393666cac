"""Console that prints the text of others as it stands: without control sequences, markup and emoji codes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from scaling.control_characters import escape_control_characters


class PlainConsole(Console):
    """Console that escapes control characters in every renderable.

    Args:
        width: columns; by default those of the terminal.
    """

    def __init__(self, *, width: int | None = None) -> None:
        super().__init__(width=width, markup=False, emoji=False)

    def render_str(self, text: str, **options: Any) -> Text:
        """Return a text whose width is measured with its escapes."""
        return super().render_str(escape_control_characters(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield the segments of a renderable, such as a ``Text`` with control characters."""
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                yield Segment(escape_control_characters(segment.text), segment.style)
