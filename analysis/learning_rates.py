"""Figure of learning rates: validation error against the rate, and the chosen rate against the width."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite, sqrt

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis import style
from analysis.figure_alt import describe_ends
from analysis.formatting import format_count, format_list
from analysis.report_figure import ReportFigure
from scaling.architectures import has_widths
from scaling.config import RateChoice
from scaling.config.labels import network_label

_TIE_STANDARD_ERRORS = 2.0
"""Largest distance of a tied rate to the lowest error, in standard errors of the difference."""
_SCHEMA = pa.schema(
    [
        ("group", pa.string()),
        ("filters", pa.int64()),
        ("learning_rate", pa.float64()),
        ("pilots", pa.int64()),
        ("diverged", pa.int64()),  # among the pilots
        ("validation_images", pa.int64()),
        ("mean_val_error", pa.float64()),
        ("tied", pa.bool_()),
        ("chosen", pa.bool_()),
    ]
)


@dataclass(frozen=True, kw_only=True)
class TunedRates:
    """Pilot runs of one network, and the learning rate that they chose."""

    label: str
    """Label of the network's curve."""
    filters: int
    architecture: str
    """Type of the architecture."""
    validation_images: int
    """Number of images that the pilots were validated on."""
    choice: RateChoice

    def tied(self) -> list[bool]:
        """Return for each rate whether its error is within two standard errors of the lowest error.

        The standard error is that of a difference of two independent binomials. All pilots share the
        validation images, so the true standard error is smaller.
        """
        lowest = min(self.choice.means)
        if not isfinite(lowest):
            return [False] * len(self.choice.rates)
        images = self.validation_images * len(self.choice.errors[0])
        limit = lowest + _TIE_STANDARD_ERRORS * sqrt(2 * lowest * (1 - lowest) / images)
        return [mean <= limit for mean in self.choice.means]


def describe_rate_choices(tuned: Sequence[TunedRates]) -> list[str]:
    """Return sentences: for each curve the rates that were chosen, and a warning for each doubtful choice."""
    sentences = []
    for label in dict.fromkeys(network.label for network in tuned):
        networks = [network for network in tuned if network.label == label]
        widths: dict[float, list[int]] = {}
        for network in networks:
            widths.setdefault(network.choice.rate, []).append(network.filters)
        rates = ", ".join(
            f"{rate:g} at filters {format_list(filters)}"
            if has_widths(networks[0].architecture)
            else f"{rate:g}"
            for rate, filters in widths.items()
        )
        sentences.append(f"{label}: the learning rate with the lowest validation error is {rates}.")
        sentences += [_warning(network) for network in networks if network.choice.warning]
    return sentences


def _warning(network: TunedRates) -> str:
    label = network_label(network.label, network.filters, architecture=network.architecture)
    if not isfinite(min(network.choice.means)):
        return f"{label}: every learning rate diverged, so the smallest rate was chosen."
    chosen = f"the chosen learning rate, {network.choice.rate:g}, is {network.choice.warning}"
    return f"{label}: {chosen}; a better rate may lie beyond."


