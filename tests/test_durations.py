"""Durations, as people write them."""

from __future__ import annotations

import pytest

from scaling.durations import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "said"), [("90s", 90), ("30m", 1800), ("2h", 7200), ("1.5d", 129_600), ("0.5s", 0.5)]
)
def test_a_duration_is_read(text, said):
    assert parse_duration(text) == said


@pytest.mark.parametrize(
    "text", ["", "2", "h", "-2h", "2 h", "2H", "2h30m", "1e3s", ".5h", "2hours", "0h", "0.0s", "٢h", "PT2H"]
)
def test_anything_else_is_none(text):
    assert parse_duration(text) is None


def test_a_duration_is_told():
    assert [format_duration(s) for s in (45.0, 720.0, 12_600.0, 181_440.0)] == [
        "45 s",
        "12 min",
        "3.5 h",
        "2.1 days",
    ]
