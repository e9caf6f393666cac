"""The table of differences between two runs, for ``why`` and ``diff``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scaling.cli.output import console

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scaling.api import Difference

_SHOWN_CHARACTERS = 12
"""Number of characters of a run's id in a heading."""


def print_differences(differences: Sequence[Difference], first: str, second: str) -> None:
    """Print one row for each setting in which two runs differ."""
    from analysis.text_table import TextTable

    table = TextTable(
        title="",
        caption="",
        columns=("setting", first[:_SHOWN_CHARACTERS], second[:_SHOWN_CHARACTERS]),
        rows=tuple((row.setting, str(row.first), str(row.second)) for row in differences),
    )
    console().print(table)
