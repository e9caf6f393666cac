"""Plant differences that ``scaling power`` says are detectable, and count how often studies show them.

    python -m simulations.power [--studies 400] [--workers 2]

Writes power.csv to artifacts/published/coverage, and docs/power.md.

A pilot study of two equal curves says which difference such studies can show. Its median over many pilots is
planted in new studies. They show it if the 95 % interval of the difference excludes 0, with the right sign.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from benchmarks.commands import ROOT
from scaling.fit import EstimationOptions, Fit, Interval, Points, compare_laws, fit
from scaling.fit.detectable import DEFAULT_POWER, DetectableDifference, detectable_differences
from simulations.processes import add_arguments, map_in_processes
from simulations.scenarios import Scenario

FOLDER, PAGE = ROOT / "artifacts" / "published" / "coverage", ROOT / "docs" / "power.md"
STUDIES = 400
"""Default number of studies with a planted difference, for each case."""
PILOTS = 25
"""Number of pilot studies of each case."""
_RESAMPLINGS = 400
_ERROR_SIZE = 4.0
"""Size at which errors are compared."""
PAGE_TEXT = """# How often a detectable difference is shown

`python -m simulations.power` writes this page.

`scaling power` says which true difference is shown in {power:g} % of such studies. In a check, {pilots} pilot
studies of two equal curves state their smallest detectable difference. The median is planted in new studies,
half of it in each curve, with 8 widths and error counts with 0.6 times the variance of a binomial. A study
shows the difference if the 95 % interval that `scaling compare` prints excludes 0 on the right side. The last
column repeats this with the difference that each pilot states, and is the mean over the pilots.

{table}

