"""The factors of muP, one by one."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from scaling.architectures import AnyArchitecture, Lenet5, ParameterScale, Tree3, Vgg
from scaling.settings import ImageShape

CIFAR10 = ImageShape(3, 32, 10)
ONE = ParameterScale()


def mup(spec: AnyArchitecture, base: int) -> AnyArchitecture:
    """Switch to muP; derived settings, such as second filters, stay derived."""
    return spec.model_validate(
        spec.model_dump(exclude_unset=True) | {"parametrization": "mup", "base_filters": base}
    )


def test_lenet5_at_four_times_its_base():
    """Only the first hidden layer has a fan-in that grows with the filters and a fan-out that does not."""
    parameter_scales = mup(Lenet5(filters=24), 6).parameter_scales(CIFAR10)
    assert parameter_scales == {
        "conv1_weight": ParameterScale(sgd=4.0),
        "conv1_bias": ParameterScale(sgd=4.0),
        "conv2_weight": ParameterScale(adam=1 / 4),
        "conv2_bias": ParameterScale(sgd=4.0),
        "hidden1_weight": ParameterScale(initial=1 / 2, sgd=1 / 4, adam=1 / 4),
        "hidden1_bias": ONE,
        "hidden2_weight": ONE,
        "hidden2_bias": ONE,
        "readout_weight": ONE,
        "readout_bias": ONE,
    }


def test_scales_of_a_readout_after_the_convolution():
    parameter_scales = mup(Lenet5(filters=3, convolutions=1, hidden=()), 6).parameter_scales(CIFAR10)
    assert parameter_scales["conv1_weight"] == parameter_scales["conv1_bias"] == ParameterScale(sgd=1 / 2)
    assert parameter_scales["readout_weight"] == ParameterScale(initial=2**0.5, sgd=2.0, adam=2.0)
    assert parameter_scales["readout_bias"] == ONE


@pytest.mark.parametrize("depth", [6, 8, 11, 13, 16])
def test_vgg(depth: int):
    spec = mup(Vgg(filters=32).model_copy(update={"depth": depth}), 4)
    parameter_scales = spec.parameter_scales(CIFAR10)
    assert parameter_scales["conv1_1_weight"] == ParameterScale(sgd=8.0)
    assert parameter_scales["readout_weight"] == ParameterScale(initial=8**-0.5, sgd=1 / 8, adam=1 / 8)
    assert parameter_scales["readout_bias"] == ONE
    others = {
        name: scale
        for name, scale in parameter_scales.items()
        if name.startswith("conv") and name.endswith("_weight") and name != "conv1_1_weight"
    }
    assert len(others) == sum(spec.convolutions_per_block) - 1
    assert set(others.values()) == {ParameterScale(adam=1 / 8)}
    vectors = {
        scale
        for name, scale in parameter_scales.items()
        if name.startswith("norm") or (name.startswith("conv") and name.endswith("_bias"))
    }
    assert vectors == {ParameterScale(sgd=8.0)}


@pytest.mark.parametrize(
    "spec",
    [Lenet5(filters=6), Lenet5(filters=5, convolutions=1, hidden=()), Vgg(filters=4)],
    ids=lambda spec: spec.type,
)
def test_every_factor_is_one_at_base_filters_and_in_the_standard_parametrisation(spec):
    assert set(mup(spec, spec.filters).parameter_scales(CIFAR10).values()) == {ONE}
    assert set(spec.parameter_scales(CIFAR10).values()) == {ONE}
    assert Tree3(filters=6).parameter_scales(CIFAR10) == {}


def test_base_filters_and_mup_require_each_other():
    with pytest.raises(
        ValidationError, match="mup needs base_filters, the width at which it is the standard one"
    ):
        Lenet5(filters=6, parametrization="mup")
    with pytest.raises(ValidationError, match="base_filters needs parametrization: mup"):
        Vgg(filters=6, base_filters=6)


def test_with_filters_keeps_base_filters():
    assert mup(Lenet5(filters=6), 6).with_filters(12) == mup(Lenet5(filters=12), 6)
