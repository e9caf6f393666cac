"""Outliers are named and kept, and a second fit winsorises them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scaling.fit import EstimationOptions, fit
from scaling.fit.diagnosis.outliers import winsorise
from tests.fit.planted_laws import plant

LAW = (0.4, 0.5, 0.0)


@pytest.mark.simulation
def test_normal_scatter_has_hardly_any_outlier():
    has_outlier = [
        winsorise(plant(LAW, np.random.default_rng(k), seeds=seeds, test_images=10_000)) is not None
        for seeds in (4, 8)
        for k in range(500)
    ]
    assert sum(has_outlier) <= 6  # one in a thousand: more with a probability of 1e-4


def test_an_outlier_is_named_kept_and_winsorised():
    points = plant(LAW, np.random.default_rng(0), seeds=8, test_images=10_000)
    y = points.y.copy()
    y[-1] = 0.3  # the widest network: planted near 0.115
    with_outlier = replace(points, y=y)
    winsorised = winsorise(with_outlier)
    robust, note = winsorised.points, winsorised.note
    assert note == "Outliers, far from the other runs of their width: 0.3 at filters 12."
    assert robust.y[-1] < 0.13
    np.testing.assert_array_equal(robust.y[:-1], points.y[:-1])
    outlier_fit, clean_fit = (
        fit(with_outlier, EstimationOptions(resamplings=100)),
        fit(points, EstimationOptions(resamplings=100)),
    )
    assert len(outlier_fit.points.y) == len(points.y)
    exponents = [
        laws["power"].parameters["exponent"].estimate
        for laws in (outlier_fit.robust, clean_fit.laws, outlier_fit.laws)
    ]
    assert abs(exponents[0] - exponents[1]) < abs(exponents[2] - exponents[1]) / 5
    assert any(line.startswith(note) and "No run is dropped" in line for line in outlier_fit.notes)
    assert outlier_fit.to_dict()["robust"]["power"]["parameters"]["exponent"]["estimate"] == exponents[0]
    assert not clean_fit.robust


def test_few_runs_have_no_outliers():
    points = plant(LAW, np.random.default_rng(0), seeds=2)
    assert winsorise(replace(points, y=np.append(points.y[:-1], 0.9))) is None
