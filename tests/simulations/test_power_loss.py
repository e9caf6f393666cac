"""A power failure loses nothing that was called published, and the simulation finds a missing fsync."""

from __future__ import annotations

from pathlib import Path

import pytest

from scaling.errors import StoreError
from simulations.power_loss import Lost, PowerLoss
from tests.store.planted_store import plant

CUTS = 3
"""Number of power failures in the normal suite; ``python -m simulations.power_loss`` has 500."""
MOST = 100


@pytest.fixture
def power(tmp_path: Path) -> PowerLoss:
    power = PowerLoss(tmp_path, [plant(["a"])])
    power.record()
    return power


def cut_often(power: PowerLoss, cuts: int) -> int:
    """Return the number of cuts after which nothing was lost; ``cut`` raises an error otherwise."""
    for seed in range(cuts):
        power.cut(seed)
    return cuts


def test_nothing_that_was_called_published_is_lost(power: PowerLoss) -> None:
    assert cut_often(power, CUTS) == CUTS


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("fsync file", ""),
        ("fsync folder", "store/runs"),
        pytest.param("fsync folder", "store", marks=pytest.mark.slow),
    ],
)
def test_missing_fsync_is_found(power: PowerLoss, kind: str, path: str) -> None:
    power.changes = [change for change in power.changes if (change.kind, change.path) != (kind, path)]
    with pytest.raises((Lost, StoreError)):
        cut_often(power, MOST)
