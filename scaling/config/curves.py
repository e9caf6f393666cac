"""Which configurations lie on one curve: those that differ in width, seed and what follows from the width, and in nothing else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from scaling.config.identity import Run, flatten_settings
from scaling.config.labels import setting_label, sortable

DATASET, TRAIN_IMAGES = "data.type", "data.train_images"
TYPE, FILTERS, SECOND, RATIO = (
    "architecture.type",
    "architecture.filters",
    "architecture.second_filters",
    "architecture.ratio",
)
SHARED = frozenset({TYPE, "seed", "order"})
"""Leaves that never split the runs of one architecture."""
LEARNING_RATE = "recipe.learning_rate"
COSTS = ("architecture.macs", "architecture.parameters")
"""No leaves of a run: a study that is written with costs adds them to its points."""
CONSEQUENCES = frozenset({SECOND, RATIO})
"""Leaves that are expected to change with the width."""
FIRST = (TRAIN_IMAGES, RATIO, "architecture.parametrization", "recipe.optimizer.type", "recipe.schedule.type")
"""Leaves that explain others (a ratio the second filters, a parametrisation its base, an optimiser its momentum) are asked before them."""
LAST = (LEARNING_RATE,)
"""Where it was chosen for each network, it follows from all others."""

Point = dict[str, Any]
"""The leaves of a configuration by their dotted paths."""


@dataclass(frozen=True)
class Curves:
    """Configurations, each with the label of its curve."""

    labels: tuple[str, ...]
    """One a configuration, in their order."""
    ordered: tuple[str, ...]
    """Each once, in the order in which curves are drawn."""
    along: str
    """The leaf that changes along a curve."""


def point(run: Run, train_images: int) -> Point:
    """A run's configuration, to be compared.

    Args:
        train_images: the number that is used: a study that names all images means the same data as one that names none.
    """
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in flatten_settings(run).items()
    } | {TRAIN_IMAGES: train_images}


def curves(points: Sequence[Point], x: str = "filters") -> Curves:
    """Split configurations into curves.

    A leaf tells curves apart where configurations of one architecture and one width differ in it. The number of second filters
    follows from the width, unless a study varies the ratio of the two: then the ratio tells them apart. Along another leaf, such as
    the number of training images, the width is a leaf like the others. Along the ratio, curves are of one cost where the study says so, of
    one width where a width has several ratios, and else both numbers of filters change along them.

    Args:
        points: the configurations.
        x: a column of runs. One that is no leaf, as parameters are none, follows from the filters.
    """
    along = next((leaf for each in points for leaf in each if x in (leaf, leaf.partition(".")[2])), FILTERS)
    along = RATIO if x in (RATIO, RATIO.partition(".")[2]) else along
    shared = [DATASET] if len({each[DATASET] for each in points}) > 1 else []
    places: dict[tuple[Any, ...], str] = {}
    labels = [""] * len(points)
    for kind in sorted({each[TYPE] for each in points}):
        members = [index for index, each in enumerate(points) if each[TYPE] == kind]
        mine = (along_ratio if along == RATIO else _with_ratio)([points[index] for index in members])
        # Rounded ratios are seldom equal, so what is held fixed along them must be said to tell curves apart.
        fixed = [
            leaf
            for leaf in (*COSTS, FILTERS)
            if along == RATIO and len({each.get(leaf) for each in mine}) > 1
        ]
        keys = _keys(mine, [*shared, *fixed], along)
        for index, each in zip(members, mine, strict=True):
            told = [key for key in keys if key not in fixed or each.get(key) is not None]
            labels[index] = ", ".join([kind, *(setting_label(key, each.get(key)) for key in told)])
            places[kind, *(sortable(each.get(key)) for key in keys)] = labels[index]
    return Curves(tuple(labels), tuple(places[place] for place in sorted(places)), along)


def along_ratio(points: Sequence[Point]) -> list[Point]:
    """Each with its own ratio d2/d1, and with no filters where these change along a curve of ratios."""
    found = []
    for each in points:
        if not each.get(SECOND):
            found.append(each)
            continue
        beside = {
            other[SECOND]
            for other in points
            if other[FILTERS] == each[FILTERS] and not _cost(other) and other.get(SECOND)
        }
        gone = {SECOND} if len(beside) > 1 and not _cost(each) else {SECOND, FILTERS}
        found.append(
            {name: value for name, value in each.items() if name not in gone}
            | {RATIO: each[SECOND] / each[FILTERS]}
        )
    return found


def _cost(each: Point) -> bool:
    return any(each.get(name) for name in COSTS)


def _with_ratio(points: Sequence[Point]) -> list[Point]:
    """Each with the nearest of the ratios d2/d1 that the widest networks show; rounding blurs it in the narrow ones."""
    shown: dict[int, set[float]] = defaultdict(set)
    for each in points:
        if each.get(SECOND):
            shown[each[FILTERS]].add(each[SECOND] / each[FILTERS])
    # Curves may end at different widths: what counts is the widest of those that show the most ratios.
    ratios = sorted(max(shown.items(), key=lambda item: (len(item[1]), item[0]))[1]) if shown else []

    def nearest(each: Point) -> float:
        return min(ratios, key=lambda ratio: abs(each[SECOND] - ratio * each[FILTERS]))

    return [each | {RATIO: nearest(each)} if ratios and each.get(SECOND) else each for each in points]


def _keys(points: Sequence[Point], shared: Sequence[str], along: str) -> list[str]:
    """The leaves that tell the curves of one architecture apart, each one needed beside those before it."""
    keys = list(shared)
    for leaf in dict.fromkeys(
        (*FIRST, *sorted({name for each in points for name in each}.difference(LAST)), *LAST)
    ):
        cells: dict[tuple[Any, ...], set[Any]] = defaultdict(set)
        for each in points:
            cells[tuple(each.get(name) for name in (*keys, along))].add(each.get(leaf))
        if leaf not in SHARED and leaf != along and any(len(values) > 1 for values in cells.values()):
            keys.append(leaf)
    return keys
