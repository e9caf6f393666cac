"""Fit of a curve with one minimum: E + a x^-p + b x^q, a falling and a rising power law over a floor.

With v = log(x / x_opt), the curve is ``lowest + amplitude * shape(v)``. The function
shape(v) = (q e^(-p v) + p e^(q v)) / (p + q) - 1 has its minimum, 0, at v = 0. The floor E is
lowest - amplitude and at least 0. The curve is linear in ``lowest`` and ``amplitude``, so weighted least
squares gives both in closed form for every x_opt, p and q (variable projection). The search tries a grid of
x_opt, of the geometric mean of the exponents and of their ratio, and goes on from the best node to better
neighbours at ever smaller distances. It needs neither derivatives nor starting values, and it works where the
curve hardly depends on an exponent.

Axes: rows (one fit each), widths, nodes (candidates of one row).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

N_PARAMETERS = 5
"""Number of parameters of the curve."""
MAX_EXPONENT = 8.0
"""Largest exponent p or q of the search."""
_MIN_MEAN_EXPONENT, _MAX_EXPONENT_RATIO = 0.05, 64.0
"""Smallest geometric mean of the exponents, and largest ratio between them, of the search."""
_POSITIONS, _MEANS, _RATIOS = 17, 12, 9
"""Numbers of nodes of the first grid along x_opt, the mean of the exponents and their ratio."""
_MAX_ITERATIONS, _SMALLEST_SCALE = 60, 2.0**-10
"""Largest number of steps of the search, and the distance between nodes, over the first, at which it ends."""

Rows = Float[np.ndarray, " rows"]
Nodes = Float[np.ndarray, "rows #nodes"]


@dataclass(frozen=True, kw_only=True, eq=False)
class TwoPowers:
    """Curves with one minimum; each parameter has one value a row."""

    log_x_opt: Rows
    """Logarithm of the x at which the curve is lowest."""
    lowest: Rows
    """Lowest value of the curve."""
    amplitude: Rows
    """Lowest value above the floor."""
    fall: Rows
    """Exponent p of the falling power law, above 0."""
    rise: Rows
    """Exponent q of the rising power law, above 0."""

    @property
    def floor(self) -> Rows:
        """Floor E, at least 0."""
        return np.asarray(self.lowest - self.amplitude)

    def evaluate(self, x: Float[np.ndarray, " sizes"]) -> Float[np.ndarray, "rows sizes"]:
        """Return the curves at sizes above 0."""
        v = np.log(x) - self.log_x_opt[:, None]
        shape = _shape(v, self.fall[:, None], self.rise[:, None])
        return np.asarray(self.lowest[:, None] + self.amplitude[:, None] * shape)


class _Grid(NamedTuple):
    """Candidates of each row."""

    position: Nodes
    """Logarithm of x at the minimum."""
    mean: Nodes
    """Logarithm of the geometric mean of the exponents."""
    ratio: Nodes
    """Logarithm of the fall over the rise."""


def fit_two_powers(
    x: Float[np.ndarray, " widths"],
    means: Float[np.ndarray, "rows widths"],
    weights: Float[np.ndarray, " widths"],
    *,
    near: TwoPowers | None = None,
) -> TwoPowers:
    """Fit a curve with one minimum to each row of means, by weighted least squares.

    Args:
        x: the sizes, ascending. The minimum is searched between the first and the last.
        means: means at each size.
        weights: inverse variances of the means, up to a factor.
        near: a curve, in one row, from which the search of all rows starts.
    """
    log_x = np.log(x)
    step = (log_x[-1] - log_x[0]) / (_POSITIONS - 1)
    if near is not None:
        start = _Grid(near.log_x_opt[:, None], *_coordinates(near))
        start = _Grid(*(np.repeat(axis, len(means), axis=0) for axis in start))
        return _refine(log_x, means, weights, start, steps=(2 * step, *_exponent_steps()))
    nodes = np.array(list(product(np.linspace(log_x[0], log_x[-1], _POSITIONS), *_exponent_nodes()))).T
    best = _best_node(log_x, means, weights, _Grid(*(np.repeat(axis[None], len(means), 0) for axis in nodes)))
    return _refine(log_x, means, weights, best, steps=(step, *_exponent_steps()))


def profile_minimum(
    x: Float[np.ndarray, " widths"],
    means: Float[np.ndarray, " widths"],
    weights: Float[np.ndarray, " widths"],
    *,
    positions: Rows,
) -> Rows:
    """Return the weighted sum of squared residuals of the best curve with its minimum at each position.

    Args:
        x: the sizes, ascending.
        means: means at each size.
        weights: inverse variances of the means, up to a factor.
        positions: logarithms of x.
    """
    log_x, rows = np.log(x), np.broadcast_to(means, (len(positions), len(means)))
    exponents = np.array(list(product(*_exponent_nodes()))).T
    grid = _Grid(positions[:, None], *(np.repeat(axis[None], len(positions), 0) for axis in exponents))
    best = _best_node(log_x, rows, weights, grid)
    fitted = _refine(log_x, rows, weights, best, steps=(0.0, *_exponent_steps()))
    return np.asarray((fitted.evaluate(x) - means) ** 2 @ weights)


def _exponent_nodes() -> tuple[np.ndarray, np.ndarray]:
    means = np.linspace(np.log(_MIN_MEAN_EXPONENT), np.log(MAX_EXPONENT), _MEANS)
    return means, np.linspace(-np.log(_MAX_EXPONENT_RATIO), np.log(_MAX_EXPONENT_RATIO), _RATIOS)


def _exponent_steps() -> tuple[float, float]:
    means, ratios = _exponent_nodes()
    return float(means[1] - means[0]), float(ratios[1] - ratios[0])


def _coordinates(curve: TwoPowers) -> tuple[np.ndarray, np.ndarray]:
    fall, rise = np.log(curve.fall)[:, None], np.log(curve.rise)[:, None]
    return (fall + rise) / 2, fall - rise


def _exponents(grid: _Grid) -> tuple[Nodes, Nodes]:
    fall, rise = np.exp(grid.mean + grid.ratio / 2), np.exp(grid.mean - grid.ratio / 2)
    return np.minimum(fall, MAX_EXPONENT), np.minimum(rise, MAX_EXPONENT)


def _shape(v: np.ndarray, fall: np.ndarray, rise: np.ndarray) -> np.ndarray:
    """Return how far the curve lies above its minimum, in units of its amplitude."""
    return np.asarray((rise * np.exp(-fall * v) + fall * np.exp(rise * v)) / (fall + rise) - 1)


def _project(
    log_x: np.ndarray, means: np.ndarray, weights: np.ndarray, grid: _Grid
) -> tuple[Nodes, Nodes, Nodes]:
    """Return the sum of squares at each node, and the best lowest value and amplitude."""
    fall, rise = _exponents(grid)
    shape = _shape(log_x - grid.position[..., None], fall[..., None], rise[..., None])
    total = weights.sum()
    center = means @ weights / total
    weighted = weights * (means - center[:, None])
    sum_shape, sum_squares = shape @ weights, shape**2 @ weights
    product_sum = np.einsum("rnw,rw->rn", np.broadcast_to(shape, (len(means), *shape.shape[1:])), weighted)
    spread = sum_squares - sum_shape**2 / total
    amplitude = np.maximum(np.divide(product_sum, spread, out=np.zeros_like(spread), where=spread > 0), 0)
    offset = -amplitude * sum_shape / total  # lowest value minus the center
    # Where the floor would be below 0, it is 0: the lowest value equals the amplitude.
    bound = center[:, None] + offset < amplitude
    at_bound = (product_sum + center[:, None] * (sum_shape + total)) / (sum_squares + 2 * sum_shape + total)
    amplitude = np.where(bound, at_bound, amplitude)
    offset = np.where(bound, at_bound - center[:, None], offset)
    loss = amplitude**2 * sum_squares + 2 * amplitude * offset * sum_shape + offset**2 * total
    return loss - 2 * amplitude * product_sum, offset + center[:, None], amplitude


def _best_node(log_x: np.ndarray, means: np.ndarray, weights: np.ndarray, grid: _Grid) -> _Grid:
    """Return the best node of each row: one node a row."""
    loss, _, _ = _project(log_x, means, weights, grid)
    best = loss.argmin(axis=1)[:, None]
    return _Grid(*(np.take_along_axis(np.broadcast_to(axis, loss.shape), best, axis=1) for axis in grid))


def _refine(
    log_x: np.ndarray,
    means: np.ndarray,
    weights: np.ndarray,
    best: _Grid,
    *,
    steps: tuple[float, float, float],
) -> TwoPowers:
    """Search the neighbours of each row's node; halve the distance to them where none is better.

    Args:
        log_x: logarithms of the sizes.
        means: means at each size, one row a fit.
        weights: inverse variances of the means.
        best: the first node of each row.
        steps: twice the first distances to the neighbours; 0 holds a coordinate.
    """
    limits = [(log_x[0], log_x[-1]), *((nodes[0], nodes[-1]) for nodes in _exponent_nodes())]
    around = np.array(list(product(*([0, -1, 1] if step else [0] for step in steps)))).T
    scale = np.full((len(means), 1), 0.5)
    for _ in range(_MAX_ITERATIONS):
        grid = _Grid(
            *(
                np.clip(axis + step * scale * offsets, *limit)
                for axis, step, offsets, limit in zip(best, steps, around, limits, strict=True)
            )
        )
        loss, _, _ = _project(log_x, means, weights, grid)
        node = loss.argmin(axis=1)[:, None]  # the first node is the center
        best = _Grid(*(np.take_along_axis(axis, node, axis=1) for axis in grid))
        scale = np.where(node == 0, scale / 2, scale)
        if scale.max() < _SMALLEST_SCALE:
            break
    _, lowest, amplitude = _project(log_x, means, weights, best)
    fall, rise = _exponents(best)
    return TwoPowers(
        log_x_opt=best.position[:, 0],
        lowest=lowest[:, 0],
        amplitude=amplitude[:, 0],
        fall=fall[:, 0],
        rise=rise[:, 0],
    )
