"""Operations of the historic networks, for R replicas at once.

Axes:
    R   replicas                     o   maps of a layer, of one replica
    B   images in a batch            c   input maps
    n   kernels, in the order of a connection table
    row, col  of a map              i, j  row and column of a window
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from scaling.architectures.history.base import HistoricArchitecture, PublishedArchitecture, Table
from scaling.models import ops_reference
from scaling.models.described_layers import Activation, FullyConnected
from scaling.models.products import baddbmm, bmm, conv2d


def uniform(generator: torch.Generator, spec: PublishedArchitecture, *shape: int, fan_in: int) -> Tensor:
    """Draw from a uniform distribution within 2.4 over the fan-in or over its square root.

    The range is ``spec.initial_range``. Source: LeCun et al. 1989, who print the fan-in itself.
    """
    limit = 2.4 / (fan_in if spec.initial_range == "fan_in" else sqrt(fan_in))
    return (2 * torch.rand(shape, generator=generator) - 1) * limit


def uniform_kernels(
    generator: torch.Generator, spec: PublishedArchitecture, table: Table, *, kernel: int
) -> Float[Tensor, "n row col"]:
    """Draw the kernels of a connection table; those of one map share its fan-in."""
    return torch.cat(
        [
            uniform(generator, spec, len(sources), kernel, kernel, fan_in=len(sources) * kernel**2)
            for sources in table
        ]
    )


def scaled_tanh(x: Tensor) -> Tensor:
    """Return 1.7159 tanh(2x/3), which has the values 1 and -1 at 1 and -1 (LeCun et al. 1998).

    It is computed as a logistic function, for which torch needs less time than for a tanh.
    """
    return -1.7159 + 2 * 1.7159 * torch.sigmoid(x * (4 / 3))


SQUASHING: dict[str, Callable[[Tensor], Tensor]] = {"tanh": torch.tanh, "scaled_tanh": scaled_tanh}


class KernelPlacement:
    """Places the kernels of a connection table in the filters of a convolution.

    Args:
        table: input maps of each output map.
        inputs: number of input maps.
        groups: number of equal parts of adjacent maps; no output map reads an input map of another part.
    """

    def __init__(self, table: Table, *, inputs: int, groups: int = 1) -> None:
        self.groups, self.shape = groups, (len(table) // groups, inputs // groups)
        outputs_per_group, inputs_per_group = self.shape
        # Once a network, not once a step: a wide table has many thousand kernels.
        targets = torch.tensor([target for target, sources in enumerate(table) for _ in sources])
        self.group, self.maps = targets // outputs_per_group, targets % outputs_per_group
        self.reads = torch.tensor([source for sources in table for source in sources]) % inputs_per_group

    def __call__(self, kernels: Float[Tensor, "R n row col"]) -> Float[Tensor, "groups o c row col"]:
        """Return the filters of all groups of all replicas, with zeros where the table has no connection."""
        if self.group.device != kernels.device:  # in the first step on a GPU; a captured step copies nothing
            self.group, self.maps, self.reads = (
                index.to(kernels.device) for index in (self.group, self.maps, self.reads)
            )
        replicas = self.groups * torch.arange(len(kernels), device=kernels.device).unsqueeze(1)
        filters = kernels.new_zeros(self.groups * len(kernels), *self.shape, *kernels.shape[2:])
        return filters.index_put((replicas + self.group, self.maps, self.reads), kernels)


def add_border(
    x: Float[Tensor, "B channels side side"], pixels: int, *, background: float
) -> Float[Tensor, "B channels out out"]:
    """Add pixels of background on each side of an image or of each map."""
    return F.pad(x, [pixels] * 4, value=background)


def convolve(
    x: Float[Tensor, "B channels height width"],
    filters: Float[Tensor, "groups o c row col"],
    *,
    stride: int = 1,
    is_image: bool = False,
) -> Float[Tensor, "B out_maps out_height out_width"]:
    """Convolve each group of maps with its own filters, without biases.

    Args:
        x: an image that all replicas share, or maps "(groups c)". A replica is one group or several.
        filters: weights of the convolution.
        stride: step between two positions, in pixels.
        is_image: True if ``x`` is an image.
    """
    groups = 1 if is_image else len(filters)
    return conv2d(x, filters.flatten(0, 1), None, padding=0, groups=groups, stride=stride)


def connect_locally(
    x: Float[Tensor, "B channels height width"],
    weights: Float[Tensor, "R o row col c i j"],
    *,
    stride: int = 1,
    is_image: bool = False,
) -> Float[Tensor, "B maps row col"]:
    """Give each unit of the output maps its own weighted sum of a window, without biases.

    Args:
        x: an image that all replicas share, or maps "(R c)".
        weights: weights of each unit.
        stride: step between two windows, in pixels.
        is_image: True if ``x`` is an image.
    """
    kernel, groups = weights.shape[-1], 1 if is_image else len(weights)
    windows = rearrange(
        x.unfold(2, kernel, stride).unfold(3, kernel, stride),
        "B (G c) row col i j -> (G row col) B (c i j)",
        G=groups,
    )
    by_position = rearrange(weights, "(G R) o row col c i j -> (G row col) (c i j) (R o)", G=groups)
    return rearrange(
        bmm(windows, by_position),
        "(G row col) B maps -> B (G maps) row col",
        G=groups,
        row=weights.shape[2],
    )


def add_biases(
    x: Float[Tensor, "B maps height width"], biases: Float[Tensor, "R o *unit"]
) -> Float[Tensor, "B maps height width"]:
    """Add one bias per map [R, o], or one per unit [R, o, height, width]."""
    biases = biases.flatten(0, 1)
    return x + (biases if biases.ndim == 3 else biases.view(-1, 1, 1))


def subsample(
    x: Float[Tensor, "B maps height width"],
    coefficients: Float[Tensor, "R o"],
    biases: Float[Tensor, "R o"],
) -> Float[Tensor, "B maps half_height half_width"]:
    """Sum windows of 2x2 pixels, multiply by each map's coefficient, and add its bias."""
    return scale_maps(F.avg_pool2d(x, 2), 4 * coefficients, biases)


