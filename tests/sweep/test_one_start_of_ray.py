"""Real Ray starts once for the phases of a study, and for executors that share it.

pytest -m slow tests/sweep/test_one_start_of_ray.py
"""

from __future__ import annotations

import pytest
import ray

from scaling import api
from scaling.datasets import Synthetic
from scaling.store import open_store
from scaling.sweep.ray_tune import RayTuneExecutor
from scaling.sweep.shared_ray import shared_ray
from tests.sweep.planted_training import RECIPE, ids, packs, worker_config

pytestmark = pytest.mark.slow
PILOTS = """\
study: tiny
dataset: {type: synthetic, size: 300, test_size: 400, side: 10, noise: 0.5}
architectures:
  - {type: tree3, rows: 1, branches: 2, filters: [1, 2]}
pilots: {validation: 100, learning_rates: [0.1, 0.3]}
recipe: {epochs: 2, batch_size: 50, learning_rate: auto}
seeds: 4
resources: {engine: ray, workers: 2}
"""


@pytest.fixture
def starts(monkeypatch) -> list[str]:
    """List that gets an item at each start of Ray."""
    starts: list[str] = []
    init = ray.init

    def record_start(*arguments, **options):
        starts.append(options["address"])
        return init(*arguments, **options)

    monkeypatch.setattr(ray, "init", record_start)
    return starts


@pytest.fixture
def workspace(tmp_path) -> api.Workspace:
    return api.Workspace(store=str(tmp_path / "store"), data=tmp_path, artifacts=tmp_path / "artifacts")


def test_pilot_runs_and_their_finals(starts, workspace, tmp_path):
    config = tmp_path / "tiny.yaml"
    config.write_text(PILOTS)
    outcome = api.run(config, workspace, quiet=True)
    assert (outcome.trained, outcome.missing, outcome.failures) == (2 * (2 + 4), 0, ())
    assert starts == ["local"]
    assert not ray.is_initialized()


def test_executors_that_share_ray(starts, tmp_path):
    """The executors of two iterations of ``run --until``, the second with other data."""
    first, second = packs(1, recipe=RECIPE), packs(2, dataset=Synthetic(size=100, test_size=50, side=10))
    with shared_ray() as start_ray:
        for wanted in (first, second):
            executor = RayTuneExecutor(worker_config(tmp_path), {}, workers=1, start_ray=start_ray)
            with executor.session():
                executor.run(wanted, lambda event: None)
            assert ray.is_initialized()
    assert open_store(tmp_path / "store").ids() == ids(first + second)
    assert starts == ["local"]
    assert not ray.is_initialized()
