"""Simulate studies, and write coverage.csv and verdicts.csv to artifacts/published/coverage and
docs/coverage.md.

python -m simulations [--studies 2000] [--workers 2]
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from benchmarks.commands import ROOT
from simulations.coverage import METHODS, ScenarioCounts, count_scenario
from simulations.processes import add_arguments, map_in_processes
from simulations.scenarios import Scenario, coverage_scenarios, verdict_scenarios

FOLDER, PAGE = ROOT / "artifacts" / "published" / "coverage", ROOT / "docs" / "coverage.md"
STUDIES = 2000
"""Default number of studies of each scenario."""
_VERDICTS = ("power law", "floor needed", "bends", "cannot tell")
_VERDICT_DIVISOR = 4
"""Ratio of the studies for coverage to those for verdicts, whose shares need less precision."""
_SCENARIO_COLUMNS = ("noise", "widths", "seeds", "floor over widest error")

Table = Sequence[Sequence[str]]


def main() -> None:
    """Simulate all scenarios and write the tables."""
    parser = argparse.ArgumentParser(
        prog="python -m simulations",
        description="Measure the coverage of intervals and the correctness of verdicts.",
    )
    add_arguments(parser, studies=STUDIES)
    arguments = parser.parse_args()
    for_coverage, for_verdicts = list(coverage_scenarios()), list(verdict_scenarios())
    count = partial(map_in_processes, count_scenario, workers=arguments.workers)
    tables = {
        "coverage": coverage_table(count(for_coverage, studies=arguments.studies)),
        "verdicts": verdict_table(count(for_verdicts, studies=arguments.studies // _VERDICT_DIVISOR)),
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        with (FOLDER / f"{name}.csv").open("w", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(table)
    PAGE.write_text(render_page(tables, studies=arguments.studies))


def coverage_table(counts: Iterable[ScenarioCounts]) -> list[list[str]]:
    """Return one row a scenario: coverage in per cent, with a star if the binomial test rejects it."""
    rows = [[*_SCENARIO_COLUMNS, *METHODS, "no usable law"]]
    for scenario in counts:
        shares = [
            f"{100 * scenario.covered[name] / scenario.studies:.1f}"
            + (" *" if scenario.is_rejected(name) else "")
            for name in METHODS
        ]
        without_law = f"{100 * scenario.without_usable_law / scenario.studies:.1f}"
        rows.append([*_scenario_cells(scenario.scenario), *shares, without_law])
    return rows


def verdict_table(counts: Iterable[ScenarioCounts]) -> list[list[str]]:
    """Return one row a scenario: the share of each verdict in per cent."""
    rows = [[*_SCENARIO_COLUMNS, *_VERDICTS]]
    for scenario in counts:
        shares = [f"{100 * scenario.verdicts[name] / scenario.studies:.1f}" for name in _VERDICTS]
        rows.append([*_scenario_cells(scenario.scenario), *shares])
    return rows


def render_page(tables: Mapping[str, Table], *, studies: int) -> str:
    """Return the text of docs/coverage.md.

    Args:
        tables: the tables ``coverage`` and ``verdicts``, with their headings.
        studies: number of studies of each scenario for the coverage.
    """
    return f"""# Coverage of intervals and verdicts

`make coverage` writes this page. Each scenario has {studies:,} simulated studies of a law with exponent
0.5, and each study is fitted as `scaling fit` does. `simulations/scenarios.py` describes the kinds of
noise, `simulations/coverage.py` the counts.

## Intervals

The columns `exponent`, `floor` and `prediction` show how often, in per cent of studies, the 95 %
interval of the law with a floor contains the true exponent, the true floor and the true mean at twice
the widest size. A star marks a coverage for which a binomial test at 1e-4 rejects a true coverage
between 93 and 97 % (for a floor of 0, which is a bound: of at least 95 %).

The next two columns are the intervals of the exponent from other methods: `plain exponent` from the
quantiles of a plain bootstrap over seeds (and over images, if images are resampled), and `naive
exponent` from least squares on logarithms. The last column shows how often no law of a study has the
status `usable`.

{_markdown(tables["coverage"])}

## Verdicts

The table shows the share of each verdict, in per cent of {studies // _VERDICT_DIVISOR:,} studies, by
the true floor.

{_markdown(tables["verdicts"])}
"""


def _scenario_cells(scenario: Scenario) -> list[str]:
    return [scenario.noise, str(scenario.widths), str(scenario.seeds), f"{scenario.floor:g}"]


def _markdown(table: Table) -> str:
    heading, *rows = table
    return "\n".join(f"| {' | '.join(row)} |" for row in (heading, ["---"] * len(heading), *rows))


if __name__ == "__main__":
    main()
