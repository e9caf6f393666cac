"""Error of ensembles: against their members, and against their multiply-adds, where larger networks stand beside them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis import style
from analysis.ensemble import EnsemblePool, ensemble_table
from analysis.formatting import format_count
from analysis.learning_curves import COLUMNS, SHADES, wrap_label
from analysis.report_figure import ReportFigure
from scaling.fit.ensemble import VotingRule

GREY = "#555555"


def draw_error_against_members(pools: Sequence[EnsemblePool]) -> ReportFigure:
    """A panel for each curve of the study, a line for each width."""
    numbers = ensemble_table(pools)
    curves = list(dict.fromkeys(pool.curve for pool in pools))
    lines, columns = -(-len(curves) // COLUMNS), min(COLUMNS, len(curves))
    figure = Figure(figsize=(style.WIDTH, 0.75 + 2.1 * lines))
    panels = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
    shades = _shades(pools)
    for axes, curve in zip(panels.flat, curves, strict=False):
        axes.set(xscale="log", yscale="log", title=wrap_label(curve), xlabel="members")
        axes.label_outer()
        for pool in (pool for pool in pools if pool.curve == curve):
            color = shades[pool.filters[0]]
            mean, votes = (
                _of(numbers, pool, rule) for rule in (VotingRule.MEAN_PROBABILITY, VotingRule.VOTES)
            )
            axes.fill_between(
                mean["members"], _numbers(mean, "low"), _numbers(mean, "high"), color=color, alpha=0.2, lw=0
            )
            axes.plot(
                mean["members"], _numbers(mean, "error"), color=color, lw=1.2, marker="o", ms=2.4, mew=0
            )
            axes.plot(votes["members"], _numbers(votes, "error"), color=color, lw=1, ls="--")
    for axes in panels.flat[len(curves) :]:
        axes.set_visible(False)
    style.label_values(panels[0, 0], pc.unique(numbers["members"]).to_pylist(), gap=0.1)
    style.label_log_axis(panels[0, 0].yaxis, style.percent_ticks(), gap=0.07)
    figure.supylabel("expected test error", fontsize=8.5)
    handles = [
        Line2D([], [], color=shades[width], label=str(width)) for width in sorted(shades, reverse=True)
    ]
    figure.legend(handles=handles, title="filters", loc="outside right center", handlelength=1)
    rules = [
        Line2D([], [], color=GREY, marker="o", ms=2.4, mew=0, label="mean probability"),
        Line2D([], [], color=GREY, ls="--", label="votes"),
    ]
    figure.legend(handles=rules, loc="outside lower left", ncols=2)
    return ReportFigure(
        name="ensembles_against_members",
        heading="Ensembles against their members",
        caption=_estimand(pools)
        + " Solid lines and bands: the class of the highest mean probability, with 95 % intervals jackknifed over "
        "runs. Dashed: the class with the most votes, of equal ones that of the higher mean probability.",
        figure=figure,
        numbers=numbers,
    )


def draw_error_against_macs(pools: Sequence[EnsemblePool]) -> ReportFigure:
    """All ensembles by mean probability in one panel; single networks are marked and joined."""
    numbers = ensemble_table(pools).filter(pc.field("rule") == VotingRule.MEAN_PROBABILITY.value)
    curves = list(dict.fromkeys(pool.curve for pool in pools))
    figure = Figure(figsize=(style.WIDTH, 2.85 + 0.18 * (len(curves) + 2)))
    title = f"{pools[0].images:,} test images of {pools[0].title}"
    axes = figure.add_subplot(
        xscale="log",
        yscale="log",
        title=title,
        xlabel="multiply-adds of all members",
        ylabel="expected test error",
    )
    handles = []
    for index, curve in enumerate(curves):
        look = style.curve_style(index)
        mine = sorted((pool for pool in pools if pool.curve == curve), key=lambda pool: pool.macs)
        for pool in mine:
            own = _of(numbers, pool, VotingRule.MEAN_PROBABILITY)
            axes.fill_between(
                own["macs"], _numbers(own, "low"), _numbers(own, "high"), color=look.color, alpha=0.12, lw=0
            )
            axes.plot(own["macs"], _numbers(own, "error"), color=look.color, lw=1, marker=".", ms=3, mew=0)
        single = pa.concat_tables(
            [
                _of(numbers, pool, VotingRule.MEAN_PROBABILITY).filter(pc.field("members") == 1)
                for pool in mine
            ]
        )
        axes.plot(
            single["macs"],
            _numbers(single, "error"),
            color=look.color,
            marker=look.marker,
            ls=":",
            lw=1,
            zorder=4,
        )
        handles.append(Line2D([], [], color=look.color, label=curve))
    handles.append(
        Line2D([], [], color=GREY, marker="o", ls=":", lw=1, label="single networks of growing width")
    )
    handles.append(
        Line2D(
            [],
            [],
            color=GREY,
            marker=".",
            ms=3,
            mew=0,
            lw=1,
            label="ensembles of one width, with their 95 % band",
        )
    )
    figure.legend(handles=handles, loc="outside lower left")
    style.label_log_axis(axes.xaxis, style.amount_ticks(), gap=0.09)
    style.label_log_axis(axes.yaxis, style.percent_ticks(), gap=0.06)
    return ReportFigure(
        name="ensembles_against_macs",
        heading="Ensembles beside larger networks",
        caption=_estimand(pools)
        + " Against the multiply-adds in a forward pass of one image through all members. An ensemble that lies below "
        "the dotted line errs less than a single network of the same family at that cost.",
        figure=figure,
        numbers=numbers,
    )


def _of(numbers: pa.Table, pool: EnsemblePool, rule: VotingRule) -> pa.Table:
    mine = numbers.filter((pc.field("label") == pool.label) & (pc.field("rule") == rule.value))
    return mine.sort_by("members")


def _numbers(table: pa.Table, name: str) -> np.ndarray:
    """A logarithm has no place for zero; NaN leaves a gap."""
    values = table[name].cast(pa.float64()).to_numpy()
    return np.where(values > 0, values, np.nan)


def _shades(pools: Sequence[EnsemblePool]) -> dict[int, tuple[float, float, float, float]]:
    """By width, from narrow to wide."""
    widths = sorted({pool.filters[0] for pool in pools})
    scale = LogNorm(widths[0], max(widths[-1], widths[0] + 1))
    return {width: SHADES(float(scale(width))) for width in widths}


def _estimand(pools: Sequence[EnsemblePool]) -> str:
    runs = sum(pool.ensembles[0].runs for pool in pools)
    return (
        f"Expected error of ensembles over draws of their members from the population of seeds, on the {pools[0].images:,} test images of "
        f"{pools[0].title}: means over choices of members from {format_count(runs, 'run')}."
    )
