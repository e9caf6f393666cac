"""Speed measurements train whole packs; these tests do not depend on how long that takes."""

from __future__ import annotations

from math import inf

import pytest

from scaling.architectures import Tree3
from scaling.plan.time_estimate import EVALUATION_BATCH
from scaling.train import measure_speed
from scaling.train.measure_speed import TimingCase, benchmark_cases


@pytest.fixture
def small(monkeypatch):
    """Few images and short epochs."""
    monkeypatch.setattr(measure_speed, "_IMAGES", EVALUATION_BATCH)
    monkeypatch.setattr(measure_speed, "_EPOCH_S", 0.01)
    monkeypatch.setattr(measure_speed, "_STARTS", 1)
    measure_speed._synthetic_dataset.cache_clear()
    yield
    measure_speed._synthetic_dataset.cache_clear()


def test_a_case_is_measured_by_training_it(small):
    took = measure_speed.measure_case(TimingCase(Tree3(filters=1, rows=1), 3, 8, "bf16"), 0.0)
    assert took.evaluate_s > 0
    assert 0 < took.train_s < inf


def test_measured_times_are_never_negative(small, monkeypatch):
    monkeypatch.setattr(measure_speed, "_IMAGES", 2 * measure_speed._BATCH)  # two sizes of an epoch
    monkeypatch.setattr(measure_speed, "_EPOCHS", 2)
    assert 0 <= measure_speed.measure_epoch_seconds() < inf
    assert 0 <= measure_speed.measure_augment_seconds(1) < inf
    assert 0 <= measure_speed.measure_pack_start_seconds() < inf


def test_the_time_of_other_images_and_of_the_epoch_is_subtracted(small, monkeypatch):
    """A simulated clock: 2 per training image and replica, 1 per test image and replica, 100 per epoch."""
    monkeypatch.setattr(
        measure_speed,
        "_epoch_seconds",
        lambda case, train_images, test_images: (
            100 + case.pack_size * (2.0 * train_images + 1.0 * test_images)
        ),
    )
    case = TimingCase(Tree3(filters=1, rows=1), 1, 8, "fp32")
    assert measure_speed.measure_epoch_seconds() == pytest.approx(100, abs=0.1 * 100)
    train_s, evaluate_s = measure_speed.measure_case(case, 100.0)
    assert train_s == pytest.approx(2, rel=0.01)  # the one test image
    assert evaluate_s == pytest.approx(1, rel=0.01)


def test_every_case_can_be_built_and_occurs_once():
    everything = list(benchmark_cases())
    assert len(set(everything)) == len(everything)
    for case in everything:
        assert case.layer_table.macs > 0
        case_pack, loaded_dataset = (
            case.prepare(train_images=100, test_images=1, epochs=1) if case.side < 20 else (None, None)
        )
        if case_pack is not None:
            assert (case_pack.size, len(loaded_dataset.test), len(loaded_dataset.train_index)) == (
                case.pack_size,
                1,
                100,
            )
