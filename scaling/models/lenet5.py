"""LeNet-5 and its relatives, R replicas at once.

Axes:
    R   replicas                     d   filters of a convolution: d1, d2
    B   images in a batch            row, col  within a filter
    C   colours

Sources: see ``scaling.architectures.lenet5``.

Set here: LeCun-normal weights, and biases that begin at zero.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from scaling.architectures import Lenet5
from scaling.leaves import ImageShape
from scaling.models.draw import Weights, lecun_normal, stack


class PackedLenet5(nn.Module):
    """Image to logits. Everything is computed in the image's precision; the weights stay in their own."""

    def __init__(self, spec: Lenet5, image: ImageShape, seeds: Sequence[int]) -> None:
        super().__init__()
        self.spec, self.image = spec, image
        self.weights = stack(self.draw, seeds)

    def draw(self, generator: torch.Generator) -> Weights:
        """One replica's weights and biases."""
        weights: Weights = {}
        for layer in self.spec.layers(self.image).layers:
            if not layer.parameters:
                continue
            outputs = layer.shape[0]
            fan_in = layer.parameters // outputs - 1
            kernel = self.spec.kernel
            shape = (outputs, fan_in // kernel**2, kernel, kernel) if layer.name.startswith("conv") else (outputs, fan_in)
            weights[f"{layer.name}_weight"] = lecun_normal(generator, *shape, fan_in=fan_in)
            weights[f"{layer.name}_bias"] = torch.zeros(outputs)
        return weights

    def forward(self, image: Float[Tensor, "B C side side"]) -> Float[Tensor, "R B classes"]:
        weights = {name: weight.to(image.dtype) for name, weight in self.weights.items()}
        replicas = len(weights["readout_bias"])
        x, padding, groups = image, self.spec.padding(self.image), 1
        for i in range(1, self.spec.convolutions + 1):
            filters, bias = weights[f"conv{i}_weight"], weights[f"conv{i}_bias"]
            d = filters.shape[1]
            if image.dtype == torch.bfloat16 and self.spec.convolutions > 1:
                filters, bias = paired(filters, bias, inputs=x.shape[1] // groups)
            x = F.conv2d(x, rearrange(filters, "R d c row col -> (R d) c row col"), bias.flatten(), padding=padding, groups=groups)
            x = self.squash(x)
            padding, groups = 0, replicas
        x = rearrange(x, "B (R d) row col -> R B d row col", R=replicas)[:, :, :d].flatten(2)
        for name in (*(f"hidden{i}" for i in range(1, len(self.spec.hidden) + 1)), "readout"):
            x = torch.baddbmm(weights[f"{name}_bias"].unsqueeze(1), x, weights[f"{name}_weight"].mT)
            if name != "readout":
                x = self.activate(x)
        return x

    def activate(self, x: Tensor) -> Tensor:
        return torch.relu(x) if self.spec.activation == "relu" else torch.tanh(x)

    def squash(self, x: Tensor) -> Tensor:
        """Activation and pooling. A rising function and a maximum commute, so the maximum goes first: a quarter of the values is left."""
        if self.spec.pooling == "max":
            return self.activate(F.max_pool2d(x, 2))
        return F.avg_pool2d(self.activate(x), 2)


def paired(filters: Float[Tensor, "R d c row col"], bias: Float[Tensor, "R d"], *, inputs: int) -> tuple[Tensor, Tensor]:
    """One more filter of zeros for each replica where their number is odd; ``inputs`` counts the channels that they see, such a one included.

    CPUs multiply bf16 channels in pairs. In a grouped convolution the last one of an odd number is paired with the next replica's first one,
    which is multiplied by zero. That is without effect unless it is not finite: then a replica that diverges takes its neighbour with it.
    """
    more = filters.shape[1] % 2
    return F.pad(filters, (0, 0, 0, 0, 0, inputs - filters.shape[2], 0, more)), F.pad(bias, (0, more))
