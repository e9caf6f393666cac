"""Simulate studies that grow as ``scaling suggest`` proposes, and studies that grow evenly, with a known
truth.

Writes artifacts/published/coverage/suggest.csv and the table of docs/suggest.md:

python -m simulations.sequential_design [--studies 400]
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
from scipy.stats import binomtest

from benchmarks.commands import ROOT
from scaling.architectures import Lenet5
from scaling.fit import (
    CandidateSize,
    EstimationOptions,
    Fit,
    Points,
    Quantity,
    SequentialDesign,
    fit,
    propose_runs,
)
from scaling.fit.forms import FLOOR
from scaling.fit.quantity import require_floored_law
from scaling.fit.result import DrawSet
from scaling.fit.suggest import MIN_SHARE
from scaling.settings import ImageShape
from simulations.processes import add_arguments, map_in_processes
from simulations.scenarios import AMPLITUDE, IMAGES

CSV, PAGE = ROOT / "artifacts" / "published" / "coverage" / "suggest.csv", ROOT / "docs" / "suggest.md"
WIDTHS, SEEDS = (1, 2, 3, 4, 6, 12), 4
"""Widths, and number of seeds at each of them, with which every study starts."""
BETWEEN, BEYOND = (8,), (16, 24, 32, 48)
"""Further widths that may be trained, up to four times the widest."""
BLOCK = 4
"""Number of seeds that train together."""
STUDIES = 400
"""Default number of studies of each kind."""
TARGETS = {"prediction@2x": 0.02, "exponent": 0.04}
"""Half width to reach, by the quantity."""
COLUMNS = (
    *("of", "target", "noise", "sizes", "studies"),
    *("cost even over suggest: median", "lower quartile", "upper quartile"),
    *("rounds: median", "coverage suggest", "from", "to", "coverage even", "from", "to"),
)
"""Columns of the CSV file."""
_EXPONENTS, _FLOORS = (0.3, 0.7), (0.0, 0.5)
"""Ranges from which exponents and floors are drawn; floors are relative to the mean error of the widest
networks."""
_STUDIES_PER_ZERO_FLOOR = 3
"""One study in three has no floor."""
_DISPERSIONS = {"under": 0.6, "over": 3.0}
"""Variance of error counts relative to a binomial, by the kind of noise."""
_BEGIN, _END = "<!-- rounds -->", "<!-- /rounds -->"
"""Comments around the table in the page."""
_MNIST = ImageShape(1, 28, 10)

SeedCounts = dict[int, int]
"""Number of seeds at each width."""
GrowthRule = Callable[[SeedCounts, Fit], SeedCounts]
"""Rule that returns the next seeds of a study from its seeds and its fit; the same seeds to stop."""


@dataclass(frozen=True, kw_only=True)
class SimulatedStudy:
    """A law and its noise. A run has the same error whenever it is requested."""

    draw: int
    """Seed of the law and the noise."""
    noise: str
    """Kind of noise: ``under`` or ``over``."""

    @property
    def law(self) -> np.ndarray:
        """True amplitude, exponent and floor.

        The mean error of the widest networks is the same for every floor.
        """
        rng = np.random.default_rng([self.draw, 0])
        exponent = rng.uniform(*_EXPONENTS)
        floor = rng.uniform(*_FLOORS) * (self.draw % _STUDIES_PER_ZERO_FLOOR > 0)
        return np.array([AMPLITUDE * (1 - floor), exponent, AMPLITUDE * WIDTHS[-1] ** -exponent * floor])

    def points(self, seeds: SeedCounts) -> Points:
        """Return the points of the study with the given seeds."""
        errors = [self._errors(width, count) for width, count in seeds.items()]
        x = np.repeat(np.array(list(seeds), dtype=float), list(seeds.values()))
        return Points(
            x_name="filters", y_name="test_error", x=x, y=np.concatenate(errors), test_images=IMAGES
        )

    def _errors(self, width: int, seeds: int) -> np.ndarray:
        mean = FLOOR.evaluate(self.law, np.array(float(width)))
        std = np.sqrt(_DISPERSIONS[self.noise] * mean * (1 - mean) / IMAGES)
        noise = np.random.default_rng([self.draw, width]).standard_normal(seeds)
        return (IMAGES * (mean + std * noise)).round().clip(0, IMAGES) / IMAGES


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A study whose interval has reached the target."""

    cost: float
    """Cost of the study, relative to its cost at the start."""
    iterations: int
    """Number of times that the study grew."""
    top_three: float
    """Share of the runs at the three widths with the most runs."""
    is_covered: bool
    """True if the interval contains the truth."""


