"""Curves: the configurations that one scaling law is fitted to. They differ in width, seed and order only.

This module decides which curve a configuration is on, which label the curve has, and which setting is the
curve's x.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from scaling.architectures import DerivedWidth, derived_width, derived_widths, title_settings
from scaling.config.identity import Run, flatten_settings
from scaling.config.labels import setting_label, sort_key

Settings = dict[str, Any]
"""Settings of a configuration by their dotted paths, such as ``{"recipe.epochs": 8}``."""

DATASET, FINGERPRINT, TRAIN_IMAGES = "data.type", "data.fingerprint", "data.train_images"
LABELS, LABELS_DRAW = "data.labels", "data.labels_draw"
LEARNING_RATE = "recipe.learning_rate"
FILTERS = "architecture.filters"
COSTS = ("architecture.macs", "architecture.parameters")
"""Costs that a study's file may give in place of filters. Runs have none of these settings."""

_ARCHITECTURE = "architecture.type"
_TITLES = tuple(f"architecture.{name}" for name in title_settings())
_NEVER_DISTINGUISH = frozenset({_ARCHITECTURE, *_TITLES, "seed", "order"})
"""Settings that never separate the runs of one architecture into curves."""
_CHECKED_FIRST = (
    "architecture.parametrization",
    "recipe.optimizer.type",
    "recipe.schedule.type",
)
"""Settings that determine others: an optimiser type determines its momentum."""
_CHECKED_LAST = (LEARNING_RATE,)
"""Settings that follow from all others where pilot runs choose them."""


@dataclass(frozen=True, kw_only=True)
class Curves:
    """Configurations, each with the label of its curve."""

    labels: tuple[str, ...]
    """Label of each configuration's curve, in the order of the configurations."""
    ordered: tuple[str, ...]
    """Each label once, in the order in which the curves are drawn."""
    x_setting: str
    """Dotted path of the setting that changes along a curve."""


@dataclass(frozen=True, kw_only=True)
class CovaryingSetting:
    """A setting that changes along a curve together with x, such as a learning rate tuned for each width."""

    label: str
    """Label of the curve."""
    setting: str
    """Dotted path of the setting."""
    values: frozenset[Any]


def curve_settings(run: Run, train_images: int | None) -> Settings:
    """Return the settings of a run that decide on its curve.

    Args:
        run: the run.
        train_images: number of training images in use. A study that names all images means the same data as a
            study that names no number.
    """
    settings = flatten_settings(run)
    hashable = {name: tuple(value) if isinstance(value, list) else value for name, value in settings.items()}
    return hashable | {TRAIN_IMAGES: train_images}


def assign_curves(
    configurations: Sequence[Settings], x: str = "filters", *, also: str | None = None
) -> Curves:
    """Assign each configuration to a curve.

    A setting separates curves if configurations of one architecture and one width differ in this setting. A
    derived width, such as the number of second filters, follows from the width, unless a study varies its
    ratio: then the ratio separates curves.

    Along another setting, such as the number of training images, the width is a setting like any other. Along
    the ratio, a curve has one cost if costs are given, one width if a width has several ratios; otherwise the
    widths vary along it.

    Args:
        configurations: the configurations, as ``curve_settings`` returns them.
        x: column of runs. A column that is no setting, such as ``parameters``, follows from the filters.
        also: second column that changes along a curve, such as ``train_images``; None for one column.
    """
    x_setting = _find_x_setting(configurations, x)
    x_settings = [x_setting, *([_find_x_setting(configurations, also)] if also else [])]
    along_ratio = x_setting in {width.ratio_path for width in derived_widths()}
    shared = [DATASET] if len({settings[DATASET] for settings in configurations}) > 1 else []
    labels = [""] * len(configurations)
    label_by_sort_key: dict[tuple[Any, ...], str] = {}
    titles = [_title(settings) for settings in configurations]
    for title in sorted(set(titles)):
        members = [i for i, other in enumerate(titles) if other == title]
        architecture = configurations[members[0]][_ARCHITECTURE]
        member_settings = [configurations[i] for i in members]
        if derived := derived_width(architecture):
            member_settings = (
                _with_own_ratio(member_settings, derived)
                if along_ratio
                else _with_nearest_ratio(member_settings, derived)
            )
        fixed = _fixed_along_ratio(member_settings) if along_ratio else []
        keys = _distinguishing_settings(member_settings, [*shared, *fixed], x_settings=x_settings)
        for i, settings in zip(members, member_settings, strict=True):
            named = [key for key in keys if key not in fixed or settings.get(key) is not None]
            labels[i] = ", ".join([title, *(setting_label(key, settings.get(key)) for key in named)])
            label_by_sort_key[title, *(sort_key(settings.get(key)) for key in keys)] = labels[i]
    ordered = tuple(label_by_sort_key[key] for key in sorted(label_by_sort_key))
    return Curves(labels=tuple(labels), ordered=ordered, x_setting=x_setting)


