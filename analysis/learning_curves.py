"""Test error against epoch."""

from __future__ import annotations

from collections import defaultdict
from textwrap import fill

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from matplotlib import colormaps
from matplotlib.colors import ListedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from analysis import style
from analysis.formatting import format_count, format_test_set
from analysis.report_figure import ReportFigure
from analysis.run_groups import GroupedRuns

COLUMNS = 2
"""Panels side by side."""
LETTERS = 22
"""In a line of a panel's title."""
SHADES = ListedColormap(colormaps["viridis_r"](np.linspace(0.12, 1, 256)))
"""From narrow to wide; without the yellow that is faint on white."""


def draw_learning_curves(grouped: GroupedRuns, epochs: pa.Table) -> ReportFigure | None:
    """A panel for each curve of the study, a line for each width.

    Args:
        grouped: the runs.
        epochs: their epochs, as ``grouped.epochs`` gives them.

    Returns:
        None without epochs.
    """
    if not len(epochs):
        return None
    numbers = _quartiles(epochs)
    labels = [label for label in grouped.labels if label in set(numbers["group"].to_pylist())]
    lines, columns = -(-len(labels) // COLUMNS), min(COLUMNS, len(labels))
    figure = Figure(figsize=(style.WIDTH, 0.55 + 2.0 * lines))
    panels = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
    widths = sorted(pc.unique(numbers["filters"]).to_pylist())
    scale = LogNorm(widths[0], max(widths[-1], widths[0] + 1))
    shades = {width: SHADES(float(scale(width))) for width in widths}
    for axes, label in zip(panels.flat, labels, strict=False):
        axes.set(yscale="log", title=wrap_label(label), xlabel="epoch")
        axes.label_outer()
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        for width in widths:
            rows = numbers.filter((pc.field("group") == label) & (pc.field("filters") == width))
            mean, low, high = (
                _positive(rows[name]) for name in ("mean_error", "lower_quartile", "upper_quartile")
            )
            axes.plot(rows["epoch"], mean, color=shades[width], lw=1.2, marker="o", ms=2, mew=0)
            axes.fill_between(rows["epoch"], low, high, color=shades[width], alpha=0.2, lw=0)
    for axes in panels.flat[len(labels) :]:
        axes.set_visible(False)
    style.label_log_axis(panels[0, 0].yaxis, style.percent_ticks(), gap=0.07)
    figure.supylabel("test error", fontsize=8.5)
    handles = [Line2D([], [], color=shades[width], label=str(width)) for width in reversed(widths)]
    figure.legend(handles=handles, title="filters", loc="outside right center", handlelength=1)
    return ReportFigure(
        name="learning_curves",
        heading="Learning curves",
        caption=(
            f"Mean error over seeds on the {format_test_set(grouped.runs, grouped.title)} after each epoch, with the band between the quartiles "
            f"of the seeds: {format_count(len(pc.unique(epochs['id'])), 'run')}. The laws are of the last epoch; none was chosen on the test set."
        ),
        figure=figure,
        numbers=numbers,
    )


def wrap_label(label: str) -> str:
    """Broken between its parts, never inside of one."""
    return fill(", ".join(part.replace(" ", "\N{NO-BREAK SPACE}") for part in label.split(", ")), LETTERS)


def _quartiles(epochs: pa.Table) -> pa.Table:
    cells: dict[tuple[str, int, int], list[float]] = defaultdict(list)
    columns = (epochs[name].to_pylist() for name in ("group", "filters", "epoch", "test_error"))
    for group, filters, epoch, error in zip(*columns, strict=True):
        cells[group, filters, epoch].append(error)
    rows = []
    for (group, filters, epoch), errors in cells.items():
        low, high = np.quantile(errors, (0.25, 0.75))
        row = {
            "group": group,
            "filters": filters,
            "epoch": epoch,
            "runs": len(errors),
            "mean_error": float(np.mean(errors)),
        }
        rows.append({**row, "lower_quartile": float(low), "upper_quartile": float(high)})
    return pa.Table.from_pylist(rows)


def _positive(column: pa.ChunkedArray) -> np.ndarray:
    """A logarithm has no place for zero; NaN leaves a gap."""
    values = column.to_numpy()
    return np.where(values > 0, values, np.nan)
