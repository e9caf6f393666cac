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
    assert all(0 < seconds < inf for seconds in took)


def test_measured_times_are_never_negative(small, monkeypatch):
    monkeypatch.setattr(measure_speed, "_IMAGES", 2 * measure_speed._BATCH)  # two sizes of an epoch
    monkeypatch.setattr(measure_speed, "_EPOCHS", 2)
    assert 0 <= measure_speed.measure_epoch_seconds() < inf
    assert 0 <= measure_speed.measure_augment_seconds(1) < inf
    assert 0 <= measure_speed.measure_pack_start_seconds() < inf


def simulate_clock(monkeypatch, *, step_s: float, train_s: float, evaluate_s: float, epoch_s: float) -> None:
    monkeypatch.setattr(
        measure_speed,
        "_epoch_seconds",
        lambda case, train_images, test_images, batch_size: (
            epoch_s
            + train_images / batch_size * step_s
            + case.pack_size * (train_s * train_images + evaluate_s * test_images)
        ),
    )


def test_the_times_of_step_images_and_epoch_are_told_apart(small, monkeypatch):
    """A measured step includes the one test image of its epoch."""
    simulate_clock(monkeypatch, step_s=50.0, train_s=2.0, evaluate_s=0.25, epoch_s=10.0)
    case = TimingCase(Tree3(filters=1, rows=1), 1, 8, "fp32")
    assert measure_speed.measure_epoch_seconds() == pytest.approx(10 + case.pack_size * 0.25)
    step_s, train_s, evaluate_s = measure_speed.measure_case(case, 10.0)
    assert (step_s, train_s) == pytest.approx((50 + case.pack_size * 0.25, 2))
    assert evaluate_s == pytest.approx(0.25, rel=2 / EVALUATION_BATCH)


def test_noise_never_makes_a_time_negative(small, monkeypatch):
    """Batches of 100 that seem faster than batches of 1, and an epoch shorter than an empty one."""
    simulate_clock(monkeypatch, step_s=1.0, train_s=-0.001, evaluate_s=0.0, epoch_s=0.0)
    case = TimingCase(Tree3(filters=1, rows=1), 1, 8, "fp32")
    assert all(seconds > 0 for seconds in measure_speed.measure_case(case, 5.0))


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
