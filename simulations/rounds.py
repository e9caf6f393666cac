"""Rounds of ``scaling suggest`` beside grids that grow evenly, over many simulated studies of which all truth is known.

Writes artifacts/published/coverage/suggest.csv and the table of docs/suggest.md:

python -m simulations.rounds [--studies 400]
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
from scaling.settings import ImageShape
from simulations.cells import AMPLITUDE, IMAGES

CSV, PAGE = ROOT / "artifacts" / "published" / "coverage" / "suggest.csv", ROOT / "docs" / "suggest.md"
WIDTHS, SEEDS = (1, 2, 3, 4, 6, 12), 4
"""Of every study as it is written."""
BETWEEN, BEYOND = (8,), (16, 24, 32, 48)
"""Other widths that may be trained: round ones, up to four times the widest."""
BLOCK = 4
"""Seeds that train together."""
EXPONENTS, FLOORS = (0.3, 0.7), (0.0, 0.5)
"""Drawn evenly from between these; floors over the widest networks' mean error, and of every third study there is none."""
DISPERSIONS = {"under": 0.6, "over": 3.0}
"""Of counts, over a binomial's."""
TARGETS = {"prediction@2x": 0.02, "exponent": 0.04}
BEGIN, END = "<!-- rounds -->", "<!-- /rounds -->"
"""Of the table, in the page."""
MNIST = ImageShape(1, 28, 10)


@dataclass(frozen=True, kw_only=True)
class World:
    """A law, its noise, and runs that are the same whoever asks for them."""

    draw: int
    noise: str

    @property
    def law(self) -> np.ndarray:
        """Amplitude, exponent and floor; whatever the floor, the error at the widest network is that of the law without one."""
        rng = np.random.default_rng([self.draw, 0])
        exponent, share = rng.uniform(*EXPONENTS), rng.uniform(*FLOORS) * (self.draw % 3 > 0)
        return np.array([AMPLITUDE * (1 - share), exponent, AMPLITUDE * WIDTHS[-1] ** -exponent * share])

    def points(self, seeds: dict[int, int]) -> Points:
        """A study with so many seeds at each width."""
        found = [self._runs(width, number) for width, number in seeds.items()]
        x = np.repeat(np.array(list(seeds), dtype=float), list(seeds.values()))
        return Points(x_name="filters", y_name="test_error", x=x, y=np.concatenate(found), test_images=IMAGES)

    def _runs(self, width: int, seeds: int) -> np.ndarray:
        mean = FLOOR.evaluate(self.law, np.array(float(width)))
        scatter = np.sqrt(DISPERSIONS[self.noise] * mean * (1 - mean) / IMAGES)
        noise = np.random.default_rng([self.draw, width]).standard_normal(seeds)
        return (IMAGES * (mean + scatter * noise)).round().clip(0, IMAGES) / IMAGES


@cache
def block_cost(width: int) -> float:
    """In multiply-adds of LeNet-5 on MNIST."""
    return float(BLOCK * Lenet5(filters=width).layer_table(MNIST).macs)


