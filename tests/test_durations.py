"""Durations as text."""

from __future__ import annotations

import pytest

from scaling.durations import format_duration, format_elapsed, parse_duration


@pytest.mark.parametrize(
    ("text", "expected"), [("90s", 90), ("30m", 1800), ("2h", 7200), ("1.5d", 129_600), ("0.5s", 0.5)]
)
def test_duration_is_parsed(text, expected):
    assert parse_duration(text) == expected


@pytest.mark.parametrize(
    "text", ["", "2", "h", "-2h", "2 h", "2H", "2h30m", "1e3s", ".5h", "2hours", "0h", "0.0s", "٢h", "PT2H"]
)
def test_other_text_is_no_duration(text):
    assert parse_duration(text) is None


def test_duration_is_formatted():
    assert [format_duration(seconds) for seconds in (45.0, 720.0, 12_600.0, 181_440.0)] == [
        "45 s",
        "12 min",
        "3.5 h",
        "2.1 days",
    ]


def test_elapsed_time_is_exact_to_the_second():
    assert [format_elapsed(seconds) for seconds in (0.4, 45.2, 59.6, 80.0, 3599.7, 7505.0)] == [
        *("0 s", "45 s", "1 min 0 s", "1 min 20 s", "1 h 0 min", "2 h 5 min")
    ]
