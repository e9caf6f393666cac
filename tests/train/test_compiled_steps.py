"""Compiled training steps against steps in torch."""

from __future__ import annotations

import signal
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor

from scaling import interruption
from scaling.architectures import (
    AnyArchitecture,
    Lenet1,
    Lenet5,
    Lenet5Of1998,
    Net1,
    Net5,
    Tree3,
    Vgg,
    Zipcode1989,
)
from scaling.config import Recipe
from scaling.config.recipe import Adam, Affine, Augmentation, Constant, Cosine, Sgd
from scaling.datasets import Synthetic
from scaling.models import build
from scaling.models.described_layers import DescribesLayers
from scaling.plan.step_choice import COMPILED_REPLICAS
from scaling.settings import ImageShape
from scaling.store import Checkpoints, open_store
from scaling.train import module, train
from scaling.train.checkpoint import METRICS
from scaling.train.compiled_steps import choice, compile_steps, steps_in_torch
from scaling.train.compiled_steps.engine import CompiledSteps
from scaling.train.compiled_steps.tile import LANES
from scaling.train.optimisers import PackOptimiser
from tests.models.networks import HISTORIC, MNIST, USPS, images
from tests.train.tiny_packs import LENET, cell, loaded_dataset, pack

RATES, DECAYS, FACTORS = [0.01, 0.0003, 0.02], [1e-2, 0.0, 1e-1], [1.0, 0.5, 0.25, 1.0, 0.1]
R, B, STEPS, BOUND = 3, 2, len(FACTORS), 1e-10
NARROW_RATE = {"lenet5_1998": 1e-3}
"""Factor of the rates of networks that would diverge."""
PLAIN = Sgd(momentum=0.0, nesterov=False)


@dataclass(frozen=True, kw_only=True, eq=False)
class Training:
    """Networks after some steps, and the sums of their losses and correct answers."""

    parameters: dict[str, Tensor]
    gradients: dict[str, Tensor]
    momenta: dict[str, Tensor]
    loss: Tensor
    correct: Tensor

    def tensors(self) -> dict[str, Tensor]:
        parts = (self.parameters, self.gradients, self.momenta)
        return {
            f"{kind} of {name}": tensor
            for kind, part in zip(("weight", "gradient", "momentum"), parts, strict=True)
            for name, tensor in part.items()
        } | {"loss": self.loss, "correct": self.correct}


def steps_of(
    spec: AnyArchitecture,
    image: ImageShape,
    recipe: Recipe,
    *,
    compiled: bool,
    dtype: torch.dtype = torch.float64,
    calls: int = 1,
    decays: list[float] | None = None,
    has_masks: bool = False,
    poisoned: int | None = None,
) -> Training:
    """Train three networks with biases that are not zero for five steps.

    Args:
        spec: networks.
        image: shape of the images.
        recipe: recipe.
        compiled: False for torch.
        dtype: precision.
        calls: number of calls of the compiled steps.
        decays: weight decay of each network.
        has_masks: True to delete a third of the weights.
        poisoned: network whose weights are NaN.
    """
    networks, generator = build(spec, image, [4, 0, 9]).to(dtype), torch.Generator().manual_seed(1)
    masks: list[Tensor | None] = []
    for name, weight in networks.weights.items():
        if name.endswith("_bias"):
            weight.data = torch.randn(weight.shape, generator=generator).to(dtype) / 10
        masks.append(torch.rand(weight.shape, generator=generator) < 2 / 3 if has_masks else None)
        if poisoned is not None:
            weight.data[poisoned] = float("nan")
    rates = [rate * NARROW_RATE.get(spec.type, 1.0) for rate in RATES]
    optimiser = PackOptimiser(
        networks.parameters(),
        recipe.optimizer,
        learning_rates=rates,
        weight_decays=decays or [0.0] * R,
        masks=masks,
    )
    pixels, labels = images(image, B * STEPS, dtype)
    loss, correct = torch.zeros(R, dtype=dtype), torch.zeros(R, dtype=dtype)
    if compiled:
        steps = CompiledSteps(networks, image, recipe, optimiser)
        size = STEPS // calls
        for first in range(0, STEPS, size):
            part = slice(first * B, (first + size) * B)
            factors = FACTORS[first : first + size]
            steps.run(pixels[part], labels[part], factors, loss=loss, correct=correct)
    else:
        for factor, shown, answers in zip(FACTORS, pixels.split(B), labels.split(B), strict=True):
            optimiser.load_schedule([factor])
            optimiser.select(torch.zeros(1, dtype=torch.int64))
            logits = networks(shown)
            losses = module.losses(logits, answers, recipe.loss, targets=recipe.targets)
            loss += losses.detach()
            correct += (logits.argmax(-1) == answers).to(dtype).mean(1)
            optimiser.zero_grad()
            losses.sum().backward()
            optimiser.step()
    named = dict(networks.named_parameters())
    return Training(
        parameters={name: weight.detach() for name, weight in named.items()},
        gradients={name: weight.grad for name, weight in named.items()},
        momenta={
            name: optimiser.state[weight].get("momentum", torch.empty(0)) for name, weight in named.items()
        },
        loss=loss,
        correct=correct,
    )


