"""Points: the statistics of each width equal plain loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fit.planted_laws import bare_points


@given(st.lists(st.tuples(st.integers(1, 5), st.floats(0.01, 1)), min_size=1, max_size=40))
def test_statistics_of_widths_equal_plain_loops(runs: list[tuple[int, float]]):
    points = bare_points(*zip(*runs, strict=True))
    for width, mean, count, std in zip(points.widths, points.means, points.counts, points.std, strict=True):
        values = [y for x, y in runs if x == width]
        assert count == len(values)
        assert mean == pytest.approx(np.mean(values))
        # A sum of squares of numbers up to 1 is right to about 1e-16 of them, its root to 1e-8.
        assert np.isnan(std) if count == 1 else std == pytest.approx(np.std(values, ddof=1), abs=1e-7)
