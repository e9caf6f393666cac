"""Curves that flatten: verdicts, and how often a law with a floor is usable, with a floor and with a bend.

    python -m simulations.flattening [--studies 100] [--workers 2]

Writes flattening.csv to artifacts/published/coverage, and docs/flattening.md.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from benchmarks.commands import ROOT
from scaling.fit import EstimationOptions, Fit, Points, Status, fit, predict
from scaling.fit.diagnosis.selection import BEND_FITS_TOO
from simulations.processes import add_arguments, map_in_processes

FOLDER, PAGE = ROOT / "artifacts" / "published" / "coverage", ROOT / "docs" / "flattening.md"
STUDIES = 100
"""Default number of studies of each case."""
COLUMNS = (
    "power law",
    "floor needed",
    "bends",
    "cannot tell",
    "usable without comparison",
    "usable",
    "2x right",
    "10x marked",
    "10x right or marked",
)
"""Counts of a case: the verdicts, usable laws, and among these the predictions."""
_OF_USABLE = COLUMNS[6:]
_RESAMPLINGS = 200
_SIZES = (1.0, 64.0)
_NOISE = 0.02
"""Relative standard deviation of a run."""


def _floored(share: float) -> Callable[[np.ndarray], np.ndarray]:
    """Return a power law with a floor, of which the floor is a share of the mean of the widest networks."""
    widest = 0.4 * _SIZES[1] ** -0.5
    return lambda x: 0.4 * (1 - share) * x**-0.5 + share * widest


def _bent(exponent: float, beyond: float, smoothness: float) -> Callable[[np.ndarray], np.ndarray]:
    """Return two power laws that meet at size 8."""
    return lambda x: (
        0.6 * x**-exponent * (1 + (x / 8) ** (1 / smoothness)) ** ((exponent - beyond) * smoothness)
    )


CURVES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "power law": _floored(0.0),
    "floor, 5 % of the widest": _floored(0.05),
    "floor, 10 % of the widest": _floored(0.1),
    "floor, 20 % of the widest": _floored(0.2),
    "floor, 50 % of the widest": _floored(0.5),
    "bend, exponents 0.7 and 0.2": _bent(0.7, 0.2, 0.25),
    "bend, exponents 0.5 and 0.25": _bent(0.5, 0.25, 0.25),
    "bend, exponents 0.5 and 0.4": _bent(0.5, 0.4, 0.25),
    "smooth bend, exponents 0.7 and 0.2": _bent(0.7, 0.2, 1.0),
    "sum of two power laws": lambda x: 0.4 * x**-0.8 + 0.1 * x**-0.15,
}
"""Curves by their name."""


@dataclass(frozen=True)
class FlatteningCounts:
    """Counts over the simulated studies of one case."""

    case: tuple[str, int, int]
    """Name of the curve, number of widths and of runs at each width."""
    studies: int
    counts: Counter[str]
    """Number of studies by column."""


def cases() -> Iterator[tuple[str, int, int]]:
    """Yield the names of the curves with the numbers of widths and runs; one run is a table without
    replicates.
    """
    yield from product(CURVES, (8, 12, 28), (1, 4, 8))


def count_case(case: tuple[str, int, int], studies: int, *, seed: int = 3) -> FlatteningCounts:
    """Simulate studies of one curve, fit them, and count.

    Args:
        case: name of the curve, number of widths and of runs at each width.
        studies: number of studies.
        seed: seed of the simulations.
    """
    name, widths, runs = case
    x, counts = np.repeat(np.geomspace(*_SIZES, widths), runs), Counter[str]()
    for study in range(studies):
        scatter = np.exp(_NOISE * np.random.default_rng([seed, study]).standard_normal(len(x)))
        points = Points(x_name="x", y_name="loss", x=x, y=CURVES[name](x) * scatter, test_images=None)
        fitted = fit(points, EstimationOptions(resamplings=_RESAMPLINGS, seed=study))
        counts.update(_observe(fitted, CURVES[name]))
    return FlatteningCounts(case, studies, counts)


def _observe(fitted: Fit, curve: Callable[[np.ndarray], np.ndarray]) -> Iterator[str]:
    """Yield the columns that a study counts in."""
    law = fitted.laws[fitted.verdict.form]
    yield fitted.verdict.choice.value
    if law.status is Status.USABLE or law.reason.startswith(BEND_FITS_TOO):  # it is the only reason then
        yield "usable without comparison"
    if law.status is not Status.USABLE:
        return
    yield "usable"
    sizes = (2 * _SIZES[1], 10 * _SIZES[1])
    named = [prediction for prediction in predict(fitted, sizes) if prediction.form == law.form.name]
    near_right, far_right = (
        prediction.mean.low <= float(curve(np.array(size))) <= prediction.mean.high
        for prediction, size in zip(named, sizes, strict=True)
    )
    far_marked = named[1].mean_with_bend is not None
    if near_right:
        yield "2x right"
    if far_marked:
        yield "10x marked"
    if far_right or far_marked:
        yield "10x right or marked"


def flattening_table(counted: Iterable[FlatteningCounts]) -> list[list[str]]:
    """Return one row a case, in per cent: of the studies, and in the last columns of the usable laws."""
    rows = [["curve", "widths", "runs", *COLUMNS]]
    for one in counted:
        totals = {name: one.counts["usable"] if name in _OF_USABLE else one.studies for name in COLUMNS}
        shares = [f"{100 * one.counts[name] / total:.1f}" if total else "–" for name, total in totals.items()]
        rows.append([*map(str, one.case), *shares])
    return rows


def render_page(table: Sequence[Sequence[str]], *, studies: int) -> str:
    """Return the text of docs/flattening.md.

    Args:
        table: the table with its headings.
        studies: number of studies of each case.
    """
    heading, *rows = table
    lines = "\n".join(f"| {' | '.join(row)} |" for row in (heading, ["---"] * len(heading), *rows))
    return f"""# Floors and bends

`python -m simulations.flattening` writes this page.

A curve that flattens can end at a floor, or fall on with a smaller exponent. Each case has {studies:,}
simulated studies with 8, 12 or 28 sizes from 1 to 64, and runs that scatter by 2 %; bends lie at size 8, and
tables with one run have no replicates. The table shows the share of each verdict in per cent, and how often
the law that the verdict names is `usable`: without the comparison of a floor with bends, and with it. The
last columns are shares of the usable laws: the interval of the mean at twice the widest size contains the
truth; the prediction at ten times is marked, with the mean by a bend beside it; and its interval contains the
truth, or it is marked.

{lines}
"""


def main() -> None:
    """Simulate all cases and write the table."""
    parser = argparse.ArgumentParser(
        prog="python -m simulations.flattening",
        description="Measure verdicts and statuses on curves that flatten.",
    )
    add_arguments(parser, studies=STUDIES)
    arguments = parser.parse_args()
    counts = map_in_processes(count_case, list(cases()), studies=arguments.studies, workers=arguments.workers)
    table = flattening_table(counts)
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "flattening.csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(table)
    PAGE.write_text(render_page(table, studies=arguments.studies))


if __name__ == "__main__":
    main()
