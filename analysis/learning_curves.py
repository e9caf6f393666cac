"""Figure of test error against epoch."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis import style
from analysis.figure_alt import describe_ends
from analysis.formatting import format_count, format_test_set
from analysis.report_figure import ReportFigure
from analysis.run_groups import GroupedRuns


def draw_learning_curves(grouped: GroupedRuns, epochs: pa.Table) -> ReportFigure | None:
    """Draw a panel for each curve of the study, with a line for each width.

    Args:
        grouped: the runs.
        epochs: their epochs, as ``grouped.select_epochs`` gives them.

    Returns:
        None if no curve has several epochs, as a classifier that is fitted in one go has not.
    """
    several = set(epochs.filter(pc.field("epoch") > 1)["group"].to_pylist())
    labels = [label for label in grouped.labels if label in several]
    if not labels:
        return None
    epochs = epochs.filter(pc.is_in(epochs["group"], pa.array(labels)))
    numbers = _summarise_seeds(epochs)
    rows, columns = -(-len(labels) // style.PANEL_COLUMNS), min(style.PANEL_COLUMNS, len(labels))
    figure = Figure(figsize=style.figure_size(0.55 + 2.0 * rows))
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    colors = style.width_colors(numbers["filters"].to_pylist())
    for axes, label in zip(panels.flat, labels, strict=False):
        axes.set(yscale="log", title=style.wrap_label(label), xlabel="Epoch")
        axes.label_outer()
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        for width, color in colors.items():
            line = numbers.filter((pc.field("group") == label) & (pc.field("filters") == width))
            mean, low, high = (
                style.positive_or_nan(line[name])
                for name in ("mean_error", "lower_quartile", "upper_quartile")
            )
            axes.plot(line["epoch"], mean, color=color, lw=1.2, marker="o", ms=2, mew=0)
            axes.fill_between(line["epoch"], low, high, color=color, alpha=0.2, lw=0)
    for axes in panels.flat[len(labels) :]:
        axes.set_visible(False)
    style.label_error_axis(panels[0, 0], gap=0.07)
    figure.supylabel("Test error")
    figure.legend(
        handles=style.width_legend(colors), title="filters", loc="outside right center", handlelength=1
    )
    runs = format_count(len(pc.unique(epochs["id"])), "run")
    return ReportFigure(
        name="learning_curves",
        heading="Learning curves",
        caption=(
            f"Mean error over seeds on the {format_test_set(grouped.runs, grouped.dataset_title)} after each"
            f" epoch, of {runs}. Bands span the quartiles of the seeds. Unless a caption names other epochs,"
            " the test errors on this page are those of the last epoch. No epoch is selected on the test set."
        ),
        figure=figure,
        numbers=numbers,
        alt=_alt(numbers),
    )


def _alt(numbers: pa.Table) -> str:
    """Return sentences on the narrowest and the widest networks of each curve."""
    sentences = ["Mean test error against the epoch, with a line for each width."]
    for label in pc.unique(numbers["group"]).to_pylist():
        rows = numbers.filter(pc.field("group") == label)
        ends = pa.array(pc.min_max(rows["filters"]).as_py().values())
        rows = rows.filter(pc.is_in(rows["filters"], ends))
        changes = describe_ends(rows, x="epoch", y="mean_error", by="filters", unit="filter")
        sentences.append(f"{label}, {changes}.")
    return " ".join(sentences)


def _summarise_seeds(epochs: pa.Table) -> pa.Table:
    """Return the mean and the quartiles over seeds, one row for each curve, width and epoch."""
    cells: dict[tuple[str, int, int], list[float]] = defaultdict(list)
    columns = (epochs[name].to_pylist() for name in ("group", "filters", "epoch", "test_error"))
    for group, filters, epoch, error in zip(*columns, strict=True):
        cells[group, filters, epoch].append(error)
    rows = []
    for (group, filters, epoch), errors in cells.items():
        low, high = np.quantile(errors, (0.25, 0.75))
        rows.append(
            {
                "group": group,
                "filters": filters,
                "epoch": epoch,
                "runs": len(errors),
                "mean_error": float(np.mean(errors)),
                "lower_quartile": float(low),
                "upper_quartile": float(high),
            }
        )
    return pa.Table.from_pylist(rows)
