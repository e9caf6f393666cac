"""Run benchmarks, keep what they report, and render the tables of README and docs/performance.md.

python -m benchmarks [NAME ...] [--rounds N]
"""

from __future__ import annotations

import argparse
from importlib import import_module

from rich.console import Console
from rich.table import Table

from benchmarks import record, render
from benchmarks.rows import Row

NAMES = (
    "fits",
    "steps",
    "trials",
    "overhead",
    "reading",
    "memory",
    "estimates",
    "ablation",
    "sweeps",
    "precision",
    "rates",
)
"""The shortest first: a fault shows early."""
ROUNDS = 3


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Run benchmarks and render the tables."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all by default")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of each benchmark (%(default)s)")
    parser.add_argument("--render", action="store_true", help="measure nothing, only render the tables")
    asked = parser.parse_args()
    if strangers := set(asked.names) - set(NAMES):
        parser.error(f"no such benchmark: {', '.join(sorted(strangers))}; there are {', '.join(NAMES)}")
    if asked.rounds < 1:
        parser.error("--rounds: must be at least 1")
    for name in () if asked.render else asked.names or NAMES:
        rows = import_module(f"benchmarks.{name}").measure(asked.rounds)
        record.write(record.merged(record.read(), name, rows, record.maker()))
        Console(width=200).print(_shown(rows))
    render.put(record.read())


def _shown(rows: list[Row]) -> Table:
    table = Table(title=rows[0].benchmark)
    for heading in ("case", "quantity", "median", "smallest", "largest", "unit", "rounds", "note"):
        table.add_column(
            heading, justify="right" if heading in ("median", "smallest", "largest", "rounds") else "left"
        )
    for row in rows:
        table.add_row(
            row.case,
            row.quantity,
            *(f"{n:.4g}" for n in (row.value, row.low, row.high)),
            row.unit,
            str(row.rounds),
            row.note,
        )
    return table


if __name__ == "__main__":
    main()
