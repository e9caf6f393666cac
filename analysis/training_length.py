"""Figure of the laws that the test errors of earlier epochs would have given."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis import style
from analysis.curve_names import NAMES_ONLY, NamedLine, name_ends
from analysis.figure_alt import describe_ends
from analysis.formatting import format_test_set
from analysis.laws import accepted_laws
from analysis.report_figure import ReportFigure
from analysis.run_groups import GroupedRuns
from scaling.errors import FitError
from scaling.fit import EstimationOptions, Fit, Interval, fit_table

_RESAMPLINGS = 200
"""Number of bootstrap samples; enough for the bars of a figure, while the table of laws uses more."""
_MAX_EPOCHS = 24
"""Largest number of fitted epochs; of longer runs, epochs that are spread evenly on a logarithmic axis."""
_PANEL_LABELS = {"exponent": "Exponent $\\rho$", "floor_share": "Floor / error of\nthe widest networks"}

_PANEL_CAPTIONS = {
    "exponent": "Exponent of the power law, fitted to the mean test errors over seeds after each epoch.",
    "floor_share": (
        "Floor E of the law with a floor, divided by the mean error of the widest networks: a floor that"
        " falls with more epochs shows short training, not a limit of the network."
    ),
}
_ALT_NAMES = {
    "exponent": "Exponent of the power law",
    "floor_share": "Floor over the error of the widest networks",
}


def draw_training_length(grouped: GroupedRuns, epochs: pa.Table) -> ReportFigure | None:
    """Draw the exponent of the power law and the relative floor against the epoch whose errors are fitted.

    Args:
        grouped: the runs.
        epochs: their epochs, as ``grouped.select_epochs`` gives them.

    Returns:
        None without an epoch that can be fitted.
    """
    numbers = _fit_epochs(grouped, epochs)
    if not len(numbers):
        return None
    with_law = set(numbers["group"].to_pylist())
    fitted = [(index, label) for index, label in enumerate(grouped.labels) if label in with_law]
    drawn = {column: label for column, label in _PANEL_LABELS.items() if _has_values(numbers, column)}
    height = 0.6 + 1.7 * len(drawn)
    figure = Figure(figsize=style.figure_size(height, legend=0.16 * -(-len(fitted) // 2)))
    panels = figure.subplots(len(drawn), 1, sharex=True, squeeze=False)[:, 0]
    # Curves are shifted sideways, so that bars of equal epochs do not cover each other.
    shift = min(0.08, 0.6 / len(grouped.labels))
    for axes, (column, axis_label) in zip(panels, drawn.items(), strict=True):
        axes.set_ylabel(axis_label)
        for index, label in fitted:
            rows = numbers.filter(pc.field("group") == label)
            curve_shift = shift * (index - (len(grouped.labels) - 1) / 2)
            _draw_bars(axes, rows, column=column, shift=curve_shift, index=index, label=label)
        if column == "floor_share":
            axes.set_ylim(-0.04, None)
            axes.yaxis.set_major_formatter(style.percent_ticks())
    panels[0].set_title(format_test_set(grouped.runs, grouped.dataset_title))
    panels[-1].set_xlabel("Epoch whose test errors are fitted")
    panels[-1].xaxis.set_major_locator(MaxNLocator(10, integer=True))
    legend = figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower left", ncols=2)
    legend.set_gid(NAMES_ONLY)
    first = next(iter(drawn))
    name_ends(panels[0], [_named_line(numbers, first, index=index, label=label) for index, label in fitted])
    return ReportFigure(
        name="exponent_against_epoch",
        heading="Exponent against training length",
        caption=(
            " ".join(_PANEL_CAPTIONS[column] for column in drawn)
            + f" Bars are 95 % intervals from {_RESAMPLINGS} bootstrap samples of the seeds. If the learning"
            " rate decays, errors in the middle of a run differ from those of a shorter run."
        ),
        figure=figure,
        numbers=numbers,
        alt=_alt(numbers, drawn),
    )


def _alt(numbers: pa.Table, columns: Iterable[str]) -> str:
    ends = {
        "exponent": describe_ends(numbers, x="epoch", y="exponent", text="{:.2f}".format),
        "floor_share": describe_ends(numbers, x="epoch", y="floor_share"),
    }
    sentences = [f"{_ALT_NAMES[column]}, against the epoch: {ends[column]}." for column in columns]
    return " ".join(sentences)


def _has_values(numbers: pa.Table, column: str) -> bool:
    return bool(numbers[column].null_count < len(numbers))


def _named_line(numbers: pa.Table, column: str, *, index: int, label: str) -> NamedLine:
    rows = numbers.filter((pc.field("group") == label) & pc.is_valid(pc.field(column)))
    x, y = rows["epoch"].to_numpy(), rows[column].to_numpy()
    return NamedLine(index=index, name=label, x=x, y=y, color=style.curve_style(index).color)


def _draw_bars(axes: Axes, rows: pa.Table, *, column: str, shift: float, index: int, label: str) -> None:
    curve = style.curve_style(index)
    rows = rows.filter(pc.is_valid(rows[column]))
    value, low, high = (rows[column + end].to_numpy() for end in ("", "_low", "_high"))
    axes.errorbar(
        rows["epoch"].to_numpy() + shift,
        value,
        np.maximum([value - low, high - value], 0),
        fmt=curve.marker + "-",
        color=curve.color,
        lw=1,
        label=label,
    )


def _fit_epochs(grouped: GroupedRuns, epochs: pa.Table) -> pa.Table:
    """Return one row for each curve and epoch that has a law."""
    rows = []
    for label in grouped.labels:
        curve = epochs.filter(pc.field("group") == label)
        for epoch in _select_epochs(pc.unique(curve["epoch"]).to_numpy()):
            at_epoch = curve.filter(pc.field("epoch") == epoch)
            try:
                (fit,) = fit_table(
                    at_epoch,
                    EstimationOptions(resamplings=_RESAMPLINGS),
                    x="filters",
                    y="test_error",
                    by=("group",),
                )
            except FitError:
                # The figure omits an epoch without a law. The report says why the last epoch has none.
                continue
            if parameters := _parameters(fit):
                rows.append({"group": label, "epoch": int(epoch), **parameters})
    names = [column + end for column in _PANEL_LABELS for end in ("", "_low", "_high")]
    schema = [("group", pa.string()), ("epoch", pa.int64()), *((name, pa.float64()) for name in names)]
    return pa.Table.from_pylist(rows, pa.schema(schema))


def _parameters(fit: Fit) -> dict[str, float]:
    widest_error = float(fit.points.means[-1])
    laws, parameters = accepted_laws(fit), dict[str, float]()
    if power := laws.get("power"):
        parameters |= _columns("exponent", power.parameters["exponent"])
    if widest_error > 0 and (floor := laws.get("floor")):
        parameters |= _columns("floor_share", floor.parameters["floor"], unit=widest_error)
    return parameters


def _columns(name: str, value: Interval, *, unit: float = 1.0) -> dict[str, float]:
    return {name: value.estimate / unit, f"{name}_low": value.low / unit, f"{name}_high": value.high / unit}


def _select_epochs(epochs: np.ndarray) -> np.ndarray:
    """Return at most ``_MAX_EPOCHS`` of the epochs, the first and the last among them."""
    epochs = np.sort(epochs)
    if len(epochs) <= _MAX_EPOCHS:
        return epochs
    positions = np.unique(np.geomspace(1, len(epochs), _MAX_EPOCHS).round().astype(int)) - 1
    return np.asarray(epochs[positions])
