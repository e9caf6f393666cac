"""Simulate curves with a minimum, and write optimum.csv to artifacts/published/coverage and docs/optimum.md.

python -m simulations.optimum [--studies 100] [--workers 2]

Each curve is E + a x^-p + b x^q at eight values over a factor of 80, with eight seeds and 0.6 times the
variance of a binomial. The optimum of ``scaling optimum`` is compared with the minimum of polynomials of
log x through the logarithms of the means, whose interval has each x at which the slope does not differ from
0.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass
from itertools import product
from math import inf, sqrt

import numpy as np

from benchmarks.commands import ROOT
from scaling.fit import Interval, Points, Status
from scaling.fit.data.dispersion import law_dispersion
from scaling.fit.interval import student_quantile
from scaling.fit.optimum import find_optimum
from simulations.processes import add_arguments, map_in_processes

TABLE, PAGE = ROOT / "artifacts" / "published" / "coverage" / "optimum.csv", ROOT / "docs" / "optimum.md"
STUDIES = 400
"""Default number of studies of each curve."""
VALUES = np.geomspace(0.5, 40, 8)
"""Values of x."""
IMAGES, SEEDS, DISPERSION = 10_000, 8, 0.6
POLYNOMIALS = {"parabola": 2, "cubic": 3}
"""Degrees of the polynomials that are compared."""
_RESAMPLINGS = 50
_STRENGTHS = ((0.35, 0.25), (0.03, 0.5))
"""Smallest mean errors, each with the geometric mean of the exponents."""
_RATIOS, _POSITIONS = (0.25, 1.0, 4.0), (0.3, 0.5, 0.7)
"""Ratios p/q, and positions of the minimum."""
_HEADING = (
    *("lowest error", "p", "q", "position", "floor over lowest"),
    *("coverage", "bias", "upper over lower limit", "usable", "rejected"),
    *(f"{name}: {column}" for name in POLYNOMIALS for column in ("coverage", "bias")),
)


@dataclass(frozen=True, kw_only=True)
class Valley:
    """A curve with one minimum."""

    lowest: float
    """Smallest mean error."""
    fall: float
    """Exponent p."""
    rise: float
    """Exponent q."""
    position: float
    """Position of the minimum on the logarithmic range of x, from 0 to 1."""
    floor: float
    """Floor, divided by the smallest mean error."""

    @property
    def x_opt(self) -> float:
        """True x of the smallest mean error."""
        return float(VALUES[0] * (VALUES[-1] / VALUES[0]) ** self.position)

    def means(self, x: np.ndarray) -> np.ndarray:
        """Return the true mean errors."""
        by = x / self.x_opt
        shape = (self.rise * by**-self.fall + self.fall * by**self.rise) / (self.fall + self.rise)
        return np.asarray(self.lowest * (self.floor + (1 - self.floor) * shape))

    def simulate(self, rng: np.random.Generator) -> Points:
        """Return the points of a simulated study."""
        x = np.repeat(VALUES, SEEDS)
        mean = self.means(x)
        errors = rng.normal(IMAGES * mean, np.sqrt(DISPERSION * IMAGES * mean * (1 - mean))).round()
        return Points(
            x_name="ratio", y_name="test_error", x=x, y=errors.clip(0, IMAGES) / IMAGES, test_images=IMAGES
        )


@dataclass(frozen=True, kw_only=True)
class ValleyCounts:
    """Results over the simulated studies of one curve."""

    valley: Valley
    studies: int
    intervals: dict[str, tuple[Interval, ...]]
    """Intervals by method; those of ``optimum`` are only of optima that are not rejected."""
    usable: int
    """Number of optima with the status ``usable``."""

    def coverage(self, method: str) -> float:
        """Return the share of the intervals that contain the true optimum; NaN without intervals."""
        truth = self.valley.x_opt
        inside = [interval.low <= truth <= interval.high for interval in self.intervals[method]]
        return sum(inside) / len(inside) if inside else float("nan")

    def bias(self, method: str) -> float:
        """Return the median estimate over the truth, minus 1; NaN without intervals."""
        estimates = [interval.estimate for interval in self.intervals[method]]
        return float(np.median(estimates) / self.valley.x_opt - 1) if estimates else float("nan")

    @property
    def width(self) -> float:
        """Median ratio of the upper to the lower limit."""
        optima = self.intervals["optimum"]
        widths = [optimum.high / optimum.low if optimum.low else inf for optimum in optima]
        return float(np.median(widths)) if widths else inf


def valleys() -> Iterator[Valley]:
    """Yield the simulated curves."""
    for (lowest, exponent), ratio, position, floor in product(_STRENGTHS, _RATIOS, _POSITIONS, (0.0, 0.5)):
        yield Valley(
            lowest=lowest,
            fall=exponent * sqrt(ratio),
            rise=exponent / sqrt(ratio),
            position=position,
            floor=floor,
        )


def count_valley(valley: Valley, studies: int, *, seed: int = 0) -> ValleyCounts:
    """Simulate studies of one curve, and find the optimum by every method.

    Args:
        valley: the curve.
        studies: number of studies.
        seed: seed of the simulations.
    """
    intervals: dict[str, list[Interval]] = {name: [] for name in ("optimum", *POLYNOMIALS)}
    usable = 0
    rng = np.random.default_rng([seed, *(round(1000 * value) for value in astuple(valley))])
    for _ in range(studies):
        points = valley.simulate(rng)
        optimum = find_optimum(points, resamplings=_RESAMPLINGS)
        usable += optimum.status is Status.USABLE
        if optimum.status is not Status.REJECTED:
            intervals["optimum"].append(optimum.x_opt)
        for name, degree in POLYNOMIALS.items():
            intervals[name].append(polynomial_minimum(points, degree))
    return ValleyCounts(
        valley=valley,
        studies=studies,
        intervals={name: tuple(found) for name, found in intervals.items()},
        usable=usable,
    )


def polynomial_minimum(points: Points, degree: int) -> Interval:
    """Return the minimum of a polynomial of log x through the logarithms of the means.

    The interval has the positions around the minimum at which the slope does not differ from 0 by the
    quantile of Student's t. A limit at the outermost x is 0 or infinite.
    """
    x, means, powers = points.widths, points.means, np.arange(degree + 1)
    u = np.log(x)
    weights = points.weights * means**2 / points.variance_model.variance(means)
    design = u[:, None] ** powers
    covariance = np.linalg.inv(design.T @ (weights[:, None] * design))
    coefficients = covariance @ design.T @ (weights * np.log(means))
    dispersion = law_dispersion(points, np.exp(design @ coefficients), degree + 1)
    assert dispersion is not None
    grid = np.linspace(u[0], u[-1], 801)
    slopes = powers * grid[:, None] ** np.maximum(powers - 1, 0)
    variance = dispersion.value * np.einsum("gi,ij,gj->g", slopes, covariance, slopes)
    rejected = (slopes @ coefficients) ** 2 > student_quantile(dispersion.dof) ** 2 * variance
    best = int((grid[:, None] ** powers @ coefficients).argmin())
    below, above = np.flatnonzero(rejected[:best]), np.flatnonzero(rejected[best:])
    low = np.exp(grid[below[-1]]) if below.size else 0.0
    high = np.exp(grid[best + above[0]]) if above.size else inf
    return Interval.around(float(np.exp(grid[best])), low=float(low), high=float(high))


def optimum_table(counts: Iterable[ValleyCounts]) -> list[list[str]]:
    """Return one row a curve: coverages, biases and shares of statuses in per cent."""
    rows = [list(_HEADING)]
    for curve in counts:
        valley, reported = curve.valley, len(curve.intervals["optimum"])
        cells = [f"{value:g}" for value in astuple(valley)]
        cells += [f"{100 * curve.coverage('optimum'):.1f}", f"{100 * curve.bias('optimum'):+.1f}"]
        cells += ["open" if curve.width == inf else f"{curve.width:.2f}"]
        statuses = (curve.usable, curve.studies - reported)
        cells += [f"{100 * number / curve.studies:.1f}" for number in statuses]
        for name in POLYNOMIALS:
            cells += [f"{100 * curve.coverage(name):.1f}", f"{100 * curve.bias(name):+.1f}"]
        rows.append(cells)
    return rows


def render_page(table: Sequence[Sequence[str]], *, studies: int) -> str:
    """Return the text of docs/optimum.md.

    Args:
        table: the table with its heading.
        studies: number of studies of each curve.
    """
    heading, *rows = table
    markdown = "\n".join(f"| {' | '.join(row)} |" for row in (heading, ["---"] * len(heading), *rows))
    return f"""# Coverage of the interval of an optimum