@cache
def block_cost(width: int) -> float:
    """Return the cost of a block of seeds: multiply-adds of LeNet-5 on MNIST."""
    return float(BLOCK * Lenet5(filters=width).layer_table(_MNIST).macs)


def study_cost(seeds: SeedCounts) -> float:
    """Return the cost of a study in multiply-adds."""
    return sum(block_cost(width) * count / BLOCK for width, count in seeds.items())


def grow_until_target(study: SimulatedStudy, of: str, rule: GrowthRule) -> Outcome:
    """Let a study grow until its interval reaches the target.

    Args:
        study: the study.
        of: quantity whose interval has a target, such as ``exponent``.
        rule: rule by which the study grows.
    """
    quantity, seeds, iterations = Quantity.parse(of, float(WIDTHS[-1])), dict.fromkeys(WIDTHS, SEEDS), 0
    while True:
        options = EstimationOptions(forms=("floor",), holdout=0, seed=study.draw)
        fitted = fit(study.points(seeds), options)
        next_seeds = rule(seeds, fitted)
        if next_seeds == seeds:
            interval = fitted.laws["floor"].derived_interval(quantity.evaluate)
            truth = quantity.evaluate(DrawSet(FLOOR, np.array(study.law)[None]))[0]
            return Outcome(
                cost=study_cost(seeds) / study_cost(dict.fromkeys(WIDTHS, SEEDS)),
                iterations=iterations,
                top_three=sum(sorted(seeds.values())[-3:]) / sum(seeds.values()),
                is_covered=bool(interval.low <= truth <= interval.high),
            )
        seeds, iterations = next_seeds, iterations + 1


def propose_growth(of: str, widths: Sequence[int], *, min_share: float = MIN_SHARE) -> GrowthRule:
    """Return the rule of ``scaling run --until``: the proposed runs at the given widths.

    Args:
        of: quantity whose interval has a target.
        widths: widths that may be trained.
        min_share: smallest number of runs at a trained width, relative to the mean; 0 for the gains alone.
    """

    def rule(seeds: SeedCounts, fitted: Fit) -> SeedCounts:
        sizes = [
            CandidateSize(
                x=float(width),
                existing_seeds=seeds.get(width, 0),
                block_size=BLOCK,
                block_cost_s=block_cost(width),
            )
            for width in widths
        ]
        quantity = Quantity.parse(of, float(WIDTHS[-1]))
        design = SequentialDesign(fitted, quantity, target=TARGETS[of], sizes=sizes, min_share=min_share)
        (proposal,) = propose_runs([design], stop_after_s=study_cost(seeds))
        return {width: count for width, count in zip(widths, proposal.seeds, strict=True) if count}

    return rule


def grow_evenly(of: str) -> GrowthRule:
    """Return the rule that adds one block of seeds at every width of the study."""
    quantity = Quantity.parse(of, float(WIDTHS[-1]))

    def rule(seeds: SeedCounts, fitted: Fit) -> SeedCounts:
        if quantity.half_width(require_floored_law(fitted)) <= TARGETS[of]:
            return seeds
        return {width: count + BLOCK for width, count in seeds.items()}

    return rule