def cost(seeds: dict[int, int]) -> float:
    return sum(block_cost(width) * number / BLOCK for width, number in seeds.items())


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A study whose interval is within the target."""

    cost: float
    """Over that of the study as it is written."""
    rounds: int
    holds: bool
    """Whether the interval holds the truth."""


def grow(world: World, of: str, after: Callable[[dict[int, int], Fit], dict[int, int]]) -> Ended:
    """Train, fit and look, until the interval is within the target.

    Args:
        after: from a study and its fit to the next one, or the same.
    """
    quantity, seeds, rounds = Quantity.parse(of, float(WIDTHS[-1])), dict.fromkeys(WIDTHS, SEEDS), 0
    while True:
        found = fit(world.points(seeds), EstimationOptions(forms=("floor",), holdout=0, seed=world.draw))
        wider = after(seeds, found)
        if wider == seeds:
            interval = found.laws["floor"].derived_interval(quantity.evaluate)
            return Ended(
                cost=cost(seeds) / cost(dict.fromkeys(WIDTHS, SEEDS)),
                rounds=rounds,
                holds=bool(interval.low <= quantity.evaluate(world.law) <= interval.high),
            )
        seeds, rounds = wider, rounds + 1


def suggested(of: str, widths: Sequence[int]) -> Callable[[dict[int, int], Fit], dict[int, int]]:
    """As ``scaling run --until`` does it."""

    def after(seeds: dict[int, int], found: Fit) -> dict[int, int]:
        sizes = [
            CandidateSize(
                x=float(width),
                existing_seeds=seeds.get(width, 0),
                block_size=BLOCK,
                block_cost_s=block_cost(width),
            )
            for width in widths
        ]
        (proposal,) = propose_runs(
            [SequentialDesign(found, Quantity.parse(of, float(WIDTHS[-1])), target=TARGETS[of], sizes=sizes)],
            stop_after_s=cost(seeds),
        )
        return {width: number for width, number in zip(widths, proposal.seeds, strict=True) if number}

    return after


def even(of: str) -> Callable[[dict[int, int], Fit], dict[int, int]]:
    """A block more at every width of the study."""
    quantity = Quantity.parse(of, float(WIDTHS[-1]))

    def after(seeds: dict[int, int], found: Fit) -> dict[int, int]:
        reached = quantity.half_width(require_floored_law(found)) <= TARGETS[of]
        return seeds if reached else {width: number + BLOCK for width, number in seeds.items()}

    return after


HEADING = (
    *(
        "of",
        "target",
        "noise",
        "sizes",
        "studies",
        "cost even over suggest: median",
        "lower quartile",
        "upper quartile",
    ),
    *("rounds: median", "coverage suggest", "from", "to", "coverage even", "from", "to"),
)


def line(of: str, noise: str, sizes: str, studies: int) -> list[str]:
    """What was found in many studies of one kind."""
    widths = sorted((*WIDTHS, *BETWEEN, *(BEYOND if sizes == "beyond" else ())))
    worlds = [World(draw=draw, noise=noise) for draw in range(studies)]
    by_suggest = [grow(world, of, suggested(of, widths)) for world in worlds]
    evenly = [_evenly(world, of) for world in worlds]
    ratios = [other.cost / mine.cost for mine, other in zip(by_suggest, evenly, strict=True)]
    shares = [f"{ratio:.2f}" for ratio in np.quantile(ratios, [0.5, 0.25, 0.75])]
    rounds = f"{np.median([each.rounds for each in by_suggest]):g}"
    return [
        of,
        f"{TARGETS[of]:g}",
        noise,
        sizes,
        str(studies),
        *shares,
        rounds,
        *_coverage(by_suggest),
        *_coverage(evenly),
    ]


@cache
def _evenly(world: World, of: str) -> Ended:
    return grow(world, of, even(of))


def _coverage(ended: Sequence[Ended]) -> Iterator[str]:
    """In per cent, with its 95 % interval (Clopper & Pearson 1934)."""
    found = binomtest(sum(each.holds for each in ended), len(ended))
    return (f"{100 * share:.1f}" for share in (found.statistic, *found.proportion_ci()))


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m simulations.rounds", description="suggest beside an even grid."
    )
    parser.add_argument("--studies", type=int, default=400, help="of each kind (%(default)s)")
    studies = parser.parse_args().studies
    lines = [
        line(of, noise, sizes, studies)
        for of, noise, sizes in product(TARGETS, DISPERSIONS, ("between", "beyond"))
    ]
    CSV.parent.mkdir(parents=True, exist_ok=True)
    with CSV.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([HEADING, *lines])
    before, _, after = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n\n{table(lines)}\n\n{END}{after.partition(END)[2]}")


def table(lines: Sequence[Sequence[str]]) -> str:
    """In Markdown."""
    heads = (
        "of",
        "target",
        "noise",
        "other widths",
        "studies",
        "cost, even over suggest",
        "quartiles",
        "rounds",
        "holds, suggest",
        "holds, even",
    )
    rows = [
        (
            *each[:6],
            f"{each[6]} to {each[7]}",
            each[8],
            f"{each[9]} [{each[10]}, {each[11]}]",
            f"{each[12]} [{each[13]}, {each[14]}]",
        )
        for each in lines
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in (heads, ["---"] * len(heads), *rows))


if __name__ == "__main__":
    main()
