"""Speed measurements train whole packs; these tests do not depend on how long that takes."""

from __future__ import annotations

from math import fsum, inf

import pytest

from scaling.architectures import Net5, Tree3
from scaling.plan.speed_file import default_speed
from scaling.plan.time_estimate import EVALUATION_BATCH
from scaling.train import measure_speed, pack
from scaling.train.measure_speed import EpochTime, TimingCase, benchmark_cases
from scaling.train.module import PackModule


@pytest.fixture
def small(monkeypatch):
    """Few images and short epochs."""
    monkeypatch.setattr(measure_speed, "_IMAGES", EVALUATION_BATCH)
    monkeypatch.setattr(measure_speed, "_EPOCH_S", 0.01)
    monkeypatch.setattr(measure_speed, "_STARTS", 1)
    measure_speed._synthetic_dataset.cache_clear()
    yield
    measure_speed._synthetic_dataset.cache_clear()


EMPTY = EpochTime(0.0, 0.0)


def test_a_case_is_measured_by_training_it(small):
    took = measure_speed.measure_steps(TimingCase(Tree3(filters=1, rows=1), 3, 8, "bf16"), EMPTY)
    assert all(0 < seconds < inf for seconds in took)


def test_measured_times_are_never_negative(small, monkeypatch):
    monkeypatch.setattr(measure_speed, "_IMAGES", 2 * measure_speed._BATCH)  # two sizes of an epoch
    monkeypatch.setattr(measure_speed, "_EPOCHS", 2)
    monkeypatch.setattr(measure_speed, "_UPDATES", 3)
    assert all(0 <= seconds < inf for seconds in measure_speed.measure_empty_epoch())
    for augmentation in (measure_speed.CROP_AND_FLIP, measure_speed.AFFINE):
        assert 0 <= measure_speed.measure_augment_seconds(1, augmentation) < inf
    adam = measure_speed.measure_adam()
    assert 0 <= adam.tensor_s < inf
    assert 0 <= adam.number_s < inf
    assert 0 <= measure_speed.measure_pack_start_seconds() < inf


@pytest.mark.parametrize("compiled", [False, True])
def test_a_case_is_trained_with_its_kind_of_steps(small, monkeypatch, compiled):
    modules = []

    class RecordedModule(PackModule):
        def __init__(self, *arguments, **options) -> None:
            super().__init__(*arguments, **options)
            modules.append(self)

    monkeypatch.setattr(pack, "PackModule", RecordedModule)
    case = TimingCase(Net5(filters=2), 1, 16, "fp32", compiled)
    assert case.can_be_compiled
    measure_speed.measure_steps(case, EMPTY)
    assert modules
    assert all((module.compiled_steps is not None) == compiled for module in modules)


def simulate_clock(
    monkeypatch, *, step_s: float, train_s: float, evaluate_s: float, empty: EpochTime
) -> None:
    monkeypatch.setattr(
        measure_speed,
        "_measure_epoch",
        lambda case, train_images, test_images, batch_size, epochs=0: EpochTime(
            empty.train_s
            + train_images
            / batch_size
            * (step_s + case.pack_size * train_s * case.images_in_step(batch_size)),
            empty.evaluate_s + case.pack_size * evaluate_s * test_images,
        ),
    )


def test_the_times_of_step_images_and_epoch_are_told_apart(small, monkeypatch):
    simulate_clock(monkeypatch, step_s=50.0, train_s=2.0, evaluate_s=0.25, empty=EpochTime(10.0, 3.0))
    case = TimingCase(Tree3(filters=1, rows=1), 1, 8, "fp32")
    empty = measure_speed.measure_empty_epoch()
    assert empty == pytest.approx((10, 3))
    times = measure_speed.measure_steps(case, empty)
    assert measure_speed.network_time(case, times) == pytest.approx((50, 2, 0.25))


def test_noise_never_makes_a_time_negative(small, monkeypatch):
    """Batches of 100 that seem faster than batches of 1, and an epoch shorter than an empty one."""
    simulate_clock(monkeypatch, step_s=1.0, train_s=-0.001, evaluate_s=1e-9, empty=EMPTY)
    case = TimingCase(Tree3(filters=1, rows=1), 1, 8, "fp32")
    times = measure_speed.measure_steps(case, EpochTime(5.0, 5.0))
    assert all(seconds > 0 for seconds in measure_speed.network_time(case, times))


def test_the_measured_epochs_fit_into_two_minutes(monkeypatch):
    """On the machine of the default speed, by its own times; 20 seconds are left for all else."""
    machine_speed, epochs_s = default_speed(), []

    def simulate_epoch(case, *, train_images, test_images, batch_size, epochs=measure_speed._EPOCHS):
        time = machine_speed.network_time(case.kind, case.layer_table)
        step_s = time.step_s + case.pack_size * case.images_in_step(batch_size) * time.train_s
        epoch = EpochTime(train_images // batch_size * step_s, case.pack_size * test_images * time.evaluate_s)
        epochs_s.append(epochs * (sum(epoch) + machine_speed.epoch_s))
        return epoch

    monkeypatch.setattr(measure_speed, "_measure_epoch", simulate_epoch)
    for case in benchmark_cases():
        measure_speed.measure_steps(case, EMPTY)
    assert fsum(epochs_s) < 100


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
