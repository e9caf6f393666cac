"""Lines about the runs of a study that ``report`` and ``compare`` print."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scaling.cli.output import print_text
from scaling.durations import format_duration

if TYPE_CHECKING:
    from analysis.html_page import PageContext


def print_context(context: PageContext) -> None:
    """Print which runs there are, if some are missing, and the core time of the finished runs."""
    if context.partial:
        print_text(f"Partial: {context.partial}.")
    if context.core_s is not None:
        print_text(f"core time of the finished runs: {format_duration(context.core_s)}")


def context_dict(context: PageContext) -> dict[str, object]:
    """Return the same as JSON values; ``partial`` is null if no run is missing."""
    return {"partial": context.partial or None, "core_s": context.core_s}
