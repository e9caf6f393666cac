"""Copying beside a sweep: what is copied when, and what becomes of failures outside the tracker."""

from __future__ import annotations

from threading import Event

import pytest

from scaling.api import Workspace
from scaling.api._tracking import Tracking, run_labels
from scaling.config import load_study

STUDY = """\
study: tiny
dataset: {type: synthetic, size: 200, test_size: 100, side: 10, noise: 0.6}
architectures:
  - {type: tree3, rows: 1, branches: 2, filters: [1, 2]}
  - {type: tree3, rows: 1, branches: 2, filters: 1, recipe: {learning_rate: auto}}
pilots: {validation: 50}
recipe: {epochs: 2, batch_size: 25, learning_rate: 0.3}
seeds: 2
"""


@pytest.fixture
def study(tmp_path):
    file = tmp_path / "tiny.yaml"
    file.write_text(STUDY)
    return load_study(file, data=tmp_path)


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    return Workspace(store=str(tmp_path / "store"), artifacts=tmp_path / "artifacts")


def test_only_runs_whose_ids_are_known_have_labels(study):
    fixed = [cell.run(seed).id for cell in study.cells[:2] for seed in (0, 1)]
    assert list(run_labels(study)) == fixed
    assert all(label.endswith((", filters 1", ", filters 2")) for label in run_labels(study).values())


def test_after_a_copy_the_next_ones_wait_and_the_end_does_not(study, workspace, monkeypatch):
    """The next packs wait a hundred times as long as the first copy took, and go together at the end."""
    batches, is_copied, clock = [], Event(), iter(range(0, 10**9, 10**6))

    def copy(self, ids):
        batches.append(list(ids))
        is_copied.set()

    monkeypatch.setattr("scaling.api._tracking.monotonic", lambda: next(clock))
    monkeypatch.setattr(Tracking, "_copy", copy)
    first, second, third, fourth = run_labels(study)
    with Tracking("tensorboard", study, workspace, option="track") as tracking:
        tracking.add([first])
        assert is_copied.wait(timeout=60)
        tracking.add([second, "of a pilot run"])
        tracking.add([third, second])
        tracking.finish(study, [fourth])
    assert batches == [[first], [second, third, fourth]]


def test_a_store_that_cannot_be_read_is_one_failure(study, workspace, monkeypatch):
    def fail(*arguments):
        raise OSError("disk on fire")

    monkeypatch.setattr("scaling.api._tracking.read_tracked_runs", fail)
    with Tracking("tensorboard", study, workspace, option="track") as tracking:
        outcome = tracking.finish(study, run_labels(study))
    assert (outcome.failure, outcome.missing, outcome.written) == ("OSError: disk on fire", 4, 0)


def test_an_interrupted_sweep_waits_for_no_copy(study, workspace, monkeypatch):
    tracking = Tracking("tensorboard", study, workspace, option="track")

    def read(*arguments):
        assert tracking._cancelled.wait(timeout=60)
        yield "a run"

    monkeypatch.setattr("scaling.api._tracking.read_tracked_runs", read)
    tracking.add(run_labels(study))
    tracking.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    tracking._thread.join(timeout=60)
    assert not tracking._thread.is_alive()
    assert (tracking.outcome.written, tracking.outcome.failure) == (0, "")
    assert not tracking.outcome.log.exists()  # no client was started