The statement of one study is an estimate: the pilots show how far it scatters.
"""
"""Text of the page."""


@dataclass(frozen=True, kw_only=True)
class PowerCase:
    """Two curves of one kind, and the quantity in which they differ."""

    quantity: str
    """``exponent`` or ``error``."""
    seeds: int
    floor: float
    """Floor, divided by the mean error of the widest networks."""

    @property
    def scenario(self) -> Scenario:
        """The first curve."""
        return Scenario(noise="under", widths=8, seeds=self.seeds, floor=self.floor)

    def detectable(self, *seed: int) -> float:
        """Return the difference that a pilot study of two equal curves says is detectable.

        Args:
            seed: seed of the study.
        """
        return self._of_quantity(detectable_differences(self._fits(0.0, seed), factors=(1,))).by_factor[1]

    def measure(self, difference: float, *seed: int) -> Interval:
        """Return the difference that a study with a true difference measures, with its interval.

        Args:
            difference: first minus second curve; of errors, relative to the mean of both.
            seed: seed of the study.
        """
        first, second = self._fits(difference, seed)
        if self.quantity == "exponent":
            return compare_laws(first, second).difference
        return self._of_quantity(detectable_differences([first, second], factors=(1,), studies=1)).measured

    def _of_quantity(self, differences: Iterable[DetectableDifference]) -> DetectableDifference:
        wanted = None if self.quantity == "exponent" else _ERROR_SIZE
        return next(one for one in differences if one.x == wanted)

    def _fits(self, difference: float, seed: Sequence[int]) -> list[Fit]:
        return [
            self._fit(curve.simulate(np.random.default_rng([*seed, index])), index, seed[-1])
            for index, curve in enumerate((self._shifted(difference / 2), self._shifted(-difference / 2)))
        ]

    def _shifted(self, half: float) -> Scenario:
        """Return the scenario with another exponent, or with other errors."""
        if self.quantity == "exponent":
            return replace(self.scenario, steeper=half)
        return replace(self.scenario, factor=1 + half)

    def _fit(self, points: Points, index: int, seed: int) -> Fit:
        group = {"curve": str(index)}
        if self.quantity == "exponent":
            return fit(points, EstimationOptions(resamplings=_RESAMPLINGS, seed=seed), group=group)
        # A t test of the means needs no law.
        return replace(fit(points, EstimationOptions(resamplings=2, holdout=0), group=group), laws={})


@dataclass(frozen=True, kw_only=True)
class PowerCounts:
    """Counts over the simulated studies of one case."""

    case: PowerCase
    pilots: int
    studies: int
    planted: float
    """Planted difference: the median over the pilots."""
    pilot_range: tuple[float, float]
    """Smallest and largest difference that a pilot says is detectable."""
    shown: int
    """Number of studies that show the difference."""
    mean_share: float
    """Share of studies that show the difference that one pilot states, as a mean over the pilots."""


def power_cases() -> Iterator[PowerCase]:
    """Yield the cases: exponents with and without a floor, and errors at one size."""
    for floor, seeds in product((0.4, 0.0), (8, 16)):
        yield PowerCase(quantity="exponent", seeds=seeds, floor=floor)
    for seeds in (4, 16):
        yield PowerCase(quantity="error", seeds=seeds, floor=0.0)


def count_shown(case: PowerCase, studies: int, *, pilots: int = PILOTS, seed: int = 1) -> PowerCounts:
    """Ask pilot studies for the detectable difference, plant it in other studies, and count.

    Args:
        case: the curves and the quantity.
        studies: number of studies with the planted difference.
        pilots: number of pilot studies.
        seed: seed of the simulations.
    """
    detectable = [case.detectable(seed, 0, pilot) for pilot in range(pilots)]
    smallest, planted, largest = (float(value) for value in np.quantile(detectable, [0, 0.5, 1]))
    limits = np.array([case.measure(planted, seed, 1, study).low for study in range(studies)])
    # Another difference moves the estimate and its interval by as much.
    shares = [float((limits + other - planted > 0).mean()) for other in detectable]
    return PowerCounts(
        case=case,
        pilots=pilots,
        studies=studies,
        planted=planted,
        pilot_range=(smallest, largest),
        shown=int((limits > 0).sum()),
        mean_share=float(np.mean(shares)),
    )


def power_table(counts: Iterable[PowerCounts]) -> list[list[str]]:
    """Return one row a case: the planted difference, and the share of studies that show it."""
    rows = [
        [
            "difference of",
            "seeds",
            "floor over widest error",
            "planted: median of the pilots",
            "smallest to largest of the pilots",
            "studies",
            "shown, %",
            "standard error, points",
            "shown on average over the pilots, %",
        ]
    ]
    for count in counts:
        share = count.shown / count.studies
        error = np.sqrt(share * (1 - share) / count.studies)
        low, high = count.pilot_range
        case = count.case
        rows.append(
            [
                "exponents" if case.quantity == "exponent" else f"errors at size {_ERROR_SIZE:g}",
                str(case.seeds),
                f"{case.floor:g}",
                f"{count.planted:.3g}",
                f"{low:.3g} to {high:.3g}",
                f"{count.studies:,}",
                f"{100 * share:.1f}",
                f"{100 * error:.1f}",
                f"{100 * count.mean_share:.1f}",
            ]
        )
    return rows


def render_page(table: Sequence[Sequence[str]]) -> str:
    """Return the text of docs/power.md.

    Args:
        table: as ``power_table`` returns it.
    """
    heading, *rows = table
    lines = [f"| {' | '.join(row)} |" for row in (heading, ["---"] * len(heading), *rows)]
    return PAGE_TEXT.format(table="\n".join(lines), pilots=PILOTS, power=100 * DEFAULT_POWER)


def main() -> None:
    """Simulate all cases, and write the table and the page."""
    parser = argparse.ArgumentParser(
        prog="python -m simulations.power",
        description="Measure how often a difference is shown that `scaling power` says is detectable.",
    )
    add_arguments(parser, studies=STUDIES)
    arguments = parser.parse_args()
    counts = map_in_processes(
        count_shown, list(power_cases()), studies=arguments.studies, workers=arguments.workers
    )
    table = power_table(counts)
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "power.csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(table)
    PAGE.write_text(render_page(table))


if __name__ == "__main__":
    main()
