"""Values as words: numbers with their intervals, lists, test sets."""

from __future__ import annotations

from collections.abc import Iterable
from math import floor, isfinite, log10

import pyarrow as pa

from scaling.config.labels import sort_key
from scaling.fit import Interval

LONG = 1e6
"""Numbers from here on are told to three digits."""


def format_test_set(runs: pa.Table, title: str) -> str:
    """``1,000 test images of MNIST``."""
    sizes = {size for size in runs["test_images"].to_pylist() if size is not None}
    return (
        f"{format_list(f'{size:,}' for size in sizes)} test images of {title}"
        if sizes
        else f"test images of {title}"
    )


def format_training(runs: pa.Table) -> str:
    """``6 epochs of 50,000 training images``."""
    epochs, images = (
        [f"{number:,}" for number in sorted(set(runs[name].to_pylist()))]
        for name in ("epochs", "train_images")
    )
    return f"{format_list(epochs)} epoch{'' if epochs == ['1'] else 's'} of {format_list(images)} training images"


def format_list(values: Iterable[object]) -> str:
    """``1, 2 and 12``, in order."""
    *most, last = (
        f"{value:g}" if isinstance(value, float) else str(value) for value in sorted(values, key=sort_key)
    )
    return f"{', '.join(most)} and {last}" if most else last


def format_count(number: int, thing: str) -> str:
    """``1 run``, ``1,250 runs``."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def format_interval(value: Interval, *, unit: float = 1.0) -> str:
    """``0.41 [0.38, 0.44]``, to the digits that the interval leaves.

    Args:
        value: estimate and interval.
        unit: what is 1 in the text, such as 0.01 for percent.
    """
    estimate, low, high = (number / unit for number in (value.estimate, value.low, value.high))
    spread = high - low
    if not (isfinite(spread) and spread > 0) or max(abs(low), abs(high)) >= LONG:
        return f"{estimate:.3g} [{low:.3g}, {high:.3g}]"
    # Two digits of half the interval: more are noise, fewer hide its ends.
    decimals = max(0, 1 - floor(log10(spread / 2)))
    return f"{estimate:,.{decimals}f} [{low:,.{decimals}f}, {high:,.{decimals}f}]"


def format_percent(value: float | None) -> str:
    """``4.20 %`` of a fraction; a dash where there is none."""
    return "–" if value is None or not isfinite(value) else f"{100 * value:#.3g}".rstrip(".") + " %"
