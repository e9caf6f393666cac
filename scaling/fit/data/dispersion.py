"""How far means of sizes may lie from a law: as far as their runs tell, or further where runs alone don't explain what is seen.

Runs of a size that share an order of minibatches may be alike, and then their own spread says too little of how far their mean is from other
orders' means. What says more is how the orders of one size differ, and where there is one order alone, how the means lie about the curve.
Either takes the place of the runs' spread when an F test at 25 % tells it apart, with its own, few degrees of freedom.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from jaxtyping import Float
from scipy.special import fdtri

from scaling.fit.data.points import Points

COPIES = 1e-20
"""A dispersion below this is the rounding of equal numbers."""
MANY = 1_000_000
"""Degrees of freedom of what is known rather than estimated."""
DOUBTED = 0.25
"""The spread of runs is not trusted for means where it explains what is seen this rarely: a lenient test, because what it misses makes
intervals too short, and what it takes for more than chance makes them only wider."""


class Source(StrEnum):
    """What tells the scatter."""

    RUNS = "how runs of one size differ"
    ORDERS = "how orders of minibatches differ"
    CURVE = "how the means lie about the law"
    STATED = "the stated standard deviations"


@dataclass(frozen=True, kw_only=True)
class Dispersion:
    """Of means, as a multiple of the variance that the noise gives them."""

    dispersion: float
    freedom: int
    """Degrees of freedom behind it."""
    source: Source
    over_runs: float = 1.0
    """As a standard deviation, over what the runs' own spread says."""


def dispersion(points: Points) -> float | None:
    """What multiplies the variance of one run, pooled over sizes; None where no size has replicates.

    Below 1 for counts when networks agree on which images are hard, as they share the test set.
    """
    if points.stated is not None:
        return 1.0
    seen = points.means > 0  # networks without an error say nothing about its scatter
    replicates = freedom(points)
    if not replicates:
        return None
    squares = np.bincount(points.width, points.deviations**2)[seen]
    return float((squares / points.noise.variance(points.means[seen])).sum() / replicates)


def freedom(points: Points) -> int:
    """Degrees of freedom behind the dispersion."""
    return MANY if points.stated is not None else int((points.counts - 1)[points.means > 0].sum())


def dispersion_about(points: Points, curve: Float[np.ndarray, " widths"], spare: int) -> float:
    """The same, from how the means lie about a curve; expected to equal the dispersion where the curve is right and runs are independent.

    Args:
        points: the runs.
        curve: at each size.
        spare: sizes less parameters, at least 1.
    """
    return float((points.weights * (points.means - curve) ** 2 / points.noise.variance(curve)).sum() / spare)


def among_runs(points: Points) -> Dispersion | None:
    """Without a law: from the orders where they differ more than their runs explain, else from the runs; None without replicates."""
    known = dispersion(points)
    if known is None:
        return None
    if points.stated is not None:
        return Dispersion(dispersion=known, freedom=MANY, source=Source.STATED)
    runs = Dispersion(dispersion=known, freedom=freedom(points), source=Source.RUNS)
    orders = _orders(points)
    return orders if orders and known >= COPIES and orders.over_runs > 1 else runs


def scatter(points: Points, curve: Float[np.ndarray, " widths"], parameters: int) -> Dispersion | None:
    """Beside a law with so many parameters; None where neither runs nor spare sizes tell it."""
    known, spare = among_runs(points), len(points.widths) - parameters
    # Images that are a sample explain misses of their own, and deviations that somebody states are taken at their word.
    if spare < 1 or (known and (points.wrong is not None or points.stated is not None)):
        return known
    about = Dispersion(dispersion=dispersion_about(points, curve, spare), freedom=spare, source=Source.CURVE)
    if known is None:
        return about
    if known.dispersion < COPIES or about.dispersion <= known.dispersion * fdtri(
        spare, known.freedom, 1 - DOUBTED
    ):
        return known
    over_runs = known.over_runs * np.sqrt(about.dispersion / known.dispersion)
    return Dispersion(
        dispersion=about.dispersion, freedom=spare, source=Source.CURVE, over_runs=float(over_runs)
    )


def _orders(points: Points) -> Dispersion | None:
    """From means of orders about the means of their sizes; None where these differ no more than their runs explain, or can't tell."""
    if points.order is None:
        return None
    _, cell = np.unique(np.stack([points.width, points.order]), axis=1, return_inverse=True)
    runs = np.bincount(cell)
    means = np.bincount(cell, points.y) / runs
    width = np.zeros(len(runs), dtype=np.intp)
    width[cell] = points.width
    seen = points.means[width] > 0
    between, within = int(seen.sum() - (points.means > 0).sum()), int((runs - 1)[seen].sum())
    if not between or not within:
        return None
    variance = points.noise.variance(points.means[width][seen])
    apart = float((runs * (means - points.means[width]) ** 2)[seen] @ (1 / variance)) / between
    alike = float(np.bincount(cell, (points.y - means[cell]) ** 2)[seen] @ (1 / variance)) / within
    if apart <= alike * fdtri(between, within, 1 - DOUBTED):
        return None
    pooled = dispersion(points)
    over_runs = np.sqrt(apart / pooled) if pooled else 1.0
    return Dispersion(dispersion=apart, freedom=between, source=Source.ORDERS, over_runs=float(over_runs))
