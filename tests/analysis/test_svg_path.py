"""Short text of paths."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.svg_path import shorten_number, shorten_path

COUNTS = {"m": 1, "l": 1, "q": 2, "c": 3, "z": 0}
NUMBER = re.compile(r"-?(?:\d+(?:\.\d+)?|\.\d+)")


def draw(path: str) -> list[tuple[str, np.ndarray]]:
    """Return the absolute points of each command of a relative path, by the rules of SVG."""
    drawn, position, start = [], np.zeros(2), np.zeros(2)
    for command, text in re.findall(r"([mlqcz])([^mlqcz]*)", path):
        pairs = np.array([float(number) for number in NUMBER.findall(text)]).reshape(-1, 2)
        count = COUNTS[command]
        assert len(pairs) == 0 if count == 0 else len(pairs) % count == 0
        for index in range(0, len(pairs), count or 1):
            points = position + pairs[index : index + count]
            implied = "l" if command == "m" and index else command
            drawn.append((implied, points))
            position = points[-1]
            start = position if implied == "m" else start
        if command == "z":
            drawn.append(("z", np.empty((0, 2))))
            position = start
    return drawn


pair = st.tuples(*[st.floats(-400, 400)] * 2)
segment = st.one_of(
    *(
        st.tuples(
            st.just(command),
            st.lists(pair, min_size=COUNTS[command.lower()], max_size=COUNTS[command.lower()]),
        )
        for command in "MLQCz"
    )
)


@given(st.lists(segment, max_size=12))
def test_a_short_path_draws_the_rounded_points(segments):
    segments = [("M", [(1.0, 2.0)]), *segments]
    text = " ".join(
        f"{command} {' '.join(f'{x:.6f} {y:.6f}' for x, y in points)}" for command, points in segments
    )
    drawn = draw(shorten_path(text))
    assert [command for command, _ in drawn] == [command.lower() for command, _ in segments]
    for (_, points), (_, wanted) in zip(drawn, segments, strict=True):
        np.testing.assert_allclose(points, np.array(wanted).reshape(-1, 2), atol=0.00501)


@pytest.mark.parametrize(
    ("number", "short"),
    [("0", "0"), ("-0.001", "0"), ("0.5", ".5"), ("-0.05", "-.05"), ("12.300", "12.3"), ("1e2", "100")],
)
def test_numbers_have_no_zeros_that_say_nothing(number, short):
    assert shorten_number(number) == short


def test_numbers_do_not_run_together():
    assert shorten_path("M 1 2 L 1.5 2.5 L 1 3.5 L 1.25 4 z M 0 0 L 1 1") == "m1 2 .5.5-.5 1 .25.5zm-1-2 1 1"
