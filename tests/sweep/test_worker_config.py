"""Data sets of a worker: sent with its configuration or read once, and always those of the plan."""

from __future__ import annotations

import pytest

from scaling.data import load
from scaling.errors import DataError
from tests.sweep.planted_training import DATASET, worker_config


def test_preloaded_dataset_is_used_and_must_be_the_planned_one(tmp_path):
    preloaded, other = load(DATASET, folder=tmp_path), DATASET.model_copy(update={"draw": 1})
    config = worker_config(tmp_path, preloaded={DATASET: preloaded})
    assert config.load_dataset(DATASET, DATASET.info(tmp_path)) is preloaded
    assert config.load_dataset(other, other.info(tmp_path)).info == other.info(tmp_path)
    with pytest.raises(DataError, match="changed since the study was planned"):
        config.load_dataset(DATASET, other.info(tmp_path))


def test_worker_reads_a_dataset_once(tmp_path):
    first, second = (worker_config(tmp_path).load_dataset(DATASET, DATASET.info(tmp_path)) for _ in range(2))
    assert first is second
