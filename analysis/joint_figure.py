"""Figure of a joint law: the error against filters, with a curve for each number of training images."""

from __future__ import annotations

from functools import partial

import numpy as np
import pyarrow as pa
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis import style
from analysis.curve_names import NAMES_ONLY, NamedLine, name_ends
from analysis.figure_alt import describe_ends
from analysis.formatting import format_count
from analysis.report_figure import ReportFigure
from scaling.fit import Frontier, JointFit, JointLaw
from scaling.fit.joint_result import JointDraws

_CURVE_POINTS = 80
"""Number of points of a drawn curve."""


def draw_joint_law(fit: JointFit, law: JointLaw, *, number: int = 0) -> ReportFigure:
    """Draw the means of the cells, and the law as a curve for each number of training images.

    Args:
        fit: the cells, with the frontier.
        law: their law.
        number: number of the group; groups after the first have it in the name of their figure.
    """
    n, d = fit.points.cell_sizes.T
    figure = Figure(figsize=style.figure_size(3.4))
    axes = figure.add_subplot(
        xscale="log",
        yscale="log",
        title=style.wrap_label(fit.label),
        xlabel="Filters in the first convolution, d1",
        ylabel="Test error",
    )
    colors = style.width_colors([int(images) for images in d])
    grid, lines = np.geomspace(n.min(), n.max(), _CURVE_POINTS), []
    for index, (images, color) in enumerate(colors.items()):
        at = np.column_stack([grid, np.full(len(grid), float(images))])
        axes.fill_between(grid, *_band(law, at), color=color, alpha=0.15, lw=0)
        axes.plot(grid, law.predict(at), color=color, zorder=3)
        name = format_count(images, "image")
        lines.append(NamedLine(index=index, name=name, x=grid, y=law.predict(at), color=color))
        is_here = d == images
        means = style.positive_or_nan(fit.points.means[is_here])
        axes.plot(n[is_here], means, "o", color=color, ms=3.5, zorder=4)
    limits = axes.get_ylim()
    entries = [style.legend_entry(f"{images:,}", color=color) for images, color in colors.items()]
    legend = figure.legend(handles=entries, title="training images", loc="outside right upper")
    legend.set_gid(NAMES_ONLY)
    if fit.frontier and _draw_frontier(axes, law, fit.frontier, n=n, d=d):
        entry = style.legend_entry("compute-optimal", color="black", ls="--")
        figure.legend(handles=[entry], loc="outside lower left")
    axes.set_ylim(limits)
    style.label_values(axes, np.unique(n))
    style.label_error_axis(axes, gap=0.06)
    name_ends(axes, lines)
    runs = format_count(len(fit.points.y), "run")
    return ReportFigure(
        name="joint_law" + (f"_{number + 1}" if number else ""),
        heading=f"Joint law of filters and training images, {fit.label}",
        caption=(
            f"{fit.estimand[0].upper()}{fit.estimand[1:]}, of {runs}. Each marker is the mean of a pair of"
            f" sizes; curves are the joint law, E + A N^-α + B D^-β, with its 95 % band; its status is"
            f" {law.status}."
        ),
        figure=figure,
        numbers=_numbers(fit, law),
        alt=_alt(fit, law),
    )


def _alt(fit: JointFit, law: JointLaw) -> str:
    x, by = fit.points.names
    ends = describe_ends(_numbers(fit, law), x=x, y="mean_error", by=by, unit="training image")
    return f"Mean test error against filters, with a curve for each number of training images. {ends}."


def _band(law: JointLaw, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the 95 % limits of the mean at pairs of sizes, each by itself."""
    intervals = [law.derived_interval(partial(_value_at, pair=pair)) for pair in at[:, None, :]]
    return np.array([one.low for one in intervals]), np.array([one.high for one in intervals])


def _value_at(draws: JointDraws, pair: np.ndarray) -> np.ndarray:
    return np.asarray(draws.evaluate(pair)[:, 0])


def _draw_frontier(axes: Axes, law: JointLaw, frontier: Frontier, *, n: np.ndarray, d: np.ndarray) -> bool:
    """Draw the smallest error at each cost where both optimal sizes were measured; False if nowhere."""
    costs = np.geomspace(*frontier.cost.measured, _CURVE_POINTS)
    sizes = np.array([[size.estimate for size in frontier.at(float(cost)).sizes] for cost in costs])
    inside = (sizes >= [n.min(), d.min()]).all(axis=1) & (sizes <= [n.max(), d.max()]).all(axis=1)
    if not inside.any():
        return False
    axes.plot(sizes[inside, 0], law.predict(sizes[inside]), color="black", ls="--", lw=1.2, zorder=5)
    return True


def _numbers(fit: JointFit, law: JointLaw) -> pa.Table:
    """Return one row for each cell: sizes, runs, mean, and the law with its band."""
    sizes, points = fit.points.cell_sizes, fit.points
    low, high = _band(law, sizes)
    return pa.table(
        {
            points.names[0]: sizes[:, 0],
            points.names[1]: sizes[:, 1],
            "runs": points.counts,
            "mean_error": points.means,
            "joint": law.predict(sizes),
            "joint_low": low,
            "joint_high": high,
        }
    )