def find_covarying_settings(configurations: Sequence[Settings], curves: Curves) -> Iterator[CovaryingSetting]:
    """Yield the settings that change along a curve together with x, ordered by curve and setting.

    Args:
        configurations: the configurations.
        curves: their assignment, as ``assign_curves`` returns it.
    """
    following = {path for width in derived_widths() for path in (width.setting_path, width.ratio_path)}
    if curves.x_setting in (LABELS, LABELS_DRAW):
        following.add(FINGERPRINT)
    ignored = _NEVER_DISTINGUISH | following | {curves.x_setting}
    values: dict[tuple[str, str], set[Any]] = defaultdict(set)
    for settings, label in zip(configurations, curves.labels, strict=True):
        for name in settings.keys() - ignored:
            values[label, name].add(settings[name])
    for (label, name), distinct in sorted(values.items()):
        if len(distinct) > 1:
            yield CovaryingSetting(label=label, setting=name, values=frozenset(distinct))


def _title(settings: Settings) -> str:
    """Return the name of a configuration's architecture: its type, or the name that its networks give."""
    return next((str(settings[name]) for name in _TITLES if name in settings), settings[_ARCHITECTURE])


def _find_x_setting(configurations: Sequence[Settings], x: str) -> str:
    for width in derived_widths():
        if x in (width.ratio_path, width.ratio):
            return width.ratio_path
    names = (name for settings in configurations for name in settings)
    return next((name for name in names if x in (name, name.partition(".")[2])), FILTERS)


def _with_own_ratio(configurations: Sequence[Settings], derived: DerivedWidth) -> list[Settings]:
    """Replace a derived width by its ratio; drop the filters if they change along the curve."""
    second = derived.setting_path
    with_ratios = []
    for settings in configurations:
        if not settings.get(second):
            with_ratios.append(settings)
            continue
        alternatives = {
            other[second]
            for other in configurations
            if other[FILTERS] == settings[FILTERS] and not _has_cost(other) and other.get(second)
        }
        one_width = len(alternatives) > 1 and not _has_cost(settings)
        dropped = {second} if one_width else {second, FILTERS}
        rest = {name: value for name, value in settings.items() if name not in dropped}
        with_ratios.append(rest | {derived.ratio_path: settings[second] / settings[FILTERS]})
    return with_ratios


def _has_cost(settings: Settings) -> bool:
    return any(settings.get(name) for name in COSTS)


def _with_nearest_ratio(configurations: Sequence[Settings], derived: DerivedWidth) -> list[Settings]:
    """Add the ratio of a derived width, rounded to the nearest ratio of the widest networks.

    The numbers of filters are integers, so the ratio of a narrow network is imprecise.
    """
    second = derived.setting_path
    ratios_by_width: dict[int, set[float]] = defaultdict(set)
    for settings in configurations:
        if settings.get(second):
            ratios_by_width[settings[FILTERS]].add(settings[second] / settings[FILTERS])
    if not ratios_by_width:
        return list(configurations)
    # Curves may end at different widths, so take the widest of the widths with the most ratios.
    _, ratios = max(ratios_by_width.items(), key=lambda item: (len(item[1]), item[0]))
    candidates = sorted(ratios)

    def nearest(settings: Settings) -> float:
        return min(candidates, key=lambda ratio: abs(settings[second] - ratio * settings[FILTERS]))

    return [
        settings | {derived.ratio_path: nearest(settings)} if settings.get(second) else settings
        for settings in configurations
    ]


def _fixed_along_ratio(configurations: Sequence[Settings]) -> list[str]:
    """Return what is held fixed along a curve of ratios.

    Rounded ratios are seldom equal, so comparing configurations at equal x would not find these settings.
    """
    return [
        name for name in (*COSTS, FILTERS) if len({settings.get(name) for settings in configurations}) > 1
    ]


def _distinguishing_settings(
    configurations: Sequence[Settings], first_keys: Sequence[str], *, x_settings: Sequence[str]
) -> list[str]:
    """Return the settings that separate the curves of one architecture, ``first_keys`` first.

    A setting is added only if configurations differ in it that agree in x and in all settings before it.
    """
    keys = list(first_keys)
    first = (
        LABELS,
        LABELS_DRAW,
        TRAIN_IMAGES,
        *(width.ratio_path for width in derived_widths()),
        *_CHECKED_FIRST,
    )
    others = sorted({name for settings in configurations for name in settings}.difference(_CHECKED_LAST))
    for name in dict.fromkeys((*first, *others, *_CHECKED_LAST)):
        if name in _NEVER_DISTINGUISH or name in x_settings:
            continue
        values: dict[tuple[Any, ...], set[Any]] = defaultdict(set)
        for settings in configurations:
            values[tuple(settings.get(key) for key in (*keys, *x_settings))].add(settings.get(name))
        if any(len(distinct) > 1 for distinct in values.values()):
            keys.append(name)
    return keys
