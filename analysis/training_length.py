"""The law that each epoch's errors would have given."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis import style
from analysis.formatting import format_test_set
from analysis.laws import accepted_laws
from analysis.report_figure import ReportFigure
from analysis.run_groups import GroupedRuns
from scaling.errors import FitError
from scaling.fit import EstimationOptions, Fit, Interval, fit_table

RESAMPLINGS = 200
"""Enough for the bars of a figure; the laws of the last epoch, in the table, have more."""
EPOCHS = 24
"""The most that are fitted; of longer trainings, as many as stand apart on a logarithmic axis."""
PANELS = {"exponent": "exponent $\\rho$", "floor_share": "floor / widest error"}


def draw_training_length(grouped: GroupedRuns, epochs: pa.Table) -> ReportFigure | None:
    """Exponent of the power law, and the share of the floor, against the epoch whose errors were fitted.

    Args:
        grouped: the runs.
        epochs: their epochs, as ``grouped.epochs`` gives them.

    Returns:
        None without an epoch that can be fitted.
    """
    numbers = _fits(grouped, epochs)
    if not len(numbers):
        return None
    fitted = [
        (index, label)
        for index, label in enumerate(grouped.labels)
        if label in set(numbers["group"].to_pylist())
    ]
    figure = Figure(figsize=(style.WIDTH, 4.0 + 0.16 * -(-len(fitted) // 2)))
    panels = figure.subplots(2, 1, sharex=True)
    for axes, (quantity, title) in zip(panels, PANELS.items(), strict=True):
        axes.set_ylabel(title)
        for index, label in fitted:
            shift = min(0.08, 0.6 / len(grouped.labels)) * (index - (len(grouped.labels) - 1) / 2)
            _bars(
                axes,
                numbers.filter(pc.field("group") == label),
                quantity,
                shift=shift,
                look=style.curve_style(index),
                label=label,
            )
    panels[0].set_title(format_test_set(grouped.runs, grouped.title))
    panels[1].set(xlabel="epoch whose test errors are fitted", ylim=(-0.04, None))
    panels[1].yaxis.set_major_formatter(style.percent_ticks())
    panels[1].xaxis.set_major_locator(MaxNLocator(10, integer=True))
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower left", ncols=2)
    return ReportFigure(
        name="exponent_against_epoch",
        heading="Exponent against training length",
        caption=(
            "Above, the exponent of the power law fitted to the mean test errors over seeds after each epoch; below, the floor E of the law "
            f"with a floor, as a share of the widest networks' mean error; bars are 95 % intervals from {RESAMPLINGS} resamplings of seeds. "
            "Where this share falls as training goes on, the early floor was a lack of training, not a limit. Where the "
            "learning rate decays, errors in the middle of a run are not those of a shorter run."
        ),
        figure=figure,
        numbers=numbers,
    )


def _bars(
    axes: Axes, rows: pa.Table, quantity: str, *, shift: float, look: style.CurveStyle, label: str
) -> None:
    rows = rows.filter(pc.is_valid(rows[quantity]))
    value, low, high = (rows[quantity + end].to_numpy() for end in ("", "_low", "_high"))
    bars = np.maximum([value - low, high - value], 0)
    axes.errorbar(
        rows["epoch"].to_numpy() + shift,
        value,
        bars,
        fmt=look.marker + "-",
        color=look.color,
        lw=1,
        label=label,
    )


def _fits(grouped: GroupedRuns, epochs: pa.Table) -> pa.Table:
    rows = []
    for label in grouped.labels:
        own = epochs.filter(pc.field("group") == label)
        for epoch in _spread(pc.unique(own["epoch"]).to_numpy()):
            try:
                (fit,) = fit_table(
                    own.filter(pc.field("epoch") == epoch),
                    EstimationOptions(resamplings=RESAMPLINGS),
                    x="filters",
                    y="test_error",
                    by=("group",),
                )
            except FitError:
                # An epoch without a law has no place in the figure; the last one's refusal stands in the report.
                continue
            if found := _row(fit):
                rows.append({"group": label, "epoch": int(epoch), **found})
    names = [quantity + end for quantity in PANELS for end in ("", "_low", "_high")]
    schema = [("group", pa.string()), ("epoch", pa.int64()), *((name, pa.float64()) for name in names)]
    return pa.Table.from_pylist(rows, pa.schema(schema))


def _row(fit: Fit) -> dict[str, float]:
    widest = float(fit.points.means[-1])
    found: dict[str, float] = {}
    if power := accepted_laws(fit).get("power"):
        found |= _ends("exponent", power.parameters["exponent"], 1.0)
    if widest > 0 and (floor := accepted_laws(fit).get("floor")):
        found |= _ends("floor_share", floor.parameters["floor"], widest)
    return found


def _ends(name: str, value: Interval, unit: float) -> dict[str, float]:
    return {name: value.estimate / unit, f"{name}_low": value.low / unit, f"{name}_high": value.high / unit}


def _spread(epochs: np.ndarray) -> np.ndarray:
    """At most ``EPOCHS`` of them, the first and the last among them."""
    epochs = np.sort(epochs)
    places = (
        np.arange(len(epochs))
        if len(epochs) <= EPOCHS
        else np.unique(np.geomspace(1, len(epochs), EPOCHS).round().astype(int)) - 1
    )
    return np.asarray(epochs[places])
