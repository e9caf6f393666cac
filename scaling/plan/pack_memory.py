"""Bytes that the training of a pack needs: a sum over its tensors, and what a process needs once."""

from __future__ import annotations

from itertools import pairwise
from math import ceil

from scaling.architectures import Layer, LayerKind
from scaling.config import Cell
from scaling.config.recipe import Adam, AdamW
from scaling.plan.step_choice import has_image_lanes, images_in_lanes, trains_in_compiled_steps
from scaling.plan.time_estimate import EVALUATION_BATCH

MIB = 2**20
FIRST_TRAINING_BYTES = 150 * MIB
"""Bytes that stay allocated after the first training of a process: code and buffers of the libraries.

Set here: a rounded measurement. A training that also compiles kernels, once on a machine, needs up to 90 MiB
more, for which ``WORKER_BYTES`` has room.
"""
TORCH_OVERHEAD, LANE_OVERHEAD = 1.45, 1.1
"""Bytes that the allocator holds over bytes requested, in torch and with lanes: gaps are not returned.

Set here: rounded measurements.
"""
_GAPS = 3
"""Number of times that the outputs of an evaluated layer can be in memory, if lanes compute them.

Set here: a rounded measurement. They are one tensor, and the gap that it leaves is too small for that of the
next batch once a smaller tensor is in it.
"""
_FP32 = 4
"""Bytes of a number in fp32."""


def pack_bytes(cell: Cell, size: int) -> int:
    """Return an upper bound of the bytes for a pack of ``size`` replicas on a CPU."""
    return lane_bytes(cell, size) if has_image_lanes(cell) else torch_bytes(cell, size)


def torch_bytes(cell: Cell, size: int) -> int:
    """Return an upper bound of the bytes if torch's own operations compute the network.

    Training and evaluation request tensors of different sizes, so neither can reuse all of the other's
    memory: both add up.
    """
    image = cell.info.image
    item = _item_bytes(cell)
    images = (cell.recipe.batch_size + EVALUATION_BATCH) * image.channels * image.side**2 * (4 + item)
    replica = _weight_bytes(cell, item) + _training_step_bytes(cell, item) + _evaluation_bytes(cell, item)
    is_compiled = trains_in_compiled_steps(cell, size)
    compiler = cell.architecture.memory_profile.compiler_bytes if is_compiled else 0
    return FIRST_TRAINING_BYTES + compiler + ceil(TORCH_OVERHEAD * (images + size * replica))


def lane_bytes(cell: Cell, size: int) -> int:
    """Return an upper bound of the bytes if kernels with images as lanes compute the network.

    They keep no map before pooling. An image exists as the data set's normalised pixels, and twice in the
    order of the lanes: as numbers and as pairs or a copy.
    """
    image = cell.info.image
    trained, evaluated = map(images_in_lanes, (cell.recipe.batch_size, EVALUATION_BATCH))
    images = (trained + evaluated) * image.channels * image.side**2 * 3 * _FP32
    step = trained * _lane_step_bytes(cell)
    evaluation, with_gaps = (evaluated * _lane_evaluation_bytes(cell, times) for times in (1, _GAPS))
    # Gaps of a training step that is larger than the evaluation have room for its tensors.
    replica = _weight_bytes(cell, _FP32) + max(step + evaluation, with_gaps) + _logit_bytes(cell)
    return FIRST_TRAINING_BYTES + ceil(LANE_OVERHEAD * (images + size * replica))


def _lane_step_bytes(cell: Cell) -> int:
    """Return the bytes of all layers' outputs for an image of a training step.

    A pooled map has its gradient, unless only one group has one at a time, and in one byte, the number of the
    pixel that each maximum comes from. The outputs of a fully connected layer have their gradient, and a copy
    of it in two orders.
    """
    pooled = (1 if cell.architecture.memory_profile.pools_by_group else 2) * _FP32 + 1
    number = {LayerKind.CONVOLUTION: 0, LayerKind.POOLING: pooled}
    return sum(number.get(layer.kind, 4 * _FP32) * layer.units for layer in cell.layer_table().layers)


def _lane_evaluation_bytes(cell: Cell, times: int) -> int:
    """Return the bytes of an image's inputs and outputs of one layer, the most of all layers.

    A second convolution in bf16 sees pairs of pixels, which are a second copy of its maps.

    Args:
        cell: cell of the replica.
        times: number of times that the outputs are in memory.
    """
    by_group = cell.architecture.memory_profile.pools_by_group
    has_pairs = cell.recipe.precision == "bf16"
    most = inputs = 0
    for layer in cell.layer_table().layers:
        if layer.kind is LayerKind.CONVOLUTION:
            continue
        is_pooling = layer.kind is LayerKind.POOLING
        number = 0 if is_pooling and by_group else _FP32
        most = max(
            most, (1 + (has_pairs and is_pooling)) * inputs + times * (number + is_pooling) * layer.units
        )
        inputs = number * layer.units
    return most


def _item_bytes(cell: Cell) -> int:
    return _FP32 if cell.recipe.precision == "fp32" else 2


def _weight_bytes(cell: Cell, item: int) -> int:
    """Return the bytes of one replica's weights, gradients, moments and checkpoint.

    Weights are in fp32, with gradients, moments and an update, and a second time in the precision of the
    products. A checkpoint exists twice: as tensors and as a file.

    Args:
        cell: cell of the replica.
        item: bytes of a number in the recipe's precision.
    """
    moments = 2 if isinstance(cell.recipe.optimizer, Adam | AdamW) else 1
    return cell.layer_table().parameters * (4 * (3 + moments) + 2 * item + 2 * 4 * (1 + moments))


def _training_step_bytes(cell: Cell, item: int) -> int:
    """Return the bytes of one replica's layer outputs, gradients and pooling indices in a training step."""
    hidden = 2 * item * cell.architecture.hidden_numbers(cell.info.image)
    return cell.recipe.batch_size * sum(
        (
            (2 * item + _pooling_index_bytes(cell, layer, item)) * _output_units(cell, layer, item)
            for layer in cell.layer_table().layers
        ),
        start=hidden,
    )


def _evaluation_bytes(cell: Cell, item: int) -> int:
    """Return the bytes of one replica's largest layer with the next layer, and of all test logits."""
    copies = cell.architecture.memory_profile.fp32_evaluation_copies if item == _FP32 else 2
    layers = cell.layer_table().layers
    largest = max(
        (
            item * copies * _output_units(cell, layer, item)
            + (item + _pooling_index_bytes(cell, after, item)) * _output_units(cell, after, item)
            for layer, after in pairwise(layers)
        ),
        default=item * copies * _output_units(cell, layers[-1], item),
    )
    return EVALUATION_BATCH * largest + _logit_bytes(cell)


def _logit_bytes(cell: Cell) -> int:
    """Return the bytes of all test logits of one replica: in float16, and a copy."""
    return 2 * 2 * cell.info.image.classes * cell.info.test_images


def _output_units(cell: Cell, layer: Layer, item: int) -> int:
    """Return the numbers in a layer's output, with the feature maps that pad it."""
    multiple = cell.architecture.memory_profile.bf16_channel_multiple
    if item == 4 or not layer.is_feature_map:
        return layer.units
    channels = layer.shape[0]
    return layer.units // channels * (channels + -channels % multiple)


def _pooling_index_bytes(cell: Cell, layer: Layer, item: int) -> int:
    """Return the bytes per pooled pixel that name the largest pixel of its window."""
    if layer.kind is not LayerKind.POOLING:
        return 0
    return 8 if item == 4 else cell.architecture.memory_profile.bf16_pooling_index_bytes
