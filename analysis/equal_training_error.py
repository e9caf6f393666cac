"""Figure of test error against parameters at equal training error, for networks of one width each.

In the same number of epochs, different networks reach different training errors. So the test error of a run
is that at the first epoch whose training error is at most a common level: the lowest level that every run
reaches in some epoch. No test error enters the choice of the level.

Set here: the level, and the training error of an epoch, which is that over the epoch's minibatches, while
the weights change.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis import style
from analysis.figure_alt import describe_ends
from analysis.formatting import format_count, format_percent, format_test_set
from analysis.report_figure import ReportFigure
from analysis.run_groups import GroupedRuns
from scaling.fit import Interval

_DIGITS = 6
"""Digits of a training error, which is stored as an accuracy of single precision."""


@dataclass(frozen=True, kw_only=True)
class RunAtLevel:
    """A run at the first epoch whose training error is at most a level."""

    epoch: int
    test_error: float
    """Test error after that epoch."""


@dataclass(frozen=True, kw_only=True)
class NetworkAtLevel:
    """The runs of one network at a common training error."""

    group: str
    filters: int
    parameters: int
    runs: list[RunAtLevel] = field(default_factory=list)

    @property
    def epochs(self) -> list[int]:
        """Epochs of the runs, rising."""
        return sorted(run.epoch for run in self.runs)

    @property
    def error(self) -> Interval:
        """Mean test error over seeds at the level, with Student's interval."""
        return Interval.of_mean(np.array([run.test_error for run in self.runs]), at_least=0, at_most=1)


@dataclass(frozen=True, kw_only=True)
class EqualTrainingError:
    """All networks of a study at the lowest training error that every run reaches."""

    level: float
    limiting_group: str
    """Curve of the run that reaches no training error below the level."""
    level_without: float
    """Level of all other runs. A lower one shows how much a single run that stopped learning changes."""
    networks: tuple[NetworkAtLevel, ...]
    """The networks, in the order of the runs."""
    left_out: int
    """Number of runs of a single epoch, which are not compared."""

    @property
    def has_one_width_a_curve(self) -> bool:
        """True if the study compares several curves of one width each, with several numbers of parameters."""
        curves = {network.group for network in self.networks}
        sizes = {network.parameters for network in self.networks}
        return len(curves) == len(self.networks) and len(sizes) > 1


def compare_at_equal_training_error(grouped: GroupedRuns, epochs: pa.Table) -> EqualTrainingError | None:
    """Return the networks of a study at a common training error.

    Args:
        grouped: the runs.
        epochs: their epochs, as ``grouped.select_epochs`` gives them.

    Returns:
        None without a run of several epochs, or if an epoch has no training accuracy. Runs of a single epoch,
        such as fits in one go, are left out: they have no other training error to choose.
    """
    if not len(epochs) or epochs["train_accuracy"].null_count:
        return None
    train_errors = np.round(1 - epochs["train_accuracy"].to_numpy(), _DIGITS)
    rows = epochs.append_column("train_error", pa.array(train_errors))
    by_run: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows.select(["id", "epoch", "train_error", "test_error"]).to_pylist():
        by_run[row["id"]].append(row)
    lowest = {
        run: min(row["train_error"] for row in rows_of_run)
        for run, rows_of_run in by_run.items()
        if len(rows_of_run) > 1
    }
    if not lowest:
        return None
    limiting = max(lowest, key=lambda run: lowest[run])
    level = lowest[limiting]
    networks: dict[tuple[str, int, int], NetworkAtLevel] = {}
    limiting_group = ""
    for row in grouped.runs.select(["id", "group", "filters", "parameters"]).to_pylist():
        run = row.pop("id")
        if run in lowest:
            first = next(epoch for epoch in by_run[run] if epoch["train_error"] <= level)
            network = networks.setdefault(tuple(row.values()), NetworkAtLevel(**row))
            network.runs.append(RunAtLevel(epoch=first["epoch"], test_error=first["test_error"]))
        if run == limiting:
            limiting_group = row["group"]
    return EqualTrainingError(
        level=level,
        limiting_group=limiting_group,
        level_without=max((error for run, error in lowest.items() if run != limiting), default=level),
        networks=tuple(networks.values()),
        left_out=len(by_run) - len(lowest),
    )


