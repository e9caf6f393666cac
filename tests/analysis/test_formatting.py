"""Numbers and leaves as a reader sees them."""

from __future__ import annotations

import pyarrow as pa
import pytest

from analysis.formatting import format_count, format_interval, format_list, format_percent, format_training
from scaling.config.labels import setting_label
from scaling.fit import Interval


@pytest.mark.parametrize(
    ("interval", "expected"),
    [
        ((0.41234, 0.3812, 0.4467), "0.412 [0.381, 0.447]"),
        ((0.41234, 0.1, 0.9), "0.41 [0.10, 0.90]"),
        ((1234.5, 1100.0, 1400.0), "1,234 [1,100, 1,400]"),
        ((0.0, 0.0, 0.0), "0 [0, 0]"),
        ((138024.0, 3253.0, 4362886771.0), "1.38e+05 [3.25e+03, 4.36e+09]"),
    ],
)
def test_an_interval_decides_how_many_digits_are_shown(interval, expected):
    estimate, low, high = interval
    assert format_interval(Interval(estimate=estimate, low=low, high=high)) == expected


def test_small_words():
    assert [format_percent(value) for value in (0.05, 0.12345, 0.0077, 1.0, None)] == [
        "5.00 %",
        "12.3 %",
        "0.770 %",
        "100 %",
        "–",
    ]
    assert [format_count(1, "run"), format_count(1250, "run")] == ["1 run", "1,250 runs"]
    assert [format_list([12.0]), format_list([12.0, 8.0]), format_list([0.1, 3, 2])] == [
        "12",
        "8 and 12",
        "0.1, 2 and 3",
    ]
    assert setting_label("architecture.hidden", ()) == "hidden none"
    assert setting_label("recipe.optimizer.momentum", None) == "no optimizer momentum"


def test_how_long_networks_were_trained():
    table = pa.table({"epochs": [6, 6, 8], "train_images": [50_000] * 3})
    assert format_training(table) == "6 and 8 epochs of 50,000 training images"
    assert (
        format_training(pa.table({"epochs": [1], "train_images": [200]})) == "1 epoch of 200 training images"
    )
