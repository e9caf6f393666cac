"""Feature maps against torch's own layers, and filters against the stored ones."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save
from torch import Tensor, nn

from scaling.architectures import Lenet5, Net1, Net2, Net3, Net5, Zipcode1989
from scaling.errors import StoreError
from scaling.models import build, named_weights
from scaling.models.feature_maps import extract
from tests.models.networks import NETWORKS, USPS, VGGS, images
from tests.models.plain_networks import plain

LOOKED_AT = NETWORKS | VGGS


def trained(spec, image) -> dict[str, Tensor]:
    """Return the weights of one network, with running statistics after some batches."""
    module = build(spec, image, [3])
    with torch.no_grad():
        for _ in range(3):
            module(2 * images(image, 8, torch.float32)[0] + 1)
    return {name: value[0] for name, value in named_weights(module).items()}


def stored(values: dict[str, Tensor]) -> bytes:
    return save({name: value.contiguous() for name, value in values.items()})


@pytest.mark.parametrize(("spec", "image"), LOOKED_AT.values(), ids=LOOKED_AT)
def test_maps_and_logits_equal_those_of_plain_layers(spec, image):
    values, pixels = trained(spec, image), images(image, 1, torch.float32)[0]
    network = plain(spec, image, values).eval()
    expected_maps: dict[str, Tensor] = {}

    def keep(name: str, part: nn.Module, given: object, out: Tensor) -> None:
        expected_maps[name.replace("norm", "conv")] = out

    for name, part in network.named_modules():
        if isinstance(part, nn.Conv2d | nn.BatchNorm2d):
            part.register_forward_hook(partial(keep, name))
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean, part.running_var = values[f"{name}_mean"], values[f"{name}_variance"]
    logits = network(pixels)
    seen = extract(spec, image, stored(values), pixels)
    assert list(seen.maps) == list(expected_maps)
    # fp32 sums in another order: 2^-24 a sum, of up to some hundreds of products.
    for name, expected in expected_maps.items():
        torch.testing.assert_close(
            torch.from_numpy(seen.maps[name]), expected[0].detach(), rtol=1e-4, atol=1e-4
        )
    torch.testing.assert_close(torch.from_numpy(seen.logits), logits[0].detach(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("spec", "image"), LOOKED_AT.values(), ids=LOOKED_AT)
def test_filters_are_the_weights_of_the_first_convolution(spec, image):
    values, pixels = trained(spec, image), images(image, 1, torch.float32)[0]
    seen = extract(spec, image, stored(values), pixels)
    conv = next(part for part in plain(spec, image, values).modules() if isinstance(part, nn.Conv2d))
    assert torch.equal(torch.from_numpy(seen.filters), conv.weight)


@pytest.mark.parametrize("spec", [Zipcode1989(filters=12), Net5(filters=2)], ids=lambda spec: spec.type)
def test_maps_of_a_historic_network_include_the_bias_of_each_unit(spec):
    values, pixels = trained(spec, USPS), images(USPS, 1, torch.float32)[0]
    values["h1_bias"] = torch.randn(values["h1_bias"].shape, generator=torch.Generator().manual_seed(0))
    maps = extract(spec, USPS, stored(values), pixels).maps
    assert [values.shape for values in maps.values()] == [
        layer.shape for layer in spec.layer_table(USPS).layers[:2]
    ]
    padding = values["h1_weight"].shape[-1] // 2
    padded = F.pad(pixels, (padding,) * 4, value=-1)
    expected = F.conv2d(padded, values["h1_weight"], stride=2)[0] + values["h1_bias"]
    torch.testing.assert_close(torch.from_numpy(maps["h1"]), expected)


@pytest.mark.parametrize(
    ("spec", "shape"),
    [
        (Net1(filters=1), (10, 1, 16, 16)),
        (Net2(filters=12), (12, 1, 16, 16)),
        (Net3(filters=1), (64, 1, 3, 3)),
    ],
    ids=lambda value: getattr(value, "type", None),
)
def test_units_that_do_not_share_weights_have_filters_of_their_own(spec, shape):
    values, pixels = trained(spec, USPS), images(USPS, 1, torch.float32)[0]
    seen = extract(spec, USPS, stored(values), pixels)
    first = spec.layer_table(USPS).layers[0].name
    assert np.array_equal(seen.filters, values[f"{first}_weight"].reshape(shape).numpy())
    assert seen.maps == {}


def test_damaged_weights_and_weights_of_another_network_are_refused():
    spec, image = NETWORKS["lenet5"]
    pixels = images(image, 1, torch.float32)[0]
    data = stored(trained(spec, image))
    with pytest.raises(StoreError, match=r"damaged.*train it again"):
        extract(spec, image, data[:100], pixels)
    with pytest.raises(StoreError, match="not those of lenet5 of 7 filters"):
        extract(Lenet5(filters=7), image, data, pixels)
