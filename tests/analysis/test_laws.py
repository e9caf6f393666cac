"""Laws as rows of text."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.laws import law_rows
from scaling.fit import EstimationOptions, Points, fit

WIDTHS = np.array([1.0, 2, 4, 8, 16, 32])


@pytest.mark.parametrize(
    ("test_images", "unit"), [(None, False), (1000, True)], ids=["a loss", "errors of counted images"]
)
def test_only_error_rates_are_printed_in_percent(test_images, unit):
    points = Points(x_name="x", y_name="y", x=WIDTHS, y=0.3 / WIDTHS + 0.05, test_images=test_images)
    power, floor = law_rows([fit(points, EstimationOptions(resamplings=200))])
    assert power.floor == "–"
    assert floor.floor.endswith(" %") is unit
    assert float(floor.floor.split()[0]) == pytest.approx(5 if unit else 0.05, abs=1e-3)
