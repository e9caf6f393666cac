"""Figures of pruned networks: errors against parameters left, and predicted against measured increases."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import Formatter

from analysis import style
from analysis.formatting import format_count
from analysis.pruning import PrunedNetwork, PrunedRuns, StudyPruning, deletion_table, pruning_table
from analysis.report_figure import ReportFigure
from scaling.config.pruning import METHODS, PruningMethod

_LABELS = {"saliency": "saliency (Optimal Brain Damage)", "magnitude": "magnitude", "random": "random"}
_PANEL_HEIGHT = 2.0
"""Height of a row of panels in inches."""


def draw_errors(study: StudyPruning) -> ReportFigure:
    """Draw the test error and the mean squared error against the parameters left, a row for each network."""
    networks = study.networks
    figure = Figure(figsize=style.figure_size(_PANEL_HEIGHT * len(networks) + 0.55))
    panels = figure.subplots(len(networks), 2, squeeze=False, sharex="row")
    for (left, right), network in zip(panels, networks, strict=True):
        _draw_quantity(left, network, "test_error", style.percent_ticks())
        _draw_quantity(right, network, "test_mse", style.number_ticks())
        left.set_title(network.label if len(networks) > 1 else "Test error")
        right.set_title("" if len(networks) > 1 else "Test MSE")
        if len(networks) > 1:
            left.set_ylabel("Test error")
            right.set_ylabel("Test MSE")
    for axes in panels[-1]:
        axes.set_xlabel("Parameters left")
    handles: list[Line2D | Patch] = [
        *_method_entries(study.methods, ls="-"),
        style.legend_entry("not pruned", color=style.GREY, marker="o", ls=":", lw=1),
    ]
    if study.has_intervals:
        handles.append(Patch(color=style.GREY, alpha=0.2, lw=0, label="95 % interval over seeds"))
    figure.legend(handles=handles, loc="outside lower left", ncols=2)
    pruned = format_count(
        sum(pruned.runs for network in networks for pruned in network.rounds), "pruned network"
    )
    shown = f"{pruned}, one for each method and size, without intervals."
    if study.has_intervals:
        shown = f"mean over seeds with pointwise Student's 95 % intervals over runs as bands, from {pruned}."
    return ReportFigure(
        name="error_against_parameters_left",
        heading="Error against the parameters left",
        caption=(
            f"Test error and mean squared error after the retraining, on {study.title}: {shown} The methods"
            " start from the same trained networks (grey). Each round deletes parameters by the saliency, by"
            " the absolute value, or at random, and retrains the others."
        ),
        figure=figure,
        numbers=pruning_table(study),
    )


def _draw_quantity(axes: Axes, network: PrunedNetwork, quantity: str, formatter: Formatter) -> None:
    unpruned = network.unpruned
    before = getattr(unpruned, quantity)
    axes.set(xscale="log", yscale="log")
    axes.axhspan(before.low, before.high, color=style.GREY, alpha=0.15, lw=0)
    axes.axhline(before.estimate, color=style.GREY, ls=":", lw=1)
    for method in METHODS:
        rounds = network.of_method(method)
        if not rounds:
            continue
        curve = style.curve_style(METHODS.index(method))
        points: Sequence[PrunedRuns] = (unpruned, *rounds)
        sizes = [point.parameters_left for point in points]
        mean, low, high = (
            np.array([getattr(getattr(point, quantity), end) for point in points])
            for end in ("estimate", "low", "high")
        )
        # On a logarithmic axis, a band that reaches 0 extends beyond the end of the axis.
        axes.fill_between(sizes, np.maximum(low, mean / 100), high, color=curve.color, alpha=0.15, lw=0)
        axes.plot(sizes, mean, color=curve.color, lw=1.2)
        axes.plot(sizes[1:], mean[1:], curve.marker, color=curve.color)
    axes.plot(unpruned.parameters_left, before.estimate, "o", color=style.GREY, zorder=5)
    means = [getattr(point, quantity) for point in (unpruned, *network.rounds)]
    highest = max(max(value.estimate, np.nan_to_num(value.high)) for value in means)
    axes.set_ylim(0.85 * min(value.estimate for value in means) / 1.05, 1.05 * highest)
    style.label_log_axis(axes.xaxis, style.amount_ticks(), gap=0.12)
    style.label_log_axis(axes.yaxis, formatter, gap=0.08)


def draw_increases(study: StudyPruning) -> ReportFigure:
    """Draw measured against predicted increases of the training error, a panel for each network."""
    networks = study.networks
    rows, columns = -(-len(networks) // style.PANEL_COLUMNS), min(style.PANEL_COLUMNS, len(networks))
    figure = Figure(figsize=style.figure_size(2.2 * rows + 0.9))
    panels = figure.subplots(rows, columns, squeeze=False)
    undrawn = 0
    for axes, network in zip(panels.flat, networks, strict=False):
        undrawn += _draw_deletions(axes, network)
        axes.set(title=network.label, xlabel="Increase, predicted")
    for axes in panels.flat[len(networks) :]:
        axes.set_visible(False)
    figure.supylabel("Increase of the training MSE, measured")
    figure.legend(
        handles=[
            *_method_entries(study.methods, ls=""),
            style.legend_entry("measured = predicted", color=style.GREY, ls="--", lw=1),
        ],
        loc="outside lower left",
        ncols=2,
    )
    left_out = (
        f" Not drawn on the logarithmic axes: {format_count(undrawn, 'deletion')} with an increase of 0 or"
        " less."
        if undrawn
        else ""
    )
    return ReportFigure(
        name="measured_against_predicted_increase",
        heading="Predicted and measured increase of the training error",
        caption=(
            "Increase of the mean squared error on the training images by each deletion, before the"
            " retraining, against its quadratic prediction: the sum of the saliencies of the deleted"
            " parameters. One mark for each round and network. The prediction neglects the gradient, the"
            " off-diagonal second"
            f" derivatives and all higher orders.{left_out}"
        ),
        figure=figure,
        numbers=deletion_table(study),
    )


def _draw_deletions(axes: Axes, network: PrunedNetwork) -> int:
    """Draw one mark a deletion, and return the number of deletions that logarithmic axes do not show."""
    names = ("predicted_increase", "measured_increase")
    predicted, measured = (network.deletions[name].to_numpy().astype(float) for name in names)
    methods = np.array(network.deletions["pruning_method"].to_pylist())
    shown = (predicted > 0) & (measured > 0)
    axes.set(xscale="log", yscale="log")
    for method in reversed(METHODS):
        curve = style.curve_style(METHODS.index(method))
        chosen = shown & (methods == method)
        axes.plot(
            predicted[chosen],
            measured[chosen],
            curve.marker,
            color=curve.color,
            ms=3.6,
            alpha=0.8,
            mew=0.3,
        )
    if shown.any():
        values = np.concatenate([predicted[shown], measured[shown]])
        ends = (values.min() / 1.5, values.max() * 1.5)
        axes.plot(ends, ends, color=style.GREY, ls="--", lw=1, zorder=1)
        axes.set(xlim=ends, ylim=ends)
        style.label_log_axis(axes.xaxis, style.number_ticks(), gap=0.19)
        style.label_log_axis(axes.yaxis, style.number_ticks(), gap=0.08)
    return int((~shown).sum())


def _method_entries(methods: Sequence[PruningMethod], *, ls: str) -> list[Line2D]:
    return [
        style.legend_entry(
            _LABELS[method],
            color=style.curve_style(METHODS.index(method)).color,
            marker=style.curve_style(METHODS.index(method)).marker,
            ls=ls,
        )
        for method in methods
    ]
