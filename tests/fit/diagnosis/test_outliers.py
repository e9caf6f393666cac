"""A seed far from the others is named, kept, and a fit stands beside to which it matters less."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scaling.fit import EstimationOptions, fit
from scaling.fit.diagnosis.outliers import winsorise
from tests.fit.planted_laws import plant

LAW = (0.4, 0.5, 0.0)


@pytest.mark.simulation
def test_normal_scatter_is_left_alone():
    far = [
        winsorise(plant(LAW, np.random.default_rng(k), seeds=seeds, test_images=10_000)) is not None
        for seeds in (4, 8)
        for k in range(500)
    ]
    assert sum(far) <= 6  # one in a thousand: more with a probability of 1e-4


def test_a_far_run_is_named_kept_and_drawn_in():
    points = plant(LAW, np.random.default_rng(0), seeds=8, test_images=10_000)
    y = points.y.copy()
    y[-1] = 0.3  # the widest network: planted near 0.115
    spoilt = replace(points, y=y)
    winsorised = winsorise(spoilt)
    robust, note = winsorised.points, winsorised.note
    assert note == "Outliers, far from the other runs of their width: 0.3 at filters 12."
    assert robust.y[-1] < 0.13
    np.testing.assert_array_equal(robust.y[:-1], points.y[:-1])
    found, clean = (
        fit(spoilt, EstimationOptions(resamplings=100)),
        fit(points, EstimationOptions(resamplings=100)),
    )
    assert len(found.points.y) == len(points.y)
    exponents = [
        made["power"].parameters["exponent"].estimate for made in (found.robust, clean.laws, found.laws)
    ]
    assert abs(exponents[0] - exponents[1]) < abs(exponents[2] - exponents[1]) / 5
    assert any(note.startswith(note) and "No run is dropped" in note for note in found.notes)
    assert found.to_dict()["robust"]["power"]["parameters"]["exponent"]["estimate"] == exponents[0]
    assert not clean.robust


def test_few_runs_call_nothing_far():
    points = plant(LAW, np.random.default_rng(0), seeds=2)
    assert winsorise(replace(points, y=np.append(points.y[:-1], 0.9))) is None