def compare_rules(kind: tuple[str, str, str], studies: int) -> list[str]:
    """Return one row of the CSV file: many studies of one kind, grown by each rule.

    Args:
        kind: quantity whose interval has a target; kind of noise; and ``between`` or ``beyond``, the further
            widths that may be trained.
        studies: number of studies.
    """
    of, noise, sizes = kind
    widths = sorted((*WIDTHS, *BETWEEN, *(BEYOND if sizes == "beyond" else ())))
    simulated = [SimulatedStudy(draw=draw, noise=noise) for draw in range(studies)]
    proposed = [grow_until_target(study, of, propose_growth(of, widths)) for study in simulated]
    even = [_even_outcome(study, of) for study in simulated]
    ratios = [other.cost / outcome.cost for outcome, other in zip(proposed, even, strict=True)]
    return [
        of,
        f"{TARGETS[of]:g}",
        noise,
        sizes,
        str(studies),
        *(f"{ratio:.2f}" for ratio in np.quantile(ratios, [0.5, 0.25, 0.75])),
        f"{np.median([outcome.iterations for outcome in proposed]):g}",
        *_coverage(proposed),
        *_coverage(even),
    ]


def price_of_level_widths(of: str, noise: str, *, studies: int) -> str:
    """Return a sentence on the cost of the minimum of runs at each width, for studies of one kind.

    Args:
        of: quantity whose interval has a target.
        noise: kind of noise.
        studies: number of studies.
    """
    widths = sorted((*WIDTHS, *BETWEEN, *BEYOND))
    simulated = [SimulatedStudy(draw=draw, noise=noise) for draw in range(studies)]
    level, free = (
        [grow_until_target(study, of, propose_growth(of, widths, min_share=share)) for study in simulated]
        for share in (MIN_SHARE, 0.0)
    )
    prices = [outcome.cost / other.cost for outcome, other in zip(level, free, strict=True)]
    shares = [100 * np.median([outcome.top_three for outcome in outcomes]) for outcomes in (level, free)]
    return (
        f"{of}, {noise}, {studies} studies: median cost {np.median(prices):.2f} times that without"
        f" the minimum; {shares[0]:.0f} % of the runs at three widths, {shares[1]:.0f} % without it"
    )


def markdown_table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows of the CSV file as a Markdown table."""
    heading = (
        *("of", "target", "noise", "other widths", "studies", "cost, even over suggest", "quartiles"),
        *("iterations", "coverage, suggest", "coverage, even"),
    )
    cells = [
        (
            *row[:6],
            f"{row[6]} to {row[7]}",
            row[8],
            f"{row[9]} [{row[10]}, {row[11]}]",
            f"{row[12]} [{row[13]}, {row[14]}]",
        )
        for row in rows
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in (heading, ["---"] * len(heading), *cells))


def main() -> None:
    """Simulate all kinds of studies, and write the CSV file and the table of the page."""
    parser = argparse.ArgumentParser(
        prog="python -m simulations.sequential_design",
        description="Compare proposed runs with grids that grow evenly.",
    )
    add_arguments(parser, studies=STUDIES)
    parser.add_argument("--price", action="store_true", help="print the cost of the minimum at each width")
    arguments = parser.parse_args()
    studies = arguments.studies
    if arguments.price:
        for of, noise in product(TARGETS, _DISPERSIONS):
            print(price_of_level_widths(of, noise, studies=studies), flush=True)
        return
    kinds = list(product(TARGETS, _DISPERSIONS, ("between", "beyond")))
    rows = list(map_in_processes(compare_rules, kinds, studies=studies, workers=arguments.workers))
    CSV.parent.mkdir(parents=True, exist_ok=True)
    with CSV.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([COLUMNS, *rows])
    before, _, after = PAGE.read_text().partition(_BEGIN)
    PAGE.write_text(f"{before}{_BEGIN}\n\n{markdown_table(rows)}\n\n{_END}{after.partition(_END)[2]}")


@cache
def _even_outcome(study: SimulatedStudy, of: str) -> Outcome:
    return grow_until_target(study, of, grow_evenly(of))


def _coverage(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Yield the coverage in per cent and its 95 % interval (Clopper & Pearson 1934)."""
    test = binomtest(sum(outcome.is_covered for outcome in outcomes), len(outcomes))
    return (f"{100 * share:.1f}" for share in (test.statistic, *test.proportion_ci()))


if __name__ == "__main__":
    main()