def draw_learning_rates(tuned: Sequence[TunedRates], labels: Sequence[str]) -> ReportFigure | None:
    """Draw a panel for each curve, with a line for each width, and a panel with the chosen rates.

    Args:
        tuned: the networks, by rising width.
        labels: labels of all curves of the report, so that a curve has the same style in all figures.

    Returns:
        None where every pilot diverged.
    """
    numbers = pa.Table.from_pylist(list(_rows(tuned)), _SCHEMA)
    if not pc.any(pc.is_valid(numbers["mean_val_error"])).as_py():
        return None
    with_pilots = list(dict.fromkeys(network.label for network in tuned))
    order = list(dict.fromkeys((*labels, *with_pilots)))
    rows = -(-(len(with_pilots) + 1) // style.PANEL_COLUMNS)
    figure = Figure(figsize=style.figure_size(0.7 + 2.0 * rows))
    panels = figure.subplots(rows, style.PANEL_COLUMNS, squeeze=False).flatten()
    colors = style.width_colors(numbers["filters"].to_pylist())
    for axes, label in zip(panels, with_pilots, strict=False):
        _draw_curve(axes, numbers.filter(pc.field("group") == label), label=label, colors=colors)
    _draw_chosen_rates(panels[len(with_pilots)], numbers, order=order)
    figure.legend(
        handles=style.width_legend(colors), title="filters", loc="outside right center", handlelength=1
    )
    curves = []
    for label in with_pilots:
        curve = style.curve_style(order.index(label))
        curves.append(style.legend_entry(style.wrap_label(label), color=curve.color, marker=curve.marker))
    if len(panels) > len(with_pilots) + 1:
        panels[-1].set_axis_off()
        panels[-1].legend(handles=curves, title="Chosen rate", loc="upper left", alignment="left")
    else:
        figure.legend(
            handles=curves,
            title="Chosen rate",
            loc="outside lower left",
            ncols=style.PANEL_COLUMNS,
            alignment="left",
        )
    return ReportFigure(
        name="learning_rates",
        heading="Learning rates",
        caption=_caption(tuned),
        figure=figure,
        numbers=numbers,
        alt=_alt(numbers),
    )


def _alt(numbers: pa.Table) -> str:
    chosen = numbers.filter(numbers["chosen"])
    rates = describe_ends(chosen, x="filters", y="learning_rate", text="{:g}".format)
    return (
        "Validation error against the learning rate, with a line for each width. Chosen rates against"
        f" filters: {rates}."
    )


def _rows(tuned: Sequence[TunedRates]) -> Iterator[dict[str, object]]:
    for network in tuned:
        choice = network.choice
        for rate, errors, mean, tied in zip(
            choice.rates, choice.errors, choice.means, network.tied(), strict=True
        ):
            yield {
                "group": network.label,
                "filters": network.filters,
                "learning_rate": rate,
                "pilots": len(errors),
                "diverged": sum(not isfinite(error) for error in errors),
                "validation_images": network.validation_images,
                "mean_val_error": mean if isfinite(mean) else None,
                "tied": tied,
                "chosen": rate == choice.rate,
            }


def _draw_curve(axes: Axes, rows: pa.Table, *, label: str, colors: dict[int, style.Color]) -> None:
    """Draw validation error against learning rate, with a line for each width."""
    axes.set(
        xscale="log",
        yscale="log",
        title=style.wrap_label(label),
        xlabel="Learning rate",
        ylabel="Validation error",
    )
    for width, color in colors.items():
        _draw_width(axes, rows.filter(pc.field("filters") == width), color=color)
    style.label_values(
        axes, pc.unique(rows["learning_rate"]).to_pylist(), formatter=style.number_ticks(), gap=0.24
    )
    style.label_error_axis(axes, gap=0.09)


def _draw_width(axes: Axes, rows: pa.Table, *, color: style.Color) -> None:
    """Draw the mean at each rate, a ring at the chosen rate, and a cross at the top for diverged pilots."""
    rates, errors = rows["learning_rate"].to_numpy(), style.positive_or_nan(rows["mean_val_error"])
    axes.plot(rates, errors, color=color, lw=1.2, marker="o", ms=2, mew=0)
    chosen = rows["chosen"].to_numpy()
    axes.plot(rates[chosen], errors[chosen], "o", ms=7, mfc="none", mec=color, mew=1.1)
    diverged = rates[rows["diverged"].to_numpy() > 0]
    top = np.full(len(diverged), 0.97)
    axes.plot(diverged, top, "x", ms=4, mec=color, mew=1, transform=axes.get_xaxis_transform())


def _draw_chosen_rates(axes: Axes, numbers: pa.Table, *, order: Sequence[str]) -> None:
    """Draw the chosen rate against the width, with a bar over the tied rates."""
    axes.set(xscale="log", yscale="log", title="Chosen rate", xlabel="Filters, d1", ylabel="Learning rate")
    for index, label in enumerate(order):
        rows, curve = numbers.filter(pc.field("group") == label), style.curve_style(index)
        chosen = rows.filter(rows["chosen"])
        # Curves are shifted sideways, so that bars of equal widths do not cover each other.
        shift = 10 ** (0.025 * (index - (len(order) - 1) / 2))
        x, rates = chosen["filters"].to_numpy() * shift, chosen["learning_rate"].to_numpy()
        for width, x_width in zip(chosen["filters"].to_pylist(), x, strict=True):
            tied = rows.filter((pc.field("filters") == width) & pc.field("tied"))["learning_rate"].to_numpy()
            axes.plot(np.full(len(tied), x_width), tied, color=curve.color, lw=1, alpha=0.5)
        axes.plot(x, rates, curve.marker + "-", color=curve.color, lw=1)
    all_rates = pc.unique(numbers["learning_rate"]).to_pylist()
    axes.set_ylim(min(all_rates) / 1.3, max(all_rates) * 1.3)
    style.label_values(axes, pc.unique(numbers["filters"]).to_pylist(), gap=0.12)
    style.fix_ticks(axes.yaxis, all_rates, formatter=style.number_ticks())


def _caption(tuned: Sequence[TunedRates]) -> str:
    images = sorted({network.validation_images for network in tuned})
    rates = sorted({rate for network in tuned for rate in network.choice.rates})
    pilots = sum(len(errors) for network in tuned for errors in network.choice.errors)
    return (
        f"Error on {format_list(f'{number:,}' for number in images)} validation images, which are held out of"
        f" the training images, as a mean over seeds: {format_count(pilots, 'pilot run')} with learning rates"
        f" from {rates[0]:g} to {rates[-1]:g}. Rings mark the rate with the lowest error, which the study's"
        " runs use. Crosses at the top mark rates that diverged. The last panel shows the chosen rates; bars"
        f" span the rates whose error is at most {_TIE_STANDARD_ERRORS:g} binomial standard errors above the"
        " lowest. Pilot runs are in no other figure, mean or law. No choice uses the test set."
    )
