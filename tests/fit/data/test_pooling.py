"""Pooling of neighbouring sizes: few sizes stay, many keep the law."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from scaling.fit import EstimationOptions, fit_table
from scaling.fit.data.pooling import MAX_SIZES, pool_sizes


def test_few_sizes_are_not_pooled():
    x = np.repeat(np.geomspace(1, 1000, MAX_SIZES), 2)
    assert pool_sizes(x) is x


def test_pooled_sizes_lie_among_those_that_they_replace():
    x = np.random.default_rng(0).uniform(1, 1e4, 20_000)
    pooled = pool_sizes(x)
    assert len(np.unique(pooled)) <= MAX_SIZES
    assert np.abs(np.log(pooled / x)).max() <= np.log(1e4) / MAX_SIZES
    assert np.log(pooled).mean() == pytest.approx(np.log(x).mean(), rel=1e-12)


def test_a_table_with_a_size_for_every_row_gives_its_law():
    rng = np.random.default_rng(1)
    x = np.exp(rng.uniform(0, np.log(1000), 20_000))
    y = (0.4 * x**-0.5 + 0.02) * np.exp(0.05 * rng.standard_normal(len(x)))
    (fitted,) = fit_table(
        pa.table({"n": x, "loss": y}), EstimationOptions(resamplings=200), x="n", y="loss", by=()
    )
    assert any("are pooled into" in note for note in fitted.notes)
    for name, truth in (("exponent", 0.5), ("floor", 0.02)):
        interval = fitted.laws["floor"].parameters[name]
        # The interval spans four standard errors; the estimate of one seed lies within them.
        assert abs(interval.estimate - truth) < interval.high - interval.low