def assert_equal(one: Training, other: Training) -> None:
    for name, tensor in one.tensors().items():
        torch.testing.assert_close(
            tensor,
            other.tensors()[name],
            rtol=BOUND,
            atol=BOUND,
            msg=lambda text, name=name: f"{name}: {text}",
        )


@pytest.mark.parametrize(("spec", "image"), HISTORIC.values(), ids=HISTORIC)
def test_each_network_trains_as_in_torch(spec, image):
    recipe = Recipe(optimizer=PLAIN)
    compiled, reference = (steps_of(spec, image, recipe, compiled=compiled) for compiled in (True, False))
    assert_equal(compiled, reference)
    initial = build(spec, image, [4, 0, 9])
    assert all((weight != initial.get_parameter(name)).any() for name, weight in compiled.parameters.items())


@pytest.mark.parametrize("has_masks", [False, True], ids=["", "masks"])
@pytest.mark.parametrize("decays", [None, DECAYS], ids=["", "decays"])
@pytest.mark.parametrize(
    "rule", [PLAIN, Sgd(momentum=0.9, nesterov=False), Sgd(momentum=0.8, nesterov=True)], ids=repr
)
@pytest.mark.parametrize(
    "loss", [{"loss": "cross_entropy"}, {"loss": "mse"}, {"loss": "mse", "targets": (-1.0, 0.7)}], ids=repr
)
def test_each_option_trains_as_in_torch(loss, rule, decays, has_masks):
    compiled, reference = (
        steps_of(
            Net5(filters=2, output="tanh"),
            USPS,
            Recipe(optimizer=rule, **loss),
            compiled=compiled,
            decays=decays,
            has_masks=has_masks,
        )
        for compiled in (True, False)
    )
    assert_equal(compiled, reference)


def test_the_bits_do_not_depend_on_the_number_of_calls():
    recipe = Recipe(optimizer=Sgd(momentum=0.9))
    one, five = (
        steps_of(Zipcode1989(filters=12), USPS, recipe, compiled=True, calls=calls, dtype=torch.float32)
        for calls in (1, 5)
    )
    assert all(torch.equal(tensor, five.tensors()[name]) for name, tensor in one.tensors().items())


@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
@pytest.mark.parametrize(
    ("spec", "image"),
    [(Lenet1(filters=4), MNIST), (Zipcode1989(filters=12), USPS), (Lenet5Of1998(filters=6), MNIST)],
    ids=lambda value: getattr(value, "type", ""),
)
def test_nan_in_one_replica_changes_no_bit_of_the_others(spec, image, loss):
    recipe = Recipe(optimizer=Sgd(momentum=0.9), loss=loss)
    clean, poisoned = (
        steps_of(spec, image, recipe, compiled=True, dtype=torch.float32, decays=DECAYS, poisoned=number)
        for number in (None, 1)
    )
    for name, tensor in clean.tensors().items():
        assert torch.equal(tensor[[0, 2]], poisoned.tensors()[name][[0, 2]]), name
    assert poisoned.loss[1].isnan()
    assert all(weight[1].isnan().all() for weight in poisoned.parameters.values())


def outputs_of(spec: AnyArchitecture, image: ImageShape, sums: Tensor) -> np.ndarray:
    """Return the outputs of networks whose output units have these sums: [8, 10]."""
    networks = build(spec, image, range(8))
    for name, weight in networks.weights.items():
        weight.data.zero_()
        if name == "readout_bias":
            weight.data.copy_(sums)
    recipe = Recipe(optimizer=PLAIN, loss="mse")
    optimiser = PackOptimiser(networks.parameters(), PLAIN, learning_rates=[0.1] * 8, weight_decays=[0.0] * 8)
    steps = CompiledSteps(networks, image, recipe, optimiser)
    totals = {name: torch.zeros(8) for name in ("loss", "correct")}
    steps.run(*images(image, 1, torch.float32), [1.0], **totals)
    return steps.vectors.units[steps.layout.maps[-1].first :].T.astype(np.float64)


def test_squashing_functions_are_exact_to_some_units_of_the_last_place():
    rising = 10.0 ** torch.linspace(-6, 2.5, 40)
    sums = torch.cat([rising, -rising]).view(8, 10)
    exact = np.tanh(sums.double().numpy())
    outputs = outputs_of(Net1(filters=1, output="tanh"), USPS, sums)
    np.testing.assert_allclose(outputs, exact, rtol=3 * 2.0**-23)
    # This one is a logistic function less a constant, as in torch.
    outputs = outputs_of(Lenet1(filters=4, output="tanh"), MNIST, sums)
    np.testing.assert_allclose(outputs, 1.7159 * np.tanh(2 / 3 * sums.double().numpy()), atol=3 * 2.0**-23)


SMALL = Synthetic(size=62, test_size=20, side=16, noise=0.3, validation=10)


def historic_pack(**recipe):
    """Return a pack of eight networks for 17 steps an epoch."""
    settings = {"optimizer": Sgd(momentum=0.5), "batch_size": 3, "epochs": 2, "learning_rate": 0.05}
    return pack(cell(Net5(filters=2), SMALL, **settings | {"schedule": Cosine()} | recipe))


