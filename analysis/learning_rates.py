"""Validation error against learning rate, and the rate that was chosen against the width."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite, sqrt

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis import style
from analysis.formatting import format_count, format_list
from analysis.learning_curves import COLUMNS, SHADES, wrap_label
from analysis.report_figure import ReportFigure
from scaling.config import RateChoice

ALIKE = 2.0
"""Binomial standard errors of the difference of two errors: rates that err no more than so much above the least are as good."""
Shade = tuple[float, float, float, float]
SCHEMA = pa.schema(
    [
        ("group", pa.string()),
        ("filters", pa.int64()),
        ("learning_rate", pa.float64()),
        ("pilots", pa.int64()),
        ("diverged", pa.int64()),  # of them
        ("validation_images", pa.int64()),
        ("mean_val_error", pa.float64()),
        ("alike", pa.bool_()),
        ("chosen", pa.bool_()),
    ]
)


@dataclass(frozen=True, kw_only=True)
class TunedRates:
    """A network whose learning rate pilots chose."""

    label: str
    """Of its curve."""
    filters: int
    images: int
    """That the pilots were validated on."""
    choice: RateChoice

    def alike(self) -> list[bool]:
        """Of each rate, whether the images can't tell it from the best one, by a binomial; the images are shared, so it is rather wide."""
        least = min(self.choice.means)
        if not isfinite(least):
            return [False] * len(self.choice.rates)
        deviation = sqrt(2 * least * (1 - least) / (self.images * len(self.choice.errors[0])))
        return [mean <= least + ALIKE * deviation for mean in self.choice.means]


def describe_rate_choices(tuned: Sequence[TunedRates]) -> list[str]:
    """For each curve which rate was chosen at which width, and a warning for each at an edge of what was tried."""
    sentences = []
    for label in dict.fromkeys(each.label for each in tuned):
        mine = [each for each in tuned if each.label == label]
        widths: dict[float, list[int]] = {}
        for each in mine:
            widths.setdefault(each.choice.rate, []).append(each.filters)
        rates = ", ".join(f"{rate:g} at {format_list(filters)} filters" for rate, filters in widths.items())
        sentences.append(f"{label}: the learning rate with the least validation error is {rates}.")
        sentences += [_doubt(each) for each in mine if each.choice.warning]
    return sentences


def _doubt(one: TunedRates) -> str:
    if not isfinite(min(one.choice.means)):
        return (
            f"{one.label}: at {one.filters} filters every learning rate diverged, so the smallest was taken."
        )
    chosen = f"the chosen learning rate, {one.choice.rate:g}, is {one.choice.warning}"
    return f"{one.label}: at {one.filters} filters {chosen}; a better one may lie beyond."


