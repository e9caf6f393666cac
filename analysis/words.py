"""Values as words: leaves of a configuration, data sets, numbers with their intervals."""

from __future__ import annotations

from collections.abc import Iterable
from math import floor, isfinite, log10
from pathlib import Path
from typing import Any

import pyarrow as pa

from scaling.datasets import PUBLISHED
from scaling.fit import Interval

LEAVES = {
    "data.fingerprint": "data {:.8}",
    "data.train_images": "{:,} images",
    "data.validation": "{:,} validation images",
    "architecture.branches": "{} branches",
    "architecture.convolutions": "{} convolutions",
    "architecture.activation": "{}",
    "architecture.pooling": "{} pooling",
    "architecture.ratio": "d2/d1 {:.3g}",
    "recipe.optimizer.type": "{}",
    "recipe.schedule.type": "{} schedule",
    "recipe.loss": "{}",
    "recipe.precision": "{}",
    "recipe.epochs": "{:,} epochs",
    "recipe.batch_size": "batches of {:,}",
}
"""How a leaf's value reads in a label; a leaf that isn't here shows its name."""


def dataset_title(name: str) -> str:
    """The title of a published data set; another one's own name."""
    return PUBLISHED[name]().facts(Path()).title if name in PUBLISHED else name


def test_set(runs: pa.Table, title: str) -> str:
    """``1,000 test images of MNIST``."""
    sizes = {size for size in runs["test_images"].to_pylist() if size is not None}
    return f"{listed(f'{size:,}' for size in sizes)} test images of {title}" if sizes else f"test images of {title}"


def leaf_words(leaf: str, value: Any) -> str:
    """``8 epochs`` for ``recipe.epochs``, ``momentum 0.9`` for a leaf without a phrase of its own."""
    if leaf == "data.type":
        return dataset_title(value)
    room, _, rest = leaf.partition(".")
    name = (rest or room).replace(".", " ").replace("_", " ")
    if value is None:
        return f"no {name}"
    if isinstance(value, tuple):
        value = "-".join(map(str, value)) or "none"
    return LEAVES.get(leaf, name + " {}").format(value)


def sortable(value: object) -> tuple[bool, float, str]:
    """A key that puts numbers in their order and everything else behind them by its text."""
    return (False, float(value), "") if isinstance(value, int | float) else (True, 0.0, str(value))


def listed(values: Iterable[object]) -> str:
    """``1, 2 and 12``, in order."""
    *most, last = (f"{value:g}" if isinstance(value, float) else str(value) for value in sorted(values, key=sortable))
    return f"{', '.join(most)} and {last}" if most else last


def counted(number: int, thing: str) -> str:
    """``1 run``, ``1,250 runs``."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def quantity(value: Interval, *, unit: float = 1.0) -> str:
    """``0.41 [0.38, 0.44]``, to the digits that the interval leaves.

    Args:
        value: estimate and interval.
        unit: what is 1 in the text, such as 0.01 for percent.
    """
    estimate, low, high = (number / unit for number in (value.estimate, value.low, value.high))
    spread = high - low
    if not (isfinite(spread) and spread > 0):
        return f"{estimate:.3g} [{low:.3g}, {high:.3g}]"
    # Two digits of half the interval: more are noise, fewer hide its ends.
    decimals = max(0, 1 - floor(log10(spread / 2)))
    return f"{estimate:,.{decimals}f} [{low:,.{decimals}f}, {high:,.{decimals}f}]"


def percent(value: float | None) -> str:
    """``4.20 %`` of a fraction; a dash where there is none."""
    return "–" if value is None or not isfinite(value) else f"{100 * value:#.3g}".rstrip(".") + " %"
