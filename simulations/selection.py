"""The law that the verdict names: coverage of its intervals, and verdicts on curves without replicates.

    python -m simulations.selection [--studies 2000] [--workers 2]

Writes selection.csv and curves.csv to artifacts/published/coverage, and docs/selection.md.

A verdict is right if its law may be used. So the simulated studies count, over all verdicts, how often the
interval of the named law contains the truth, and how often this law is ``usable``.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from benchmarks.commands import ROOT
from scaling.fit import EstimationOptions, Fit, FormChoice, Points, Status, fit, predict, preferred_law
from simulations.processes import add_arguments, map_in_processes
from simulations.scenarios import EXPONENT, Scenario

FOLDER, PAGE = ROOT / "artifacts" / "published" / "coverage", ROOT / "docs" / "selection.md"
_TABLES = ("selection", "curves")
STUDIES = 2000
"""Default number of studies of each scenario with replicates."""
_CURVE_DIVISOR = 5
"""Ratio of these studies to those of each curve without replicates."""
_VERDICTS = ("power law", "floor needed", "bends", "cannot tell")
QUANTITIES = ("exponent", "prediction@2x", "prediction@10x")
"""Quantities whose intervals are checked."""
_FACTORS = {"prediction@2x": 2, "prediction@10x": 10}
_RESAMPLINGS = 400
_SIZES = (1.0, 64.0)
"""Smallest and largest size of a curve without replicates."""
_LARGEST_HOLDOUT_BIAS = 0.1


@dataclass(frozen=True)
class SelectionCounts:
    """Counts over the simulated studies of one scenario."""

    scenario: Scenario
    studies: int
    covered: Counter[str]
    """Number of studies in which the interval of the named law contains the truth, by quantity."""
    usable: int
    """Number of studies in which the named law is usable."""
    covered_if_usable: Counter[str]
    """The same as ``covered``, among the usable laws."""


def selection_scenarios() -> Iterator[Scenario]:
    """Yield the scenarios: floors from none to a fifth of the widest error, and 4 to 16 seeds."""
    for floor, seeds in product((0.0, 0.01, 0.03, 0.05, 0.1, 0.15, 0.2), (4, 8, 16)):
        yield Scenario(noise="under", widths=8, seeds=seeds, floor=floor)


def count_selection(scenario: Scenario, studies: int, *, seed: int = 1) -> SelectionCounts:
    """Simulate studies, fit them, and count.

    Args:
        scenario: the kind of study.
        studies: number of studies.
        seed: seed of the simulations.
    """
    covered, covered_if_usable, usable = Counter[str](), Counter[str](), 0
    for study in range(studies):
        points = scenario.simulate(np.random.default_rng([seed, study]))
        fitted = fit(points, EstimationOptions(resamplings=_RESAMPLINGS, seed=study))
        law = preferred_law(fitted)
        is_usable = law is not None and law.status is Status.USABLE
        usable += is_usable
        for name in QUANTITIES:
            is_covered = _is_covered(scenario, fitted, name)
            covered[name] += is_covered
            covered_if_usable[name] += is_covered and is_usable
    return SelectionCounts(scenario, studies, covered, usable, covered_if_usable)


def _is_covered(scenario: Scenario, fitted: Fit, name: str) -> bool:
    law = preferred_law(fitted)
    if law is None:
        return False
    if name == "exponent":
        interval, truth = law.parameters[name], EXPONENT
    else:
        size = _FACTORS[name] * scenario.sizes[-1]
        interval = {p.form: p.mean for p in predict(fitted, [size])}[law.form.name]
        truth = scenario.mean(size)
    return interval.low <= truth <= interval.high


def _steepening(x: np.ndarray) -> np.ndarray:
    return np.asarray(0.6 * x**-0.2 * (1 + (x / 12) ** 4) ** -0.1)


def _flattening(x: np.ndarray) -> np.ndarray:
    return np.asarray(0.6 * x**-0.7 * (1 + (x / 8) ** 4) ** 0.125)


CURVES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "power law": lambda x: 0.4 * x**-0.5,
    "floor, half of the widest": lambda x: 0.4 * x**-0.5 + 0.4 * _SIZES[1] ** -0.5,
    "steepening break": _steepening,
    "flattening break": _flattening,
    "plateau, then a floor": lambda x: 0.05 + 0.9 / (1 + (x / 8) ** 0.6),
    "plateau, then a power law": lambda x: 0.9 / (1 + (x / 4) ** 0.8),
    "exponential to a floor": lambda x: 0.1 + 0.5 * np.exp(-x / 10),
    "stretched exponential": lambda x: 0.9 * np.exp(-0.3 * x**0.4),
    "logarithm": lambda x: 0.8 - 0.13 * np.log(x),
    "parabola in logarithms": lambda x: np.exp(-0.5 - 0.1 * np.log(x) - 0.12 * np.log(x) ** 2),
}
"""Curves by their name; all but the first are not power laws."""


@dataclass(frozen=True)
class CurveCounts:
    """Counts over the simulated studies of one curve, with one value at each size."""

    curve: str
    widths: int
    noise: float
    """Relative standard deviation of a value."""
    studies: int
    verdicts: Counter[str]
    """Number of studies by their verdict."""
    contradictions: int
    """Number of studies in which narrow sizes are said to predict the widest with a bias above 10 %."""


def curve_cases() -> Iterator[tuple[str, int, float]]:
    """Yield the names of the curves with the number of widths and the noise."""
    yield from product(CURVES, (8, 12, 28), (0.002, 0.02))


def count_curve(case: tuple[str, int, float], studies: int, *, seed: int = 2) -> CurveCounts:
    """Simulate studies without replicates, fit them, and count.

    Args:
        case: name of the curve, number of widths and noise.
        studies: number of studies.
        seed: seed of the simulations.
    """
    name, widths, noise = case
    x = np.geomspace(*_SIZES, widths)
    verdicts, contradictions = Counter[str](), 0
    for study in range(studies):
        scatter = np.exp(noise * np.random.default_rng([seed, study]).standard_normal(widths))
        points = Points(x_name="x", y_name="loss", x=x, y=CURVES[name](x) * scatter, test_images=None)
        fitted = fit(points, EstimationOptions(resamplings=_RESAMPLINGS // 2, seed=study))
        verdicts[fitted.verdict.choice.value] += 1
        held_out = fitted.laws["power"].held_out
        bias = abs(held_out[-1].bias) if held_out else 0.0
        contradictions += bool(fitted.verdict.holdout_ok) and bias > _LARGEST_HOLDOUT_BIAS
    return CurveCounts(name, widths, noise, studies, verdicts, contradictions)


def is_false_power_law(counts: CurveCounts) -> bool:
    """Return whether a curve that is none is called a power law in more than a twentieth of the studies."""
    share = counts.verdicts[FormChoice.POWER.value] / counts.studies
    return counts.curve != "power law" and share > 0.05


def selection_table(counts: Iterable[SelectionCounts]) -> list[list[str]]:
    """Return one row a scenario: coverage of the named law in per cent, in all and in usable cases."""
    usable_columns = (f"{name}, usable" for name in QUANTITIES)
    rows = [["seeds", "floor over widest error", *QUANTITIES, "usable", *usable_columns]]
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


def render_page(tables: Mapping[str, Sequence[Sequence[str]]], *, studies: int) -> str:
    """Return the text of docs/selection.md.

    Args:
        tables: the tables ``selection`` and ``curves``, with their headings.
        studies: number of studies of each scenario with replicates.
    """
    return f"""# The law that the verdict names

