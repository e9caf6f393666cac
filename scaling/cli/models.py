"""``scaling models``."""

from __future__ import annotations

from scaling import api
from scaling.cli.options import Json
from scaling.cli.output import console, new_table, print_json, print_text

_MAX_EXACT = 10**10
"""Counts below this number are printed with all digits."""


def models(*, as_json: Json = False) -> None:
    """List the architectures with computed and published counts.

    Counts are units, connections, parameters, forward and backward MACs, and routes. Below the table stand
    remarks on counts that differ from published ones.
    """
    rows = api.list_models()
    if as_json:
        print_json([row.to_dict() for row in rows])
        return
    table = new_table(
        *("network", "image", "units", "connections", "parameters", "MACs", "backward MACs", "routes"),
        *("published", "source"),
    )
    for row in rows:
        layers = row.layer_table
        counts = (
            layers.units,
            layers.connections,
            layers.parameters,
            layers.macs,
            layers.backward_macs,
            layers.routes,
        )
        table.add_row(
            row.name,
            row.dataset,
            *(f"{number:,}" if number < _MAX_EXACT else f"{number:.2e}" for number in counts),
            row.published,
            row.source,
        )
    console().print(table)
    for row in rows:
        if row.remark:
            print_text(f"{row.name}: {row.remark}")