def draw_learning_rates(tuned: Sequence[TunedRates], labels: Sequence[str]) -> ReportFigure | None:
    """A panel for each curve of the study, a line for each width, and one with the chosen rates of all.

    Args:
        tuned: the networks, by rising width.
        labels: of all curves of the report, so that each has one look.

    Returns:
        None where no pilot was without divergence.
    """
    numbers = pa.Table.from_pylist(list(_rows(tuned)), SCHEMA)
    if not pc.any(pc.is_valid(numbers["mean_val_error"])).as_py():
        return None
    shown = list(dict.fromkeys(each.label for each in tuned))
    order = list(dict.fromkeys((*labels, *shown)))
    lines = -(-(len(shown) + 1) // COLUMNS)
    figure = Figure(figsize=(style.WIDTH, 0.7 + 2.0 * lines))
    panels = figure.subplots(lines, COLUMNS, squeeze=False).flatten()
    shades = _shades(numbers)
    for axes, label in zip(panels, shown, strict=False):
        axes.set(
            xscale="log",
            yscale="log",
            title=wrap_label(label),
            xlabel="learning rate",
            ylabel="validation error",
        )
        for width in sorted(shades):
            _line(
                axes,
                numbers.filter((pc.field("group") == label) & (pc.field("filters") == width)),
                shades[width],
            )
        style.label_values(
            axes, pc.unique(numbers["learning_rate"]).to_pylist(), style.number_ticks(), gap=0.24
        )
        style.label_log_axis(axes.yaxis, style.percent_ticks(), gap=0.09)
    _optima(panels[len(shown)], numbers, order)
    handles = [
        Line2D([], [], color=shades[width], label=str(width)) for width in sorted(shades, reverse=True)
    ]
    figure.legend(handles=handles, title="filters", loc="outside right center", handlelength=1)
    looks = {label: style.curve_style(order.index(label)) for label in shown}
    curves = [
        Line2D([], [], color=look.color, marker=look.marker, label=wrap_label(label))
        for label, look in looks.items()
    ]
    if len(panels) > len(shown) + 1:
        panels[-1].set_axis_off()
        panels[-1].legend(handles=curves, title="chosen", loc="upper left", alignment="left")
    else:
        figure.legend(
            handles=curves, title="chosen", loc="outside lower left", ncols=COLUMNS, alignment="left"
        )
    return ReportFigure(
        name="learning_rates",
        heading="Learning rates",
        caption=_caption(tuned),
        figure=figure,
        numbers=numbers,
    )


def _rows(tuned: Sequence[TunedRates]) -> Iterator[dict[str, object]]:
    for each in tuned:
        for rate, errors, mean, alike in zip(
            each.choice.rates, each.choice.errors, each.choice.means, each.alike(), strict=True
        ):
            yield {
                "group": each.label,
                "filters": each.filters,
                "learning_rate": rate,
                "pilots": len(errors),
                "diverged": sum(not isfinite(error) for error in errors),
                "validation_images": each.images,
                "mean_val_error": mean if isfinite(mean) else None,
                "alike": alike,
                "chosen": rate == each.choice.rate,
            }


def _shades(numbers: pa.Table) -> dict[int, Shade]:
    widths = sorted(pc.unique(numbers["filters"]).to_pylist())
    scale = LogNorm(widths[0], max(widths[-1], widths[0] + 1))
    return {width: SHADES(float(scale(width))) for width in widths}


def _line(axes: Axes, rows: pa.Table, shade: Shade) -> None:
    """One width: the mean at each rate, a ring around the chosen one, crosses at the top where pilots diverged."""
    rates, errors = rows["learning_rate"].to_numpy(), rows["mean_val_error"].to_numpy()
    errors = np.where(errors > 0, errors, np.nan)
    axes.plot(rates, errors, color=shade, lw=1.2, marker="o", ms=2, mew=0)
    chosen = rows["chosen"].to_numpy()
    axes.plot(rates[chosen], errors[chosen], "o", ms=7, mfc="none", mec=shade, mew=1.1)
    gone = rates[rows["diverged"].to_numpy() > 0]
    axes.plot(
        gone, np.full(len(gone), 0.97), "x", ms=4, mec=shade, mew=1, transform=axes.get_xaxis_transform()
    )


def _optima(axes: Axes, numbers: pa.Table, order: Sequence[str]) -> None:
    """The chosen rate against the width, with a bar over those that are as good."""
    axes.set(xscale="log", yscale="log", title="chosen", xlabel="filters", ylabel="learning rate")
    for index, label in enumerate(order):
        rows, look = numbers.filter(pc.field("group") == label), style.curve_style(index)
        chosen = rows.filter(rows["chosen"])
        shift = 10 ** (0.025 * (index - (len(order) - 1) / 2))
        widths, rates = chosen["filters"].to_numpy() * shift, chosen["learning_rate"].to_numpy()
        for width, x in zip(chosen["filters"].to_pylist(), widths, strict=True):
            alike = rows.filter((pc.field("filters") == width) & pc.field("alike"))[
                "learning_rate"
            ].to_numpy()
            axes.plot(np.full(len(alike), x), alike, color=look.color, lw=1, alpha=0.5)
        axes.plot(widths, rates, look.marker + "-", color=look.color, lw=1)
    tried = pc.unique(numbers["learning_rate"]).to_pylist()
    axes.set_ylim(min(tried) / 1.3, max(tried) * 1.3)
    style.label_values(axes, pc.unique(numbers["filters"]).to_pylist(), gap=0.12)
    style.fix_ticks(axes.yaxis, tried, style.number_ticks())


def _caption(tuned: Sequence[TunedRates]) -> str:
    images, rates = (
        sorted({each.images for each in tuned}),
        sorted({rate for each in tuned for rate in each.choice.rates}),
    )
    pilots = format_count(sum(len(errors) for each in tuned for errors in each.choice.errors), "pilot")
    return (
        f"Error on {format_list(f'{number:,}' for number in images)} validation images, held out of the training images, of {pilots} with learning "
        f"rates from {rates[0]:g} to {rates[-1]:g}, the mean over their seeds. Rings mark the least, which is what the study's runs have; "
        "crosses at the top mark rates that diverged. In the last panel, the chosen rates against the width; bars span the rates that err at "
        f"most {ALIKE:g} binomial standard errors more than the least. Pilots are in no other figure, mean or law; the test set chose nothing."
    )