`python -m simulations.selection` writes this page.

## Coverage after the selection

The verdict selects a form, and the interval of the selected law must hold after this selection. The table
shows how often, in per cent of {studies:,} studies with 8 widths and error counts with 0.6 times the variance
of a binomial, the interval of the named law contains the true exponent and the true means at twice and ten
times the widest size, whatever the verdict. For `cannot tell` the law with a floor counts. The last columns
count the studies in which the named law is `usable`. The intervals promise 95 % of all studies. Verdict and
status follow from the same runs, so that among the studies with one status the share can be lower: where the
truth lies between two verdicts, the studies that are sure of one of them are those with unusual runs. More
seeds reduce this.

{_markdown(tables["selection"])}

## Curves without replicates

Each study has one value at each of 8, 12 or 28 sizes from 1 to 64. The table shows the share of each verdict,
in per cent of {studies // _CURVE_DIVISOR:,} studies. A star marks a curve that is none but is called a power
law in more than 5 % of the studies. Contradictions are studies in which the narrower sizes are said to
predict the widest ones beside a held-out bias above 10 %.

{_markdown(tables["curves"])}
"""


def _markdown(table: Sequence[Sequence[str]]) -> str:
    heading, *rows = table
    return "\n".join(f"| {' | '.join(row)} |" for row in (heading, ["---"] * len(heading), *rows))


def main() -> None:
    """Simulate all scenarios and curves, and write the tables."""
    parser = argparse.ArgumentParser(
        prog="python -m simulations.selection",
        description="Measure the coverage of the law that a verdict names.",
    )
    add_arguments(parser, studies=STUDIES)
    parser.add_argument(
        "--tables",
        nargs="+",
        choices=_TABLES,
        default=_TABLES,
        metavar="NAME",
        help="tables to compute; the other one is read from its file (%(default)s)",
    )
    arguments = parser.parse_args()
    tables: dict[str, list[list[str]]] = {}
    studies, workers = arguments.studies, arguments.workers
    if "selection" in arguments.tables:
        scenarios = list(selection_scenarios())
        tables["selection"] = selection_table(
            map_in_processes(count_selection, scenarios, studies=studies, workers=workers)
        )
    if "curves" in arguments.tables:
        cases = list(curve_cases())
        tables["curves"] = curve_table(
            map_in_processes(count_curve, cases, studies=studies // _CURVE_DIVISOR, workers=workers)
        )
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        with (FOLDER / f"{name}.csv").open("w", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(table)
    for name in set(_TABLES) - set(tables):
        with (FOLDER / f"{name}.csv").open(newline="") as file:
            tables[name] = list(csv.reader(file))
    PAGE.write_text(render_page(tables, studies=arguments.studies))


if __name__ == "__main__":
    main()
