"""The coordinate check of muP: the change of each layer's output after a few steps, over widths.

In muP the change has a limit. In the standard parametrisation the change of some layers grows or vanishes as
a power of the width.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from scaling.architectures import AnyArchitecture, Lenet5, ParameterScale, Vgg
from scaling.config.recipe import AdamW, Sgd
from scaling.models import build
from scaling.settings import ImageShape
from scaling.train.module import losses
from scaling.train.optimisers import PackOptimiser
from tests.models.networks import MNIST, USPS
from tests.models.plain_networks import plain

pytestmark = pytest.mark.simulation

R, B, BASE = 4, 30, 4
FLAT, STEEP = 0.3, 0.5
"""Powers of the width: at most FLAT in each layer if there is a limit, else at least STEEP in some layer.

The part of a change that comes from initial values falls as width ** -1/2, so enough must be learned to show
a limit.
"""


def patterns(shape: ImageShape) -> tuple[Tensor, Tensor]:
    """Return images with one pattern per class and noise. With noise alone, gradients would average out."""
    generator = torch.Generator().manual_seed(7)
    labels = torch.arange(B) % shape.classes
    pattern = torch.randn(shape.classes, shape.channels, shape.side, shape.side, generator=generator)[labels]
    return pattern + 0.5 * torch.randn(pattern.shape, generator=generator), labels


def put_out(module: nn.Module, spec: AnyArchitecture, image: ImageShape, pixels: Tensor) -> dict[str, Tensor]:
    """Return the outputs of layers in all replicas, after batch norm if there is one."""
    changes_by_width = defaultdict(list)
    before = "norm" if spec.type == "vgg" else "conv"
    for r in range(R):
        network = plain(spec, image, {name: weight[r].detach() for name, weight in module.weights.items()})
        for name, layer in network.named_children():
            if name.startswith((before, "hidden", "readout")) and "activation" not in name:
                layer.register_forward_hook(
                    lambda _, given, out, name=name: changes_by_width[name].append(out)
                )
        with torch.no_grad():
            network(pixels)
    return {name: torch.stack(outs) for name, outs in changes_by_width.items()}


def changes(
    spec: AnyArchitecture, image: ImageShape, rule: Sgd | AdamW, rate: float, steps: int
) -> dict[str, float]:
    """Return the root mean square change of each layer over replicas, images and units."""
    module = build(spec, image, range(R))
    scales = [
        spec.parameter_scales(image).get(name.removeprefix("weights."), ParameterScale())
        for name, _ in module.named_parameters()
    ]
    rates = [scale.sgd if isinstance(rule, Sgd) else scale.adam for scale in scales]
    optimiser = PackOptimiser(
        module.parameters(), rule, learning_rates=[rate] * R, weight_decays=[0.0] * R, scales=rates
    )
    pixels, labels = patterns(image)
    first = put_out(module, spec, image, pixels)
    optimiser.load_schedule([1.0] * steps)
    for step in range(steps):
        optimiser.zero_grad()
        losses(module(pixels), labels, "cross_entropy").sum().backward()
        optimiser.select(torch.tensor([step]))
        optimiser.step()
    last = put_out(module, spec, image, pixels)
    return {name: (last[name] - first[name]).square().mean().sqrt().item() for name in first}


def powers(
    spec: AnyArchitecture, image: ImageShape, rule: Sgd | AdamW, rate: float, steps: int, widths: list[int]
) -> dict[str, float]:
    """Return the power of the width with which the change of each layer grows, between two widths."""
    narrow, wide = (changes(spec.with_filters(width), image, rule, rate, steps) for width in widths)
    return {name: np.log(wide[name] / narrow[name]) / np.log(widths[1] / widths[0]) for name in narrow}


HIDDEN, SHALLOW, DEEP = (
    Lenet5(filters=BASE, hidden=(24,)),
    Lenet5(filters=BASE, convolutions=1, hidden=()),
    Vgg(filters=BASE, depth=6),
)
CASES = {
    "lenet5, sgd": (HIDDEN, USPS, Sgd(), 0.02, 16, [8, 32]),
    "lenet5, adamw": (HIDDEN, USPS, AdamW(), 0.005, 16, [8, 32]),
    "lenet5 with nothing hidden, sgd": (SHALLOW, USPS, Sgd(), 0.02, 16, [8, 32]),
    "lenet5 with nothing hidden, adamw": (SHALLOW, USPS, AdamW(), 0.003, 16, [8, 32]),
    "vgg, sgd": (DEEP, MNIST, Sgd(), 0.01, 5, [4, 16]),
    "vgg, adamw": (DEEP, MNIST, AdamW(), 0.002, 5, [4, 16]),
}


@pytest.mark.parametrize(("spec", "image", "rule", "rate", "steps", "widths"), CASES.values(), ids=CASES)
def test_changes_are_bounded_under_mup_but_not_under_the_standard_parametrisation(
    spec, image, rule, rate, steps, widths
):
    transferring = spec.model_validate(
        spec.model_dump(exclude_unset=True) | {"parametrization": "mup", "base_filters": BASE}
    )
    mup, standard = (powers(each, image, rule, rate, steps, widths) for each in (transferring, spec))
    assert max(map(abs, mup.values())) < FLAT, mup
    assert max(map(abs, standard.values())) > STEEP, standard
