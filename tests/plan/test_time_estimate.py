"""The time of a pack follows from the speed of the machine."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaling.architectures import Lenet1, Lenet5
from scaling.config import CellRun
from scaling.config.pruning import Pruning
from scaling.config.recipe import Adam, AdamW, Augmentation, Sgd
from scaling.datasets import Mnist
from scaling.plan.packs import Pack, make_packs
from scaling.plan.speed import NetworkKind, UpdateTime
from scaling.plan.time_estimate import pack_seconds, training_seconds
from tests.plan.example_cells import cell
from tests.plan.example_speed import POINTS, curve, speed

LENET5 = NetworkKind("lenet5", 1, "bf16")


def make_pack(filters: int, **recipe) -> Pack:
    example = cell(filters, **recipe)
    (pack,) = make_packs([CellRun(example, example.run(0))])
    return pack


@given(st.integers(1, 500))
def test_the_time_of_a_replica_increases_with_width(filters):
    narrow, wide = cell(filters), cell(filters + 1)
    assert training_seconds(narrow, 1, speed()) < training_seconds(wide, 1, speed())


def test_the_time_of_a_pack_is_the_sum_of_its_parts():
    """Computed by hand for MNIST: 700 training images in 4 whole steps of 150, and 100 validation images.

    The vectors of a step hold 16 images each, so that 10 of them hold 150.
    """
    machine_speed = speed(epoch_s=0.5, pack_start_s=2.0, augment_s={1: 0.001})
    example = replace(cell(6, epochs=3, batch_size=150), dataset=Mnist(train_images=700, validation=100))
    times = machine_speed.network_time(LENET5, example.layer_table())
    epoch_s = 0.5 + 4 * times.step_s + 8 * (4 * 160 * times.train_s + 10_100 * times.evaluate_s)
    assert training_seconds(example, 8, machine_speed) == pytest.approx(3 * epoch_s)
    (pack,) = make_packs([CellRun(example, example.run(0))])
    assert pack_seconds(pack, machine_speed) == pytest.approx(2 + 3 * epoch_s)
    flipped = replace(
        example, recipe=example.recipe.model_copy(update={"augmentation": Augmentation(flip=True)})
    )
    assert training_seconds(flipped, 8, machine_speed) == pytest.approx(3 * (epoch_s + 0.6))


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_round_of_a_pruning_adds_a_time_for_each_training_image(precision):
    """This time does not depend on the retraining: the curvature is computed once, in fp32."""
    speeds = speed(curve(*POINTS), curve(*((m, s, 2 * t, 2 * e) for m, s, t, e in POINTS), precision="fp32"))

    def added_s(images: int, epochs: int) -> float:
        example = replace(
            cell(6, epochs=epochs, precision=precision, loss="mse"), dataset=Mnist(train_images=images)
        )
        pruning = Pruning(method="random", sizes=(100,), recipe=example.recipe)
        plain = example.run(0)
        runs = (plain, plain.model_copy(update={"pruning": pruning}))
        whole, pruned = (make_packs([CellRun(example, run)])[0] for run in runs)
        return pack_seconds(pruned, speeds) - pack_seconds(whole, speeds)

    times = speeds.network_time(LENET5._replace(precision="fp32"), cell(6).layer_table())
    assert added_s(1000, 1) > 8 * 1000 * (times.train_s + 3 * times.evaluate_s)
    assert added_s(1000, 5) == pytest.approx(added_s(1000, 1))
    assert added_s(3000, 1) == pytest.approx(3 * added_s(1000, 1))


@given(st.integers(1, 1000))
def test_batches_differ_in_the_time_of_their_steps_alone(batch_size):
    """The same 1000 images in batches of one image, and in other batches without a remainder.

    Average pooling has no kernels whose vectors hold 16 images.
    """
    images = 1000 // batch_size * batch_size
    network = Lenet5(filters=6, pooling="average")
    one, other = (
        training_seconds(
            replace(cell(network, batch_size=size, epochs=1), dataset=Mnist(train_images=images)), 8, speed()
        )
        for size in (1, batch_size)
    )
    step_s = speed().network_time(LENET5, cell(6).layer_table()).step_s
    assert one - other == pytest.approx((images - images // batch_size) * step_s, abs=1e-9)


@given(st.integers(1, 1000))
def test_a_step_of_kernels_with_lanes_takes_the_time_of_whole_vectors(batch_size):
    steps = 1000 // batch_size
    example = replace(
        cell(6, batch_size=batch_size, epochs=1), dataset=Mnist(train_images=steps * batch_size)
    )
    whole = replace(
        cell(6, batch_size=16 * ceil(batch_size / 16), epochs=1),
        dataset=Mnist(train_images=steps * 16 * ceil(batch_size / 16)),
    )
    assert training_seconds(example, 8, speed()) == pytest.approx(training_seconds(whole, 8, speed()))


def test_training_time_is_proportional_to_epochs():
    first, second, third = (pack_seconds(make_pack(6, epochs=epochs), speed()) for epochs in (1, 2, 3))
    assert third - second == pytest.approx(second - first)


@pytest.mark.parametrize("optimizer", [Adam(), AdamW()])
@pytest.mark.parametrize("batch_size", [1, 100])
def test_adam_adds_a_time_to_each_step(optimizer, batch_size):
    """LeNet-5 has two convolutions and three linear layers, each with weights and biases."""
    speeds = speed(adam=UpdateTime(tensor_s=1e-3, number_s=1e-6))
    plain, adam = (cell(6, epochs=1, batch_size=batch_size, optimizer=rule) for rule in (Sgd(), optimizer))
    steps = 60_000 // batch_size
    added_s = training_seconds(adam, 8, speeds) - training_seconds(plain, 8, speeds)
    assert added_s == pytest.approx(steps * (10 * 1e-3 + 8 * plain.layer_table().parameters * 1e-6))


@pytest.mark.parametrize(
    ("recipe", "train_s"), [({}, 4.0), ({"optimizer": Adam()}, 3.0), ({"batch_size": 101}, 3.0)]
)
def test_small_historic_networks_take_the_time_of_compiled_steps(recipe, train_s):
    kind = {"architecture": "lenet1", "precision": "fp32"}
    curves = [
        curve((100, 1e-9, seconds, 1e-9), **kind, compiled=compiled)
        for seconds, compiled in ((3.0, False), (4.0, True))
    ]
    example = replace(
        cell(6, precision="fp32", epochs=1, **recipe),
        architecture=Lenet1(filters=4),
        dataset=Mnist(train_images=1010),
    )
    trained = example.recipe.images_per_epoch(1010)
    seconds = training_seconds(example, 8, speed(*curves, epoch_s=0.0))
    assert seconds == pytest.approx(trained * 8 * train_s * example.layer_table().macs / 100, rel=1e-4)
