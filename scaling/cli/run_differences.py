"""The table of differences between two runs, for ``why`` and ``diff``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scaling.cli.output import console

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scaling.api import Difference


def print_differences(differences: Sequence[Difference], first: str, second: str) -> None:
    """Print one row for each setting in which two runs differ."""
    from rich.table import Table

    table = Table("setting", first, second)
    for difference in differences:
        table.add_row(difference.setting, str(difference.first), str(difference.second))
    console().print(table)