def draw_equal_training_error(grouped: GroupedRuns, epochs: pa.Table) -> ReportFigure | None:
    """Draw the mean test error of each network at a common training error, against its parameters.

    Args:
        grouped: the runs.
        epochs: their epochs, as ``grouped.select_epochs`` gives them.

    Returns:
        None unless the study compares several networks, each of one width and all on one training set, and
        has training accuracies.
    """
    training_sets = grouped.runs.group_by(
        ["fingerprint", "train_images", "validation_images"], use_threads=False
    ).aggregate([])
    if len(training_sets) > 1:
        return None
    compared = compare_at_equal_training_error(grouped, epochs)
    if compared is None or not compared.has_one_width_a_curve:
        return None
    figure = Figure(figsize=style.figure_size(2.8, legend=0.18 * len(compared.networks)))
    test_set = format_test_set(grouped.runs, grouped.dataset_title)
    axes = figure.add_subplot(title=test_set, xlabel="Parameters", ylabel="Test error")
    handles = []
    for index, network in enumerate(compared.networks):
        curve = style.curve_style(index)
        _draw_mean(axes, network, curve=curve)
        handles.append(
            style.legend_entry(_legend_text(network), color=curve.color, marker=curve.marker, ls="")
        )
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(style.percent_ticks())
    axes.xaxis.set_major_formatter(style.amount_ticks())
    figure.legend(handles=handles, loc="outside lower left")
    return ReportFigure(
        name="error_at_equal_training_error",
        heading="Test error at equal training error",
        caption=_caption(compared, test_set),
        figure=figure,
        numbers=_numbers(compared),
        alt=(
            "Mean test error of each network against its parameters."
            f" {describe_ends(_numbers(compared), x='parameters', y='mean_error')}."
        ),
    )


def _caption(compared: EqualTrainingError, test_set: str) -> str:
    left_out = (
        f" Left out: {format_count(compared.left_out, 'run')} of a single epoch, such as fits in one go."
        if compared.left_out
        else ""
    )
    runs = format_count(sum(len(network.runs) for network in compared.networks), "run")
    shown = f"Error on the {test_set}, against the number of parameters, of {runs}, one for each network."
    if any(len(network.runs) > 1 for network in compared.networks):
        shown = (
            f"Mean error over seeds on the {test_set}, against the number of parameters, with Student's 95 %"
            f" intervals over runs, of {runs}."
        )
    return (
        f"{shown} Each run is taken at the first epoch whose training error is at most"
        f" {format_percent(compared.level)}, the lowest level that every run reaches; the legend has the"
        f" epochs. One run of {compared.limiting_group} sets this level; without this run, the level would be"
        f" {format_percent(compared.level_without)}. The training error of an epoch is measured on its"
        f" minibatches, while the weights change. No test error enters the choice of the level.{left_out}"
    )


def _draw_mean(axes: Axes, network: NetworkAtLevel, *, curve: style.CurveStyle) -> None:
    mean = network.error
    bar = None if np.isnan(mean.low) else [[mean.estimate - mean.low], [mean.high - mean.estimate]]
    axes.errorbar([network.parameters], [mean.estimate], bar, fmt=curve.marker, color=curve.color)


def _legend_text(network: NetworkAtLevel) -> str:
    first, last = network.epochs[0], network.epochs[-1]
    epochs = f"epoch {first}" if first == last else f"epochs {first} to {last}"
    return f"{network.group}: {epochs}, {format_count(len(network.runs), 'run')}"


def _numbers(compared: EqualTrainingError) -> pa.Table:
    """Return one row for each network, with null for limits that do not exist."""
    rows = [
        {
            "group": network.group,
            "filters": network.filters,
            "parameters": network.parameters,
            "runs": len(network.runs),
            "training_error": compared.level,
            "first_epoch": network.epochs[0],
            "median_epoch": float(np.median(network.epochs)),
            "last_epoch": network.epochs[-1],
            "mean_error": network.error.estimate,
            "low_error": None if np.isnan(network.error.low) else network.error.low,
            "high_error": None if np.isnan(network.error.high) else network.error.high,
        }
        for network in compared.networks
    ]
    return pa.Table.from_pylist(rows)
