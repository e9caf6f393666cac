"""Sums of the bytes of a pack's tensors, counted by hand."""

from __future__ import annotations

import pytest

from scaling.architectures import Lenet5, Tree3
from scaling.config.recipe import Adam
from scaling.plan import lane_limit
from scaling.plan.pack_memory import (
    FIRST_TRAINING_BYTES,
    LANE_OVERHEAD,
    TORCH_OVERHEAD,
    lane_bytes,
    pack_bytes,
    torch_bytes,
)
from tests.plan.example_cells import cell

PIXELS, TEST_IMAGES, CLASSES = 28**2, 10_000, 10
LENET5_PARAMETERS = 61_706
POOLED_1, POOLED_2, FULLY_CONNECTED = 6 * 14**2, 16 * 5**2, 120 + 84 + 10


def tensors(needed: int, overhead: float = LANE_OVERHEAD) -> float:
    """Return the bytes of the tensors alone."""
    return (needed - FIRST_TRAINING_BYTES) / overhead


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
@pytest.mark.parametrize(("batch_size", "lanes"), [(1, 16), (100, 112), (1000, 1008)])
def test_kernels_with_lanes_keep_pooled_maps_and_winners(precision, batch_size, lanes):
    images = (lanes + 512) * PIXELS * 12  # whole vectors of 16; 512 for the 500 of an evaluation
    weights = LENET5_PARAMETERS * (4 * 4 + 2 * 4 + 2 * 4 * 2)
    trained = (4 + 4 + 1) * (POOLED_1 + POOLED_2) + 4 * 4 * FULLY_CONNECTED
    second_input = (4 if precision == "fp32" else 4 + 4) * POOLED_1  # in bf16 also as pairs
    evaluated = max(5 * POOLED_1, second_input + 5 * POOLED_2)
    with_gaps = max(3 * 5 * POOLED_1, second_input + 3 * 5 * POOLED_2)
    kept = max(lanes * trained + 512 * evaluated, 512 * with_gaps)
    replica = weights + kept + 4 * CLASSES * TEST_IMAGES
    example = cell(6, precision=precision, batch_size=batch_size)
    assert tensors(lane_bytes(example, 8)) == pytest.approx(images + 8 * replica, abs=1)


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
def test_a_tree_has_one_groups_pooled_maps_at_a_time(precision):
    """Only the winners of an evaluation, in one byte each, are in memory for all groups."""
    pooled, units, parameters = 6 * 12**2, 16 * 3, 14_454
    images = (112 + 512) * PIXELS * 12
    weights = parameters * (4 * 4 + 2 * 4 + 2 * 4 * 2)
    trained = (4 + 1) * pooled + 4 * 4 * (units + CLASSES)
    evaluated = max(pooled, 4 * units, 4 * units + 4 * CLASSES)
    with_gaps = max(3 * pooled, 3 * 4 * units, 4 * units + 3 * 4 * CLASSES)
    kept = max(112 * trained + 512 * evaluated, 512 * with_gaps)
    replica = weights + kept + 4 * CLASSES * TEST_IMAGES
    example = cell(Tree3(filters=6, rows=4), precision=precision)
    assert tensors(lane_bytes(example, 8)) == pytest.approx(images + 8 * replica, abs=1)


def test_operations_of_torch_keep_the_maps_before_pooling():
    images = (100 + 500) * PIXELS * 8
    weights = LENET5_PARAMETERS * (4 * 4 + 2 * 4 + 2 * 4 * 2)
    conv_1, conv_2 = 6 * 28**2, 16 * 10**2
    pooled = POOLED_1 + POOLED_2
    outputs = conv_1 + conv_2 + pooled + FULLY_CONNECTED
    trained = 2 * 4 * outputs + 8 * pooled  # 8 bytes name the pixel of a maximum
    evaluated = 4 * conv_1 + (4 + 8) * POOLED_1
    replica = weights + 100 * trained + 500 * evaluated + 4 * CLASSES * TEST_IMAGES
    example = cell(Lenet5(filters=6, pooling="average"), precision="fp32")
    assert tensors(torch_bytes(example, 8), TORCH_OVERHEAD) == pytest.approx(images + 8 * replica, abs=1)


def test_adam_has_one_moment_more_than_sgd_and_it_is_in_checkpoints():
    sgd, adam = (lane_bytes(cell(6, **recipe), 8) for recipe in ({}, {"optimizer": Adam()}))
    assert tensors(adam) - tensors(sgd) == pytest.approx(8 * LENET5_PARAMETERS * 4 * 3, abs=2)


@pytest.mark.parametrize(
    ("network", "has_lanes"),
    [
        (Lenet5(filters=6), True),
        (Lenet5(filters=48, activation="tanh"), True),
        (Lenet5(filters=6, convolutions=1), True),
        (Tree3(filters=15, rows=4), True),
        (Lenet5(filters=6, kernel=3), False),
        (Lenet5(filters=6, pooling="average"), False),
    ],
)
@pytest.mark.parametrize("precision", ["bf16", "fp32"])
def test_the_architecture_says_which_operations_compute_it(monkeypatch, network, has_lanes, precision):
    monkeypatch.setattr(lane_limit, "has_bf16_tiles", lambda: False)
    example = cell(network, precision=precision)
    assert pack_bytes(example, 4) == (lane_bytes if has_lanes else torch_bytes)(example, 4)


def test_wide_networks_in_bf16_need_more_on_processors_with_products_of_matrices(monkeypatch):
    monkeypatch.setattr(lane_limit, "has_bf16_tiles", lambda: True)
    narrow, wide = cell(8), cell(9)  # 21 and 24 filters in the second convolution
    assert pack_bytes(narrow, 8) == lane_bytes(narrow, 8)
    assert pack_bytes(wide, 8) == torch_bytes(wide, 8) > lane_bytes(wide, 8)
    assert pack_bytes(cell(9, precision="fp32"), 8) == lane_bytes(cell(9, precision="fp32"), 8)
