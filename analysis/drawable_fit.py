"""Fits and laws that can be drawn with one call, and that have short texts and tables for notebooks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from analysis import style
from analysis.error_figure import draw_laws, draw_runs
from analysis.formatting import NO_VALUE, format_count, response_label
from analysis.laws import describe_exponent, describe_form, law_rows
from scaling.errors import UsageError
from scaling.fit import Fit, Law, Points, preferred_law
from scaling.fit.interval import FloatArray
from scaling.html_table import html_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLUMNS = ("curve", "verdict", "form", "exponent", "amplitude", "floor", "widths", "runs", "status")


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class DrawableLaw(Law):
    """A scaling law that knows the points of its curve."""

    points: Points
    """Points to which the law is fitted."""

    def plot(self, ax: Axes | None = None, *, color: str | None = None, label: str | None = None) -> Axes:
        """Draw the law over the measured sizes, with its 95 % band; return the axes.

        Args:
            ax: axes of matplotlib; by default those of a new figure, with logarithmic scales.
            color: colour of the line; by default the next colour of the axes.
            label: text in a legend; by default the form.
        """
        with _axes(ax, self.points, self.points.widths) as axes:
            x = np.geomspace(self.points.widths[0], self.points.widths[-1], 120)
            (line,) = axes.plot(x, self.predict(x), color=color, label=label or self.form.formula)
            low, high = self.band(x)
            style.draw_band(axes, x, low=low, high=high, color=line.get_color())
        return axes

    def __repr__(self) -> str:
        return f"<Law {_describe_law(self)}>"


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class DrawableFit(Fit):
    """Scaling laws of one curve, all forms side by side."""

    @property
    def law(self) -> DrawableLaw | None:
        """The law that the verdict names; None if no law of the curve can be used."""
        return cast(DrawableLaw | None, preferred_law(self))

    def plot(self, ax: Axes | None = None, *, color: str | None = None, label: str | None = None) -> Axes:
        """Draw the runs, their means and the laws that are not rejected; return the axes.

        The law that the verdict names is solid and has its 95 % band. Other forms are dashed.

        Args:
            ax: axes of matplotlib; by default those of a new figure, with logarithmic scales.
            color: colour of the curve; by default that of the axes' next curve.
            label: text in a legend; by default the name of the curve.
        """
        points = self.points
        with _axes(ax, points, points.widths) as axes:
            curve = style.curve_style(len(axes.get_legend_handles_labels()[0]))
            color = color or curve.color
            draw_runs(axes, points.x, error=points.y, color=color)
            means = style.positive_or_nan(points.means)
            axes.plot(points.widths, means, curve.marker, color=color, label=label or self.label, zorder=4)
            draw_laws(axes, self, widths=points.widths, color=color)
        return axes

    @property
    def summary(self) -> str:
        """The curve in a line: its verdict, its law with intervals and status, and its runs."""
        law = self.law
        named = _describe_law(law) if law else "no law can be used"
        runs, widths = (
            format_count(len(numbers), noun)
            for numbers, noun in ((self.points.x, "run"), (self.points.widths, "width"))
        )
        return f"{self.label}: {self.verdict.choice}; {named}; {widths}, {runs}"

    def __repr__(self) -> str:
        return f"<Fit of {self.summary}>"

    def _repr_html_(self) -> str:
        return _to_html([self])


class FitList(list[DrawableFit]):
    """Fits of several curves, in the order of the curves."""

    @property
    def sizes(self) -> FloatArray:
        """Sizes of all curves."""
        return np.concatenate([fit.points.widths for fit in self])

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw each curve with its laws and a legend; return the axes.

        Args:
            ax: axes of matplotlib; by default those of a new figure, with logarithmic scales.

        Raises:
            UsageError: there is no fit.
        """
        if not self:
            raise UsageError("there is no fit to draw")
        with _axes(ax, self[0].points, self.sizes) as axes:
            for fit in self:
                fit.plot(axes)
            axes.legend()
        return axes

    def __repr__(self) -> str:
        return "\n".join(map(repr, self)) or "no fits"

    def _repr_html_(self) -> str:
        return _to_html(self)


def make_drawable(fits: Iterable[Fit]) -> FitList:
    """Return fits that can be drawn, with laws that can be drawn."""
    return FitList(
        DrawableFit(
            **_values(fit)
            | {
                kind: {name: DrawableLaw(**_values(law), points=fit.points) for name, law in laws.items()}
                for kind, laws in (("laws", fit.laws), ("robust", fit.robust))
            }
        )
        for fit in fits
    )


def _values(record: Fit | Law) -> dict[str, Any]:
    return {field.name: getattr(record, field.name) for field in fields(record)}


@contextmanager
def labelled_axes(figure: Figure, points: Points, sizes: FloatArray) -> Iterator[Axes]:
    """Yield new axes of a figure, with logarithmic scales, and label them when everything is drawn.

    Args:
        figure: an empty figure.
        points: points of the first curve.
        sizes: labelled sizes.
    """
    axes = figure.add_subplot(xscale="log", yscale="log")
    axes.set(xlabel=points.x_name, ylabel=response_label(points.y_name))
    yield axes
    if points.test_images is None:
        style.label_log_axis(axes.yaxis, style.number_ticks(), gap=0.06)
    else:
        style.label_error_axis(axes, gap=0.06)
    style.label_values(axes, np.unique(sizes), gap=0.06)


@contextmanager
def _axes(given: Axes | None, points: Points, sizes: FloatArray) -> Iterator[Axes]:
    """Yield axes to draw on: those given, as they are, or those of a new figure, which notebooks show."""
    from matplotlib import pyplot

    if given is not None:
        yield given
        return
    with style.figure_style(), labelled_axes(pyplot.figure(), points, sizes) as axes:
        yield axes


def _describe_law(law: Law) -> str:
    return f"{describe_form(law)}, exponent {describe_exponent(law)}, {law.status.value}"


def _to_html(fits: Sequence[DrawableFit]) -> str:
    verdicts = {fit.label: str(fit.verdict.choice) for fit in fits}
    rows: list[tuple[object, ...]] = [
        (
            row.label,
            verdicts[row.label],
            row.form,
            row.exponent,
            row.amplitude,
            row.floor,
            row.widths,
            row.runs,
            f"{row.status.value}: {row.reason}" if row.reason else row.status.value,
        )
        for row in law_rows(fits)
    ]
    rows += [
        (fit.label, verdicts[fit.label], *[NO_VALUE] * 4, len(fit.points.widths), len(fit.points.x), "no law")
        for fit in fits
        if not fit.laws
    ]
    return html_table(_COLUMNS, rows, caption="; ".join(dict.fromkeys(fit.estimand for fit in fits)))
