"""Settings with the lowest error of a study: one result for each curve, and its text for the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isclose
from typing import Any

from rich.console import Group
from rich.text import Text

from analysis.formatting import NO_VALUE, format_count, format_interval, format_response, format_status
from analysis.text_table import TextTable
from scaling.fit import Interval, Status
from scaling.fit.optimum import Optimum


@dataclass(frozen=True, kw_only=True)
class SizeDepthRatio:
    """A ratio d2/d1 that keeps sqrt(size) x depth constant, compared with the measured optimum."""

    maps: str
    """Maps whose size counts: ``unpooled``, ``pooled``, or both."""
    ratio: float
    inside: bool
    """True if the interval of the optimum contains the ratio."""
    relative_to_minimum: Interval
    """Error at this ratio, divided by the lowest error."""


@dataclass(frozen=True, kw_only=True)
class StudyOptimum:
    """Optima of a study or a table along one axis, one for each curve."""

    x: str
    """Name of the axis."""
    title: str
    """Test set of a study, such as ``10,000 test images of MNIST``; the file of a table."""
    training: str
    """Training of the runs, such as ``6 epochs of 50,000 training images``; empty for a table."""
    optima: tuple[Optimum, ...]
    size_depth_ratios: Mapping[str, Mapping[str, float]]
    """Ratios that keep sqrt(size) x depth constant, by the label of the curve and the maps that count."""
    costs: Mapping[str, str]
    """MACs and parameters of the networks of a study's curve, as text, by its label."""
    failures: tuple[str, ...]
    """Sentences that say why a curve has no optimum."""

    def compare_size_depth(self, optimum: Optimum) -> list[SizeDepthRatio]:
        """Compare an optimum with the ratios that keep sqrt(size) x depth constant; merge equal ratios."""
        maps_by_ratio: dict[float, list[str]] = {}
        for maps, ratio in self.size_depth_ratios.get(optimum.label, {}).items():
            equal_ratio = next((other for other in maps_by_ratio if isclose(ratio, other)), ratio)
            maps_by_ratio.setdefault(equal_ratio, []).append(maps)
        return [
            SizeDepthRatio(
                maps=" and ".join(maps),
                ratio=ratio,
                inside=optimum.x_opt.low <= ratio <= optimum.x_opt.high,
                relative_to_minimum=optimum.relative_to_minimum(ratio),
            )
            for ratio, maps in maps_by_ratio.items()
        ]

    def to_dict(self) -> list[dict[str, Any]]:
        """Return the optima as JSON values."""
        return [
            optimum.to_dict()
            | {
                "size_depth_ratios": [
                    {**vars(ratio), "relative_to_minimum": vars(ratio.relative_to_minimum)}
                    for ratio in self.compare_size_depth(optimum)
                ]
            }
            for optimum in self.optima
        ]


def render_optima(study: StudyOptimum) -> Group:
    """Return a table of the optima and a sentence about each, for the terminal."""
    rows = []
    for optimum in study.optima:
        rejected = optimum.status is Status.REJECTED
        rows.append(
            (
                optimum.label,
                NO_VALUE if rejected else format_interval(optimum.x_opt),
                NO_VALUE if rejected else format_response(optimum.points, optimum.lowest),
                str(len(optimum.points.widths)),
                str(len(optimum.points.y)),
                format_status(optimum.status, optimum.reason),
            )
        )
    estimands = "; ".join(sorted({optimum.estimand for optimum in study.optima}))
    table = TextTable(
        title=f"Optimum along {study.x}",
        caption=f"{estimands}; 95 % intervals",
        columns=("curve", f"optimal {study.x}", "lowest error", "values", "runs", "status"),
        rows=tuple(rows),
        right=frozenset({"values", "runs"}),
    )
    lines = [
        *(describe_optimum(study, optimum) for optimum in study.optima),
        *study.failures,
        *(f"{optimum.label}: {note}" for optimum in study.optima for note in optimum.notes),
    ]
    return Group(table, *map(Text, lines))


def describe_optimum(study: StudyOptimum, optimum: Optimum) -> str:
    """Return sentences about an optimum: its position, the runs, the size-depth rule, the costs."""
    x, points = optimum.points.x_name, optimum.points
    runs = f"{format_count(len(points.y), 'run')} at {len(points.widths)} values of {x}"
    if optimum.status is Status.REJECTED:
        text = f"{optimum.label}: the optimal {x} cannot be estimated ({optimum.reason}; {runs})."
    else:
        doubt = f"; {optimum.status}: {optimum.reason}" if optimum.reason else ""
        comma = "," if "," in optimum.estimand else ""
        text = (
            f"{optimum.label}: the {optimum.estimand}{comma} is at {x} {format_interval(optimum.x_opt)}"
            f" ({runs}{doubt})."
        )
    for ratio in study.compare_size_depth(optimum):
        text += f" The rule sqrt(size) x depth = constant predicts {ratio.ratio:.3g} ({ratio.maps} maps)"
        if optimum.status is not Status.REJECTED:
            text += (
                f", {'inside' if ratio.inside else 'outside'} the interval; the error there is"
                f" {format_interval(ratio.relative_to_minimum)} times the lowest error"
            )
        text += "."
    costs = study.costs.get(optimum.label)
    return f"{text} These networks have {costs}." if costs else text
