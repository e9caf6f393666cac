"""``scaling models``."""

from __future__ import annotations

from scaling import api
from scaling.cli.options import Json
from scaling.cli.output import console, print_json

_MAX_EXACT = 10**9
"""Counts below this number are printed with all digits."""
_HEADINGS = ("units", "connections", "parameters", "MACs", "backward", "routes")
_COUNT_WIDTH = 13
"""Columns of a count: six counts fit into 80 columns."""


def models(*, as_json: Json = False) -> None:
    """List the architectures with computed and published counts.

    Counts are units, connections, parameters, forward and backward MACs, and routes. Below the list stand
    remarks on counts that differ from published ones.
    """
    from rich.text import Text

    rows = api.list_models()
    if as_json:
        print_json([row.to_dict() for row in rows])
        return
    terminal = console()
    terminal.print(Text("".join(f"{heading:>{_COUNT_WIDTH}}" for heading in _HEADINGS), style="bold"))
    for row in rows:
        layers = row.layer_table
        counts = (
            layers.units,
            layers.connections,
            layers.parameters,
            layers.macs,
            layers.backward_macs,
            layers.routes or 0,
        )
        numbers = (f"{number:,}" if number < _MAX_EXACT else f"{number:.2e}" for number in counts)
        published = f"published: {row.published}; " if row.published else ""
        terminal.print(Text.assemble((row.name, "bold"), f" on {row.dataset} ({published}{row.source})"))
        terminal.print(Text("".join(f"{number:>{_COUNT_WIDTH}}" for number in numbers)))
    for row in rows:
        if row.remark:
            terminal.print(Text(f"{row.name}: {row.remark}"))