`python -m simulations.optimum` writes this page. Each row has {studies:,} simulated studies of a curve
E + a x^-p + b x^q: {len(VALUES)} values of x over a factor of {VALUES[-1] / VALUES[0]:g}, {SEEDS} seeds, and
error counts on {IMAGES:,} images with {DISPERSION:g} times the variance of a binomial. `position` is the
position of the minimum on the logarithmic range of x, from 0 to 1.

`coverage` is the share, in per cent, of the optima that are not rejected whose 95 % interval contains the
truth. `bias` is the median estimate relative to the truth, minus 1, in per cent. `upper over lower limit` is
the median ratio of the limits, `open` if the interval has no limit on one side. `usable` and `rejected` are
shares of the studies. The last columns are other methods: the minimum of a parabola and of a cubic of log x
through the logarithms of the means.

{markdown}
"""


def main() -> None:
    """Simulate all curves and write the table."""
    parser = argparse.ArgumentParser(
        prog="python -m simulations.optimum",
        description="Measure the coverage of the interval of an optimum.",
    )
    add_arguments(parser, studies=STUDIES)
    arguments = parser.parse_args()
    counts = map_in_processes(
        count_valley, list(valleys()), studies=arguments.studies, workers=arguments.workers
    )
    table = optimum_table(counts)
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    with TABLE.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(table)
    PAGE.write_text(render_page(table, studies=arguments.studies))


if __name__ == "__main__":
    main()
