"""Simulate tables of two sizes, and print how often intervals of the joint law contain the planted truth.

python -m simulations.joint [--studies 500] [--workers 2]

One kind of table has the law of Chinchilla's runs with one run a cell and log-normal noise, another one
counts errors of networks over filters and training images, with four seeds a cell and 0.6 times the variance
of a binomial.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa

from scaling.fit import EstimationOptions, JointFit, JointPoints, Status, fit_joint, predict_joint
from scaling.fit.data.joint_points import add_cells, group_joint_points
from scaling.fit.forms import JOINT
from scaling.plan import machine

STUDIES = 500
"""Default number of studies of each kind of table."""
NAMES = ("N", "D")
CHINCHILLA = np.array([482.0, 0.348, 2085.0, 0.366, 1.82])
"""A, alpha, B, beta and E of the refit of Chinchilla's runs by Besiroglu et al. (2024), arXiv 2404.10102."""
N, D = np.geomspace(5e7, 1.6e10, 8), np.geomspace(1e9, 5e11, 8)
ERRORS = np.array([0.25, 0.6, 4.0, 0.45, 0.02])
"""A law of errors over filters and training images."""
FILTERS, IMAGES = np.array([1.0, 2, 3, 4, 6, 8, 12, 16]), np.geomspace(1000, 60_000, 6).round()
_BEYOND = 2.0
"""Factor on both largest sizes at which a prediction is compared with the truth."""


def surface(sizes: np.ndarray, law: np.ndarray = CHINCHILLA) -> np.ndarray:
    """Return the law at pairs of sizes, written out."""
    a, alpha, b, beta, floor = law
    return np.asarray(floor + a / sizes[:, 0] ** alpha + b / sizes[:, 1] ** beta)


def grid(n: np.ndarray = N, d: np.ndarray = D, *, runs: int = 1) -> np.ndarray:
    """Return all pairs of sizes, each as often as it has runs."""
    return np.repeat(np.array([(first, second) for first in n for second in d]), runs, axis=0)


def table(sizes: np.ndarray, y: np.ndarray, *, y_name: str = "loss", **columns: object) -> pa.Table:
    """Return a table with the columns N, D, y and further columns."""
    return pa.table({"N": sizes[:, 0], "D": sizes[:, 1], y_name: y, **columns})


def joint_points(
    sizes: np.ndarray, y: np.ndarray, *, test_images: int | None = None, std: np.ndarray | None = None
) -> JointPoints:
    """Return points of two sizes: error counts if there is a number of test images, else bare values."""
    name = "loss" if test_images is None else "test_error"
    extra: dict[str, object] = {} if test_images is None else {"test_images": [test_images] * len(y)}
    extra |= {} if std is None else {"std": std}
    cells = add_cells(table(sizes, y, y_name=name, **extra), NAMES)
    ((_, points),) = group_joint_points(cells, NAMES, y=name, by=(), std=None if std is None else "std")
    return points


def noisy(
    rng: np.random.Generator, sizes: np.ndarray, cv: float = 0.005, law: np.ndarray = CHINCHILLA
) -> np.ndarray:
    """Return losses with log-normal noise."""
    return surface(sizes, law) * np.exp(rng.normal(0, cv, len(sizes)))


def counted(
    rng: np.random.Generator, sizes: np.ndarray, images: int = 10_000, law: np.ndarray = ERRORS
) -> np.ndarray:
    """Return error rates with 0.6 times the variance of a binomial."""
    mean = surface(sizes, law)
    errors = rng.normal(images * mean, np.sqrt(0.6 * images * mean * (1 - mean))).round()
    return np.asarray(errors.clip(0, images) / images)


@dataclass(frozen=True, kw_only=True)
class JointTable:
    """A kind of simulated table."""

    name: str
    law: tuple[float, ...]
    """A, alpha, B, beta and E."""
    n: tuple[float, ...]
    d: tuple[float, ...]
    runs: int
    """Number of runs of a cell."""
    cv: float | None
    """Coefficient of variation of a loss; None for error counts."""

    def simulate(self, rng: np.random.Generator) -> JointPoints:
        """Return the points of a simulated table."""
        sizes, law = grid(np.array(self.n), np.array(self.d), runs=self.runs), np.array(self.law)
        if self.cv is not None:
            return joint_points(sizes, noisy(rng, sizes, self.cv, law))
        return joint_points(sizes, counted(rng, sizes, law=law), test_images=10_000)


def tables() -> list[JointTable]:
    """Return the simulated kinds of tables."""
    chinchilla, errors = tuple(CHINCHILLA), tuple(ERRORS)
    n, d, filters, images = tuple(N), tuple(D), tuple(FILTERS), tuple(IMAGES)
    small_n, small_d = tuple(np.geomspace(1e7, 1e9, 7)), tuple(np.geomspace(1e9, 1e11, 5))
    return [
        JointTable(name="Chinchilla, 64 cells", law=chinchilla, n=n, d=d, runs=1, cv=0.005),
        JointTable(name="Chinchilla, 35 cells", law=chinchilla, n=small_n, d=small_d, runs=1, cv=0.003),
        JointTable(name="Chinchilla, 64 cells, 4 runs", law=chinchilla, n=n, d=d, runs=4, cv=0.02),
        JointTable(name="error counts, 4 seeds", law=errors, n=filters, d=images, runs=4, cv=None),
        JointTable(
            name="error counts, no floor", law=(*errors[:4], 0.0), n=filters, d=images, runs=4, cv=None
        ),
    ]


@dataclass(frozen=True, kw_only=True)
class StudyOutcome:
    """What the intervals of one simulated table contain."""

    covered: tuple[bool, ...]
    """One entry a parameter of the joint form, and one for the prediction at twice both largest sizes."""
    usable: bool


def simulate_study(kind: JointTable, seed: int, *, resamplings: int = 500) -> StudyOutcome:
    """Simulate one table, fit the joint law, and compare its intervals with the truth.

    Args:
        kind: kind of table.
        seed: number of the study.
        resamplings: number of bootstrap draws.
    """
    points = kind.simulate(np.random.default_rng([11, seed]))
    law = fit_joint(points, EstimationOptions(resamplings=resamplings, holdout=1))
    fit = JointFit(group={}, points=points, law=law, frontier=None, estimand="", notes=())
    pair = (_BEYOND * kind.n[-1], _BEYOND * kind.d[-1])
    (prediction,) = predict_joint(fit, [pair])
    intervals = [*(law.parameters[name] for name in JOINT.parameters), prediction.mean]
    truths = [*kind.law, float(surface(np.array([pair]), np.array(kind.law))[0])]
    return StudyOutcome(
        covered=tuple(
            interval.low <= truth <= interval.high for interval, truth in zip(intervals, truths, strict=True)
        ),
        usable=law.status is Status.USABLE,
    )


def main() -> None:
    """Print a table in Markdown: the coverage of each interval, in percent."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=STUDIES)
    parser.add_argument("--workers", type=int, default=machine.cpu_count())
    arguments = parser.parse_args()
    print("| table | A | alpha | B | beta | E | prediction at 2N, 2D | usable |")
    print("|---|---|---|---|---|---|---|---|")
    with ProcessPoolExecutor(arguments.workers) as pool:
        for kind in tables():
            outcomes = list(pool.map(partial(simulate_study, kind), range(arguments.studies), chunksize=10))
            shares = np.mean([(*outcome.covered, outcome.usable) for outcome in outcomes], axis=0)
            print(f"| {kind.name} |", " | ".join(f"{100 * share:.1f}" for share in shares), "|", flush=True)


if __name__ == "__main__":
    main()
