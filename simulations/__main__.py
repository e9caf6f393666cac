"""Simulate, count, and write artifacts/published/coverage/{coverage,verdicts}.csv and the tables of docs/coverage.md.

python -m simulations [--studies 4000] [--workers 2]
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor

from benchmarks.commands import ROOT
from scaling.plan import machine
from simulations.cells import cells, verdict_cells
from simulations.tally import QUANTITIES, Tally, tally

FOLDER, PAGE = ROOT / "artifacts" / "published" / "coverage", ROOT / "docs" / "coverage.md"
VERDICTS = ("power law", "floor needed", "bends", "cannot tell")
FEWER = 4
"""Verdicts are counted over so many times fewer studies: their shares are far from what they are held against."""
CELL = ("noise", "widths", "seeds", "floor over widest error")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m simulations", description="How often intervals hold what is planted."
    )
    parser.add_argument("--studies", type=int, default=4000, help="of each cell (%(default)s)")
    parser.add_argument("--workers", type=int, default=machine.cpu_count())
    asked = parser.parse_args()
    grid, verdicts = list(cells()), list(verdict_cells())
    with ProcessPoolExecutor(asked.workers) as pool:
        studies = [asked.studies] * len(grid) + [asked.studies // FEWER] * len(verdicts)
        found = list(pool.map(tally, [*grid, *verdicts], studies))
    tables = {"coverage": coverage(found[: len(grid)]), "verdicts": confusion(found[len(grid) :])}
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        with (FOLDER / f"{name}.csv").open("w", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(table)
    PAGE.write_text(page(asked.studies, tables))


def coverage(found: Iterable[Tally]) -> list[list[str]]:
    """A line a cell: coverage in per cent, and a star where the binomial test refuses it."""
    lines = [[*CELL, *QUANTITIES, "no usable law"]]
    for each in found:
        shares = [
            f"{100 * each.held[name] / each.studies:.1f}" + (" *" if each.fails(name) else "")
            for name in QUANTITIES
        ]
        lines.append([*_cell(each), *shares, f"{100 * each.doubtful / each.studies:.1f}"])
    return lines


def confusion(found: Iterable[Tally]) -> list[list[str]]:
    """A line a cell: how often each verdict was given, in per cent."""
    return [
        [*CELL, *VERDICTS],
        *(
            [*_cell(each), *(f"{100 * each.verdicts[name] / each.studies:.1f}" for name in VERDICTS)]
            for each in found
        ),
    ]


def _cell(each: Tally) -> list[str]:
    cell = each.cell
    return [cell.noise, str(cell.widths), str(cell.seeds), f"{cell.floor:g}"]


def page(studies: int, tables: dict[str, Sequence[Sequence[str]]]) -> str:
    """docs/coverage.md."""
    return f"""# Coverage: how often intervals hold what is planted

Written by `make coverage`: {studies:,} simulated studies a cell, of a law with exponent 0.5, each fitted as `scaling fit` does it.
`simulations/cells.py` says what the kinds of noise are, and `simulations/tally.py` what is counted.

## Intervals

Per cent of studies whose 95 % interval of the floored law holds the truth: of its exponent, of its floor, and of its mean at twice the widest
size. A star marks a coverage that a binomial test refuses to lie between 93 and 97 % (for a floor of 0, its bound: to be at least 95 %)
at 1e-4. Beside them is what two other ways say of the exponent: quantiles of a plain bootstrap (over seeds, and over images where these are
drawn anew), and least squares on logarithms; and how often all laws of a study ask for a look or are refused.

{_markdown(tables["coverage"])}

## Verdicts

Per cent of {studies // FEWER:,} studies, by the planted floor.

{_markdown(tables["verdicts"])}
"""


def _markdown(table: Sequence[Sequence[str]]) -> str:
    heading, *lines = table
    return "\n".join(f"| {' | '.join(line)} |" for line in (heading, ["---"] * len(heading), *lines))


if __name__ == "__main__":
    main()
