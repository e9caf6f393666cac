"""Which configurations lie on one curve: those that differ in width, seed and what follows from the width, and in nothing else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from scaling.config.identity import Run, flat
from scaling.config.leaf_words import leaf_words, sortable

DATASET, TRAIN_IMAGES = "data.type", "data.train_images"
TYPE, FILTERS, SECOND, RATIO = "architecture.type", "architecture.filters", "architecture.second_filters", "architecture.ratio"
SHARED = frozenset({TYPE, "seed", "order"})
"""Leaves that never split the runs of one architecture."""
LEARNING_RATE = "recipe.learning_rate"
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
    return {name: tuple(value) if isinstance(value, list) else value for name, value in flat(run).items()} | {TRAIN_IMAGES: train_images}


def curves(points: Sequence[Point], x: str = "filters") -> Curves:
    """Split configurations into curves.

    A leaf tells curves apart where configurations of one architecture and one width differ in it. The number of second filters
    follows from the width, unless a study varies the ratio of the two: then the ratio tells them apart. Along another leaf, such as
    the number of training images, the width is a leaf like the others.

    Args:
        points: the configurations.
        x: a column of runs. One that is no leaf, as parameters are none, follows from the filters.
    """
    along = next((leaf for each in points for leaf in each if x in (leaf, leaf.partition(".")[2])), FILTERS)
    shared = [DATASET] if len({each[DATASET] for each in points}) > 1 else []
    places: dict[tuple[Any, ...], str] = {}
    labels = [""] * len(points)
    for kind in sorted({each[TYPE] for each in points}):
        members = [index for index, each in enumerate(points) if each[TYPE] == kind]
        mine = _with_ratio([points[index] for index in members])
        keys = _keys(mine, shared, along)
        for index, each in zip(members, mine, strict=True):
            labels[index] = ", ".join([kind, *(leaf_words(key, each.get(key)) for key in keys)])
            places[kind, *(sortable(each.get(key)) for key in keys)] = labels[index]
    return Curves(tuple(labels), tuple(places[place] for place in sorted(places)), along)


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
    for leaf in dict.fromkeys((*FIRST, *sorted({name for each in points for name in each}.difference(LAST)), *LAST)):
        cells: dict[tuple[Any, ...], set[Any]] = defaultdict(set)
        for each in points:
            cells[tuple(each.get(name) for name in (*keys, along))].add(each.get(leaf))
        if leaf not in SHARED and leaf != along and any(len(values) > 1 for values in cells.values()):
            keys.append(leaf)
    return keys