def trained(one_pack, **options):
    return train(one_pack, loaded_dataset(one_pack.cell.dataset), device="cpu", **options)


@pytest.mark.parametrize("augmentation", [Augmentation(), Augmentation(affine=Affine(scale=0.2, shear=0.2))])
def test_a_training_has_the_metrics_of_a_training_in_torch(augmentation):
    one_pack = historic_pack(weight_decay=1e-3, augmentation=augmentation)
    compiled = trained(one_pack)
    with steps_in_torch():
        reference = trained(one_pack)
    for one, other in zip(compiled.history, reference.history, strict=True):
        for metric in set(METRICS) - {"wall_s"}:
            torch.testing.assert_close(getattr(one, metric), getattr(other, metric), rtol=1e-4, atol=0)
    for r, weights in enumerate(compiled.weights):
        torch.testing.assert_close(weights, reference.weights[r], rtol=1e-3, atol=1e-5)


def test_a_training_resumed_within_an_epoch_has_the_bits_of_an_uninterrupted_one(tmp_path, monkeypatch):
    monkeypatch.setattr(choice, "_CALL_IMAGES", 12)
    one_pack, ends = historic_pack(), []

    def interrupt_at_second() -> None:
        ends.append(len(ends))
        if len(ends) == 2:
            signal.raise_signal(signal.SIGTERM)

    checkpoints = Checkpoints(open_store(tmp_path), one_pack.key)
    with interruption.handled_signals(), pytest.raises(interruption.Interrupted):
        trained(one_pack, checkpoints=checkpoints, on_step_end=interrupt_at_second)
    assert [name.partition(".")[0] for name in checkpoints.names()] == ["8"]
    resumed = trained(one_pack, checkpoints=checkpoints, on_step_end=lambda: ends.append(len(ends)))
    assert len(ends) == 2 + 3 + 5
    whole = trained(one_pack)
    np.testing.assert_array_equal(resumed.logits, whole.logits)
    for one, other in zip(resumed.weights, whole.weights, strict=True):
        assert all(torch.equal(weight, other[name]) for name, weight in one.items())
    for one, other in zip(resumed.history, whole.history, strict=True):
        assert torch.equal(one.train_loss, other.train_loss)
        assert torch.equal(one.train_accuracy, other.train_accuracy)
        assert torch.equal(one.zero_gradients, other.zero_gradients)


@pytest.mark.parametrize(
    ("architecture", "recipe", "seeds", "is_compiled"),
    [
        (Net5(filters=2), {}, 8, True),
        (Net5(filters=2), {"batch_size": 100}, 8, True),
        (Net5(filters=2), {"batch_size": 101}, 8, False),
        (Net5(filters=2), {"precision": "bf16"}, 8, False),
        (Net5(filters=2), {"optimizer": Adam()}, 8, False),
        (Zipcode1989(filters=60), {"batch_size": 1}, 4, False),
        (LENET, {}, 8, False),
        (Lenet5(filters=1), {"batch_size": 1}, 8, False),
    ],
    ids=lambda value: str(getattr(value, "type", value)),
)
def test_compiled_steps_serve_small_networks_in_fp32_with_gradient_descent(
    architecture, recipe, seeds, is_compiled
):
    dataset = Synthetic(size=120, test_size=20, side=16)
    one_pack = pack(cell(architecture, dataset, **{"schedule": Constant(), "learning_rate": 0.1} | recipe))
    assert one_pack.size == seeds
    networks = build(architecture, one_pack.cell.info.image, range(one_pack.size))
    optimiser = PackOptimiser(
        networks.parameters(),
        one_pack.cell.recipe.optimizer,
        learning_rates=[0.1] * seeds,
        weight_decays=[0.0] * seeds,
    )
    assert (compile_steps(one_pack, networks, optimiser) is not None) == is_compiled


def test_the_architectures_that_describe_their_layers_say_so():
    """The plan of a sweep must know, without torch, which networks compiled steps can train."""
    assert COMPILED_REPLICAS == LANES
    for architecture, image in HISTORIC.values():
        assert architecture.describes_layers
        assert isinstance(build(architecture, image, [0]), DescribesLayers)
    for architecture in (LENET, Tree3(filters=1, rows=1), Vgg(filters=1, depth=6)):
        assert not architecture.describes_layers
        assert not isinstance(build(architecture, MNIST, [0]), DescribesLayers)


def test_a_call_has_steps_for_about_a_tenth_of_a_second():
    dataset = Synthetic(size=1200, test_size=20, side=16)
    for batch_size, steps in ((1, 1000), (8, 125), (100, 10)):
        one_pack = pack(cell(Net5(filters=2), dataset, batch_size=batch_size, learning_rate=0.1))
        networks = build(one_pack.cell.architecture, USPS, range(8))
        optimiser = PackOptimiser(
            networks.parameters(), Sgd(), learning_rates=[0.1] * 8, weight_decays=[0.0] * 8
        )
        compiled = compile_steps(one_pack, networks, optimiser)
        assert compiled is not None
        assert compiled.steps_per_call == steps
