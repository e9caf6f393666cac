"""Text of numbers and phrases."""

from __future__ import annotations

from math import inf, nan

import pyarrow as pa
import pytest

from analysis.formatting import (
    format_beside,
    format_count,
    format_exponent,
    format_interval,
    format_list,
    format_percent,
    format_size,
    format_status,
    format_training,
)
from scaling.config.labels import setting_label
from scaling.fit import Interval, Status


@pytest.mark.parametrize(
    ("interval", "expected"),
    [
        ((0.41234, 0.3812, 0.4467), "0.412 [0.381, 0.447]"),
        ((0.41234, 0.1, 0.9), "0.41 [0.10, 0.90]"),
        ((1234.5, 1100.0, 1400.0), "1,230 [1,100, 1,400]"),
        ((48.2, 38.7, 13917.0), "48 [39, 13,900]"),
        ((159881.0, 81403.0, 284594.0), "160,000 [81,000, 280,000]"),
        ((0.0, 0.0, 0.0), "0 [0, 0]"),
        ((138024.0, 3253.0, 4362886771.0), "1.38e+05 [3.25e+03, 4.36e+09]"),
        ((0.41234, nan, nan), "0.412"),
        ((0.1, 0.1 - 1e-16, 0.1 + 1e-16), "0.1000000 [0.1000000, 0.1000000]"),
        ((0.49982, -inf, 0.50012), "0.49982 [no limit, 0.50012]"),
        ((0.49982, -inf, inf), "0.5 [no limits]"),
    ],
)
def test_the_width_of_an_interval_sets_the_digits(interval, expected):
    estimate, low, high = interval
    assert format_interval(Interval(estimate=estimate, low=low, high=high)) == expected


def test_an_exponent_has_no_limit_where_the_search_ends():
    assert format_exponent(Interval(estimate=1.06, low=-8.0, high=1.57)) == "1.06 [no limit, 1.57]"
    assert format_exponent(Interval(estimate=1.06, low=-8.0, high=8.0)) == "1.06 [no limits]"


def test_an_interval_of_fractions_in_percent():
    value = Interval(estimate=0.0219, low=0.0194, high=0.0236)
    assert format_interval(value, percent=True) == "2.19 [1.94, 2.36] %"


def test_a_size_that_is_not_reached_is_never():
    assert format_size(Interval(estimate=3.62, low=0.0, high=inf)) == "3.6 [0.0, never]"
    assert format_size(Interval(estimate=inf, low=inf, high=inf)) == "never"


def test_a_number_beside_an_interval_differs_from_a_limit_that_it_exceeds():
    interval = Interval(estimate=0.6035, low=0.591, high=0.61705)
    assert format_beside(0.6174, interval) == "0.6174" > format_interval(interval).split()[-1][:-1]
    narrow = Interval(estimate=0.50003, low=0.49995, high=0.50046)
    assert [format_beside(number, narrow) for number in (0.50047, 0.5)] == ["0.500470", "0.500000"]
    assert format_beside(0.5, Interval(estimate=0.5, low=0.5, high=0.5)) == "0.5"
    assert format_beside(2.3456, Interval(estimate=1.0, low=-inf, high=3.0)) == "2.35"


def test_percentages_counts_and_lists():
    assert [format_percent(value) for value in (0.05, 0.12345, 0.0077, 1.0, None)] == [
        "5.00 %",
        "12.3 %",
        "0.770 %",
        "100 %",
        "–",
    ]
    assert [format_count(1, "run"), format_count(1250, "run")] == ["1 run", "1,250 runs"]
    assert format_list([12.0]) == "12"
    assert format_list([12.0, 8.0]) == "8 and 12"
    assert format_list([0.1, 3, 2]) == "0.1, 2 and 3"


def test_labels_of_settings():
    assert setting_label("architecture.hidden", ()) == "hidden none"
    assert setting_label("recipe.optimizer.momentum", None) == "no optimizer momentum"


def test_training_is_named_by_epochs_and_images():
    table = pa.table({"epochs": [6, 6, 8], "train_images": [50_000] * 3})
    assert format_training(table) == "6 and 8 epochs of 50,000 training images"
    table = pa.table({"epochs": [1], "train_images": [200]})
    assert format_training(table) == "1 epoch of 200 training images"


def test_a_status_has_its_reason():
    assert format_status(Status.USABLE, "").plain == "usable"
    assert format_status(Status.CAUTION, "[few] widths").plain == "caution: [few] widths"
