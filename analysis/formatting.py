"""Text of numbers and of short phrases: estimates with intervals, counts, lists, statuses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import copysign, floor, inf, isfinite, isinf, isnan, log10

import pyarrow as pa
from rich.text import Text

from scaling.config.labels import sort_key
from scaling.fit import Interval, Points, Status
from scaling.fit.forms import MAX_EXPONENT

NO_VALUE = "–"
"""Text of a number that does not exist."""

_MAX_DIGITS = 6
"""Largest number of significant digits after the first one."""
_THREE_DIGITS_FROM = 1e6
"""Size from which numbers are printed with three significant digits."""
_SIZE_NOUNS = {
    "filters": "filter",
    "filters_total": "filter",
    "parameters": "parameter",
    "macs": "multiply-add",
    "train_images": "training image",
    "labels": "label",
    "second_filters": "second filter",
}
"""Nouns for one unit of a column of sizes."""
_STATUS_COLORS = {Status.USABLE: "green", Status.CAUTION: "yellow", Status.REJECTED: "red"}


def format_interval(value: Interval, *, percent: bool = False) -> str:
    """Return ``0.41 [0.38, 0.44]``, with as many digits as the width of the interval justifies.

    Args:
        value: estimate and interval; with NaN as an end, only the estimate is printed.
        percent: print a fraction in percent, ``41 [38, 44] %``.
    """
    scale, suffix = (0.01, " %") if percent else (1.0, "")
    estimate, low, high = (number / scale for number in (value.estimate, value.low, value.high))
    if isnan(high):
        return f"{estimate:.3g}{suffix}"
    ends = [end for end in (low, high) if isfinite(end)]
    if isfinite(estimate) and not ends:
        return f"{estimate:.3g}{suffix} [no limits]"
    half_width = (high - low) / 2 if len(ends) > 1 else max(estimate - low, high - estimate, key=isfinite)
    if isinf(estimate) and ends and max(map(abs, ends)) < _THREE_DIGITS_FROM:
        low_text, high_text = (f"{float(f'{end:.3g}'):,.12g}" for end in (low, high))
        return f"{estimate:.3g} [{low_text}, {high_text}]{suffix}"
    digits = ".3g"
    if isfinite(estimate) and half_width > 0 and max(map(abs, ends)) < _THREE_DIGITS_FROM:
        # Two significant digits of half the width, but no more digits than a measurement can have.
        largest = max(abs(estimate), *map(abs, ends))
        decimals = min(1 - floor(log10(half_width)), _MAX_DIGITS - floor(log10(largest)))
        estimate, low, high = (_round(number, decimals) for number in (estimate, low, high))
        digits = f"z,.{max(0, decimals)}f"
    low_text, high_text = (
        "no limit" if isfinite(estimate) and not isfinite(end) else f"{end:{digits}}" for end in (low, high)
    )
    return f"{estimate:{digits}} [{low_text}, {high_text}]{suffix}"


def _round(number: float, decimals: int) -> float:
    """Round a number, but keep two of its digits: limits can differ by orders of magnitude."""
    if not number or not isfinite(number):
        return number
    return round(number, max(decimals, 1 - floor(log10(abs(number)))) if decimals < 0 else decimals)


def format_beside(number: float, value: Interval) -> str:
    """Return a number with a digit more than the text of an interval with which it is compared."""
    half_width = (value.high - value.low) / 2
    if not (0 < half_width < _THREE_DIGITS_FROM):
        return f"{number:.3g}"
    return f"{number:.{min(max(0, 2 - floor(log10(half_width))), _MAX_DIGITS)}f}"


def format_exponent(value: Interval) -> str:
    """Return an exponent with its interval, which has no limit where the search ends."""
    low, high = (end if abs(end) < MAX_EXPONENT else copysign(inf, end) for end in (value.low, value.high))
    return format_interval(Interval(estimate=value.estimate, low=low, high=high))


def format_points(value: Interval) -> str:
    """Return the difference of two fractions in percentage points: ``0.41 [0.38, 0.44] points``."""
    in_points = Interval(estimate=100 * value.estimate, low=100 * value.low, high=100 * value.high)
    return f"{format_interval(in_points)} points"


def format_size(value: Interval) -> str:
    """Return the size that an error needs, with ``never`` where a law does not reach the error."""
    if value.low == inf:
        return "never"
    return format_interval(value).replace("no limit", "never").replace("inf", "never")


def response_label(y: str) -> str:
    """Return the name of y in headings: ``Error`` for ``test_error``, and the name of any other column."""
    return "Error" if y == "test_error" else y


def format_response(points: Points, value: Interval) -> str:
    """Return an interval in the unit of the fitted y: in percent only if y is a rate of counted errors."""
    return format_interval(value, percent=points.test_images is not None)


def format_percent(value: float | None) -> str:
    """Return ``4.20 %`` for 0.042, and a dash for a missing number."""
    return NO_VALUE if value is None or not isfinite(value) else f"{100 * value:#.3g}".rstrip(".") + " %"


def format_mean(row: Mapping[str, float | None]) -> str:
    """Return a mean error with its interval, from a row of ``mean_errors``; without one for a single run."""
    mean, low, high = (row[name] for name in ("mean_error", "low_error", "high_error"))
    if low is None or high is None:
        return format_percent(mean)
    return format_interval(Interval(estimate=mean or 0.0, low=low, high=high), percent=True)


def format_count(number: int, noun: str) -> str:
    """Return ``1 run`` or ``1,250 runs``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def format_size_of(column: str, size: float) -> str:
    """Return ``16 filters`` for a size of a column that counts things, and ``ratio = 0.5`` for another."""
    noun = _SIZE_NOUNS.get(column)
    if noun is None or not float(size).is_integer():
        return f"{column} = {size:.4g}"
    return format_count(int(size), noun)


def plural_of(column: str) -> str:
    """Return ``training images`` for ``train_images``, and the name of a column that counts nothing."""
    return f"{_SIZE_NOUNS[column]}s" if column in _SIZE_NOUNS else column


def format_list(values: Iterable[object]) -> str:
    """Return ``1, 2 and 12``: the values in rising order."""
    *first, last = (
        f"{value:g}" if isinstance(value, float) else str(value) for value in sorted(values, key=sort_key)
    )
    return f"{', '.join(first)} and {last}" if first else last


def format_test_set(runs: pa.Table, title: str) -> str:
    """Return ``1,000 test images of MNIST``."""
    sizes = {size for size in runs["test_images"].to_pylist() if size is not None}
    numbers = f"{format_list(f'{size:,}' for size in sizes)} " if sizes else ""
    return f"{numbers}test images of {title}"


def describe_means(*, has_intervals: bool) -> str:
    """Return the sentence under a table of errors: means with intervals, or single runs without."""
    if has_intervals:
        return "Means over seeds on this test set, with Student's 95 % intervals over runs."
    return "Single runs on this test set, without intervals."


def format_training(runs: pa.Table) -> str:
    """Return ``6 epochs of 50,000 training images``."""
    epochs, images = (
        [f"{number:,}" for number in sorted(set(runs[name].to_pylist()))]
        for name in ("epochs", "train_images")
    )
    plural = "" if epochs == ["1"] else "s"
    return f"{format_list(epochs)} epoch{plural} of {format_list(images)} training images"


def format_status(status: Status, reason: str) -> Text:
    """Return a status in its colour, and its reason, for the terminal."""
    return Text.assemble((status.value, _STATUS_COLORS[status]), f": {reason}" if reason else "")