def sum_windows(x: Float[Tensor, "B maps height width"]) -> Float[Tensor, "B maps half_height half_width"]:
    """Sum windows of 2x2 pixels."""
    return 4 * F.avg_pool2d(x, 2)


def scale_maps(
    x: Float[Tensor, "B maps height width"],
    coefficients: Float[Tensor, "R o"],
    biases: Float[Tensor, "R o"],
) -> Float[Tensor, "B maps height width"]:
    """Multiply by each map's coefficient, and add its bias."""
    return add_biases(x * coefficients.view(-1, 1, 1), biases)


def connect(
    x: Float[Tensor, "R B inputs"],
    weight: Float[Tensor, "R outputs inputs"],
    bias: Float[Tensor, "R outputs"],
) -> Float[Tensor, "R B outputs"]:
    """Apply a fully connected layer."""
    return baddbmm(bias.unsqueeze(1), x, weight.mT)


def to_features(x: Float[Tensor, "B maps height width"], replicas: int) -> Float[Tensor, "R B units"]:
    """Return the units of each replica's maps as one row an image."""
    return rearrange(x, "B (R o) row col -> R B (o row col)", R=replicas)


def output(
    x: Float[Tensor, "R B units"],
    weight: Float[Tensor, "R classes units"],
    bias: Float[Tensor, "R classes"],
    *,
    spec: HistoricArchitecture,
) -> Float[Tensor, "R B classes"]:
    """Compute the outputs in the precision of the weights, linear or squashed as ``spec`` says."""
    x = ops_reference.readout(x, weight.mT, bias)
    return SQUASHING[spec.squashing](x) if spec.output == "tanh" else x


def described_readout(spec: HistoricArchitecture, classes: int) -> FullyConnected:
    """Return the layer of ``output`` for compiled training steps."""
    activation: Activation = spec.squashing if spec.output == "tanh" else "linear"
    return FullyConnected(name="readout", units=classes, activation=activation)


def radial_basis(
    x: Float[Tensor, "R B units"], codes: Float[Tensor, "R classes units"]
) -> Float[Tensor, "R B classes"]:
    """Return minus the squared distance to the code of each class, in the precision of the codes.

    The square is expanded, so that the distances are a product of matrices.
    """
    x = x.to(codes.dtype)
    products = ops_reference.readout(x, 2 * codes.mT, None)
    return products - x.square().sum(-1, keepdim=True) - codes.square().sum(-1).unsqueeze(-2)
