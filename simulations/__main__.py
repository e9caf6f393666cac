"""Simulate studies, and write tables to artifacts/published/coverage and docs/coverage.md.

python -m simulations [--studies 100] [--workers 2]
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor

from benchmarks.commands import ROOT
from scaling.plan import machine
from simulations.coverage import METHODS, ScenarioCounts, count_scenario
from simulations.scenarios import Scenario, coverage_scenarios, verdict_scenarios
from simulations.selection import (
    QUANTITIES,
    CurveCounts,
    SelectionCounts,
    count_curve,
    count_selection,
    curve_cases,
    is_false_power_law,
    selection_scenarios,
)

FOLDER, PAGE = ROOT / "artifacts" / "published" / "coverage", ROOT / "docs" / "coverage.md"
STUDIES = 100
"""Default number of studies of each scenario."""
_VERDICTS = ("power law", "floor needed", "bends", "cannot tell")
_VERDICT_DIVISOR = 2
"""Ratio of the studies for coverage to those for verdicts, whose shares need less precision."""
_SELECTION_FACTOR = 5
"""Ratio of the studies for the law that the verdict names to those for coverage."""
_CURVE_DIVISOR = 3
"""Ratio of the studies for coverage to those of each curve without replicates."""
_SCENARIO_COLUMNS = ("noise", "widths", "seeds", "floor over widest error")

Table = Sequence[Sequence[str]]


def main() -> None:
    """Simulate all scenarios and write the tables."""
    parser = argparse.ArgumentParser(
        prog="python -m simulations",
        description="Measure the coverage of intervals and the correctness of verdicts.",
    )
    parser.add_argument("--studies", type=int, default=STUDIES, help="studies of each scenario (%(default)s)")
    parser.add_argument("--workers", type=int, default=machine.cpu_count(), help="processes (%(default)s)")
    arguments = parser.parse_args()
    for_coverage, for_verdicts = list(coverage_scenarios()), list(verdict_scenarios())
    studies = [arguments.studies] * len(for_coverage)
    studies += [arguments.studies // _VERDICT_DIVISOR] * len(for_verdicts)
    selected, cases = list(selection_scenarios()), list(curve_cases())
    selection_studies = [_SELECTION_FACTOR * arguments.studies] * len(selected)
    curve_studies = [arguments.studies // _CURVE_DIVISOR] * len(cases)
    with ProcessPoolExecutor(arguments.workers) as pool:
        counts = list(pool.map(count_scenario, [*for_coverage, *for_verdicts], studies))
        tables = {
            "coverage": coverage_table(counts[: len(for_coverage)]),
            "verdicts": verdict_table(counts[len(for_coverage) :]),
            "selection": selection_table(pool.map(count_selection, selected, selection_studies)),
            "curves": curve_table(pool.map(count_curve, cases, curve_studies)),
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


def selection_table(counts: Iterable[SelectionCounts]) -> list[list[str]]:
    """Return one row a scenario: coverage of the named law in per cent, in all and in usable cases."""
    rows = [
        [
            "seeds",
            "floor over widest error",
            *QUANTITIES,
            "usable",
            *(f"{name}, usable" for name in QUANTITIES),
        ]
    ]
    for scenario in counts:
        rows.append(
            [
                str(scenario.scenario.seeds),
                f"{scenario.scenario.floor:g}",
                *(_percent(scenario.covered[name], scenario.studies) for name in QUANTITIES),
                _percent(scenario.usable, scenario.studies),
                *(_percent(scenario.covered_if_usable[name], scenario.usable) for name in QUANTITIES),
            ]
        )
    return rows


def curve_table(counts: Iterable[CurveCounts]) -> list[list[str]]:
    """Return one row a curve: the share of each verdict in per cent, and contradictions."""
    rows = [["curve", "widths", "noise", *_VERDICTS, "contradictions"]]
    for curve in counts:
        shares = [
            _percent(curve.verdicts[name], curve.studies)
            + (" *" if name == "power law" and is_false_power_law(curve) else "")
            for name in _VERDICTS
        ]
        rows.append(
            [curve.curve, str(curve.widths), f"{100 * curve.noise:g} %", *shares, str(curve.contradictions)]
        )
    return rows


def _percent(count: int, total: int) -> str:
    return f"{100 * count / total:.1f}" if total else "–"


def render_page(tables: Mapping[str, Table], *, studies: int) -> str:
    """Return the text of docs/coverage.md.

    Args:
        tables: the tables by their names, with their headings.
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

## The law that the verdict names

The verdict selects a form, and the interval of the selected law must hold after this selection. The table
shows how often, in per cent of {_SELECTION_FACTOR * studies:,} studies with 8 widths and the noise
`under`, the interval of the named law contains the true exponent and the true means at twice and ten times
the widest size, whatever the verdict. For `cannot tell` the law with a floor counts. The last columns count
the studies in which the named law is `usable`.

{_markdown(tables["selection"])}

## Curves without replicates

Each study has one value at each of 8, 12 or 28 sizes from 1 to 64. The table shows the share of each verdict,
in per cent of {studies // _CURVE_DIVISOR:,} studies. A star marks a curve that is none but is called a power
law in more than 5 % of the studies. Contradictions are studies in which the narrower sizes are said to
predict the widest ones beside a held-out bias above 10 %.

{_markdown(tables["curves"])}
"""


def _scenario_cells(scenario: Scenario) -> list[str]:
    return [scenario.noise, str(scenario.widths), str(scenario.seeds), f"{scenario.floor:g}"]


def _markdown(table: Table) -> str:
    heading, *rows = table
    return "\n".join(f"| {' | '.join(row)} |" for row in (heading, ["---"] * len(heading), *rows))


if __name__ == "__main__":
    main()
