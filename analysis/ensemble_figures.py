"""Figures of the error of ensembles: against the number of members, and against their multiply-adds."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis import style
from analysis.ensemble import EnsemblePool, ensemble_table
from analysis.formatting import format_count
from analysis.report_figure import ReportFigure
from scaling.fit.ensemble import VotingRule


def draw_error_against_members(pools: Sequence[EnsemblePool]) -> ReportFigure:
    """Draw a panel for each curve of the study, with a line for each width."""
    numbers = ensemble_table(pools)
    curves = list(dict.fromkeys(pool.curve for pool in pools))
    rows, columns = -(-len(curves) // style.PANEL_COLUMNS), min(style.PANEL_COLUMNS, len(curves))
    figure = Figure(figsize=style.figure_size(0.75 + 2.1 * rows))
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    colors = style.width_colors(pool.filters[0] for pool in pools)
    for axes, curve in zip(panels.flat, curves, strict=False):
        axes.set(xscale="log", yscale="log", title=style.wrap_label(curve), xlabel="Members")
        axes.label_outer()
        for pool in (pool for pool in pools if pool.curve == curve):
            color = colors[pool.filters[0]]
            mean, votes = (
                _select(numbers, pool, rule=rule) for rule in (VotingRule.MEAN_PROBABILITY, VotingRule.VOTES)
            )
            _draw_band(axes, mean, x="members", color=color, alpha=0.2)
            error = style.positive_or_nan(mean["error"])
            axes.plot(mean["members"], error, color=color, lw=1.2, marker="o", ms=2.4, mew=0)
            axes.plot(votes["members"], style.positive_or_nan(votes["error"]), color=color, lw=1, ls="--")
    for axes in panels.flat[len(curves) :]:
        axes.set_visible(False)
    style.label_values(panels[0, 0], pc.unique(numbers["members"]).to_pylist(), gap=0.1)
    style.label_error_axis(panels[0, 0], gap=0.07)
    figure.supylabel("Expected test error")
    figure.legend(
        handles=style.width_legend(colors), title="filters", loc="outside right center", handlelength=1
    )
    rules = [
        style.legend_entry("mean probability", color=style.GREY, marker="o", ms=2.4, mew=0),
        style.legend_entry("votes", color=style.GREY, ls="--"),
    ]
    figure.legend(handles=rules, loc="outside lower left", ncols=2)
    return ReportFigure(
        name="ensembles_against_members",
        heading="Ensembles against the number of members",
        caption=_estimand(pools)
        + " Solid lines: the class with the highest mean probability, with jackknife 95 % intervals over runs"
        " as bands. Dashed lines: the class with the most votes; ties go to the higher mean probability.",
        figure=figure,
        numbers=numbers,
    )


def draw_error_against_macs(pools: Sequence[EnsemblePool]) -> ReportFigure:
    """Draw ensembles by mean probability beside single networks of growing width."""
    numbers = ensemble_table(pools).filter(pc.field("rule") == VotingRule.MEAN_PROBABILITY.value)
    curves = list(dict.fromkeys(pool.curve for pool in pools))
    figure = Figure(figsize=style.figure_size(2.85, legend=0.18 * (len(curves) + 2)))
    axes = figure.add_subplot(
        xscale="log",
        yscale="log",
        title=f"{pools[0].test_images:,} test images of {pools[0].dataset_title}",
        xlabel="Multiply-adds per image, all members",
        ylabel="Expected test error",
    )
    handles = []
    for index, curve in enumerate(curves):
        line = style.curve_style(index)
        on_curve = sorted((pool for pool in pools if pool.curve == curve), key=lambda pool: pool.macs)
        tables = [_select(numbers, pool, rule=VotingRule.MEAN_PROBABILITY) for pool in on_curve]
        for table in tables:
            _draw_band(axes, table, x="macs", color=line.color, alpha=0.12)
            error = style.positive_or_nan(table["error"])
            axes.plot(table["macs"], error, color=line.color, lw=1, marker=".", ms=3, mew=0)
        single = pa.concat_tables([table.filter(pc.field("members") == 1) for table in tables])
        error = style.positive_or_nan(single["error"])
        axes.plot(single["macs"], error, color=line.color, marker=line.marker, ls=":", lw=1, zorder=4)
        handles.append(style.legend_entry(curve, color=line.color))
    handles += [
        style.legend_entry("single networks of growing width", color=style.GREY, marker="o", ls=":", lw=1),
        style.legend_entry(
            "ensembles of one width, with 95 % band", color=style.GREY, marker=".", ms=3, mew=0, lw=1
        ),
    ]
    figure.legend(handles=handles, loc="outside lower left")
    style.label_log_axis(axes.xaxis, style.amount_ticks(), gap=0.09)
    style.label_error_axis(axes, gap=0.06)
    return ReportFigure(
        name="ensembles_against_macs",
        heading="Ensembles and larger single networks",
        caption=_estimand(pools)
        + " The horizontal axis counts multiply-adds in a forward pass of one image through all members. An"
        " ensemble below the dotted line has a lower error than a single network of the same family at the"
        " same cost.",
        figure=figure,
        numbers=numbers,
    )


def _draw_band(axes: Axes, table: pa.Table, *, x: str, color: str | style.Color, alpha: float) -> None:
    low, high = (style.positive_or_nan(table[name]) for name in ("low", "high"))
    axes.fill_between(table[x], low, high, color=color, alpha=alpha, lw=0)


def _select(numbers: pa.Table, pool: EnsemblePool, *, rule: VotingRule) -> pa.Table:
    rows = numbers.filter((pc.field("label") == pool.label) & (pc.field("rule") == rule.value))
    return rows.sort_by("members")


def _estimand(pools: Sequence[EnsemblePool]) -> str:
    runs = sum(pool.ensembles[0].runs for pool in pools)
    return (
        "Expected error of ensembles whose members are drawn from the population of seeds, on the"
        f" {pools[0].test_images:,} test images of {pools[0].dataset_title}. Each point is a mean over"
        f" combinations of members, from {format_count(runs, 'run')}."
    )
