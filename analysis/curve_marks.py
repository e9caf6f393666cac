"""Names and titles of what a figure draws for each curve, for the page that shows the figure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pyarrow as pa
from matplotlib.axes import Axes
from matplotlib.legend import Legend

from analysis.formatting import format_count, format_mean, format_percent

RUNS = "runs"
"""Name of the points of the runs of a curve."""
MEANS = "means"
"""Name of the markers of the means of a curve."""
CURVE_ID = re.compile(r"curve(\d+)-.*")
"""Id of something that is drawn for a curve."""
LEGEND_ID = re.compile(r"legend(\d+)-(line|text)")
"""Id of a line or text of the legend entry of a curve."""


def curve_id(index: int, name: str) -> str:
    """Return the id of something that is drawn for a curve."""
    return f"curve{index}-{name}"


@contextmanager
def name_curve(axes: Axes, index: int) -> Iterator[None]:
    """Give an id to everything that is drawn for a curve; an artist's id becomes a part of the new one."""
    before = set(axes.get_children())
    yield
    drawn = [artist for artist in axes.get_children() if artist not in before]
    for number, artist in enumerate(drawn):
        artist.set_gid(curve_id(index, artist.get_gid() or str(number)))


def name_legend(legend: Legend, curves: Sequence[str]) -> None:
    """Give ids to the first entries of a legend, one for each curve."""
    entries = zip(curves, legend.legend_handles, legend.get_texts(), strict=False)
    for index, (_, handle, text) in enumerate(entries):
        if handle is not None:
            handle.set_gid(f"legend{index}-line")
        text.set_gid(f"legend{index}-text")


def run_titles(runs: pa.Table) -> list[str]:
    """Return the curve, the width, the seed, the test error and the id of each run."""
    columns = (runs[name].to_pylist() for name in ("group", "filters", "seed", "test_error", "id"))
    return [
        f"{group}, {format_count(filters, 'filter')}, seed {seed}: {format_percent(error)}, run {name}"
        for group, filters, seed, error, name in zip(*columns, strict=True)
    ]


def mean_titles(means: pa.Table) -> list[str]:
    """Return the curve, the width, the mean error and the number of runs of each mean."""
    return [
        f"{row['group']}, {format_count(row['filters'], 'filter')}: mean {format_mean(row)} of"
        f" {format_count(row['runs'], 'run')}"
        for row in means.to_pylist()
    ]
