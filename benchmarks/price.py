"""Price of several studies on this machine: what each would train, and the time of all together.

Runs that several studies share are counted once, in the first of them.

    python -m benchmarks.price --store STORE CONFIG ...
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import fsum
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.commands import data_folder
from scaling.api import Workspace, plan
from scaling.durations import format_duration
from scaling.plan.time_estimate import pack_seconds


@dataclass(frozen=True, kw_only=True)
class Price:
    """What a study adds to the studies before it."""

    study: str
    packs: int
    runs: int
    core_s: float
    """Estimated time of one core, in seconds."""


def prices(configs: Sequence[Path], workspace: Workspace) -> Iterator[Price]:
    """Yield the price of each study, without the packs of the studies before it."""
    counted: set[str] = set()
    for config in configs:
        study_plan = plan(config, workspace)
        new = [pack for pack in study_plan.packs if pack.key not in counted]
        counted |= {pack.key for pack in new}
        packs = [*new, *study_plan.pending_packs]
        pruning_s = study_plan.pruning.core_s if study_plan.pruning else 0.0
        yield Price(
            study=study_plan.study.name,
            packs=len(packs),
            runs=sum(len(pack.runs) for pack in packs),
            core_s=pruning_s + fsum(pack_seconds(pack, study_plan.speed) for pack in packs),
        )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.price", description=__doc__.splitlines()[0])
    parser.add_argument("configs", nargs="+", type=Path, metavar="CONFIG", help="YAML file of a study")
    parser.add_argument("--store", required=True, help="store whose runs count as finished")
    options = parser.parse_args(arguments)
    rows = list(prices(options.configs, Workspace(store=options.store, data=data_folder())))
    table = Table("study")
    for heading in ("runs", "packs", "core time"):
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(row.study, f"{row.runs:,}", f"{row.packs:,}", format_duration(row.core_s))
    Console().print(table)
    total_s = fsum(row.core_s for row in rows)
    print(f"{sum(row.runs for row in rows):,} runs, about {format_duration(total_s)} of core time")


if __name__ == "__main__":
    main()
