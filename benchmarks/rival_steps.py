"""The sides of a comparison of training steps: this software, and what others would write instead.

All sides train the networks of one pack with the same initial weights, minibatches, loss, optimiser and
schedule, on one thread. Each counts its own time, because one of them runs in a process of its own.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.func import functional_call, grad_and_value, stack_module_state, vmap

from benchmarks.rival_networks import compiled_max_pool, make_networks, make_plain_networks, max_pool
from scaling.architectures import AnyArchitecture, Precision
from scaling.config import Cell, CellRun, Recipe
from scaling.data import load
from scaling.datasets import AnyDataset
from scaling.models import build
from scaling.models.operations import reference_operations
from scaling.plan.packs import Pack, make_packs, pack_size
from scaling.train.device_data import DeviceDataset, load_on_device
from scaling.train.lr_schedules import lr_factor
from scaling.train.module import PackModule, losses
from scaling.train.optimisers import PackOptimiser

DTYPES: dict[Precision, torch.dtype] = {"fp32": torch.float32, "bf16": torch.bfloat16}


class RivalUnavailableError(Exception):
    """A rival cannot run on this machine; the message is the reason."""


@dataclass(frozen=True, kw_only=True, eq=False)
class StepTask:
    """What all sides compute: the training of one pack."""

    pack: Pack
    data: DeviceDataset
    minibatches: int
    """Number of minibatches, which are used in turn."""

    @property
    def recipe(self) -> Recipe:
        return self.pack.cell.recipe

    @property
    def steps_per_epoch(self) -> int:
        return len(self.data.dataset.train_index) // self.recipe.batch_size

    def batches(self, precision: Precision) -> list[tuple[Tensor, Tensor]]:
        """Return the images and labels of all minibatches, as trainings of this software get them."""
        recipe = self.recipe.model_copy(update={"precision": precision})
        minibatches = self.data.batches(recipe, self.pack.runs[0].order)
        return [minibatches.batch(0, index) for index in range(self.minibatches)]

    def lr_factor(self, step: int) -> float:
        """Return the learning rate of a step over the highest one."""
        per_epoch = self.steps_per_epoch
        return lr_factor(
            self.recipe.schedule, step, steps=self.recipe.epochs * per_epoch, steps_per_epoch=per_epoch
        )

    def learning_rate(self, step: int) -> float:
        return self.recipe.learning_rate * self.lr_factor(step)


def make_task(
    dataset: AnyDataset, network: AnyArchitecture, recipe: Recipe, *, folder: Path, minibatches: int
) -> StepTask:
    """Return the training of one pack of the size that this software chooses.

    Args:
        dataset: data set.
        network: architecture of all replicas.
        recipe: recipe with Nesterov momentum and without weight decay.
        folder: data folder.
        minibatches: number of minibatches.
    """
    loaded = load(dataset, folder=folder)
    cell = Cell(dataset=dataset, info=loaded.info, architecture=network, recipe=recipe)
    size = pack_size(network.layer_table(loaded.info.image))
    (pack,) = make_packs([CellRun(cell, cell.run(seed)) for seed in range(size)])
    return StepTask(pack=pack, data=load_on_device(loaded, torch.device("cpu")), minibatches=minibatches)


@dataclass(frozen=True, eq=False)
class StepsResult:
    """Steps that one side has done."""

    seconds: float
    losses: Tensor
    """Loss of each step and replica: [steps, R]."""


class Side(Protocol):
    """One implementation of the training of a pack."""

    precision: Precision
    form: str
    """Form of the step, if the implementation has several and has chosen one."""

    def train(self, first: int, steps: int) -> StepsResult:
        """Do the next steps; ``first`` is the number of those before."""

    def close(self) -> None:
        """End what the side has started."""


class TorchSide:
    """A side in this process, whose step computes all replicas at once."""

    form = ""

    def __init__(self, task: StepTask, precision: Precision) -> None:
        self.task, self.precision = task, precision
        self.batches = task.batches(precision)

    def train(self, first: int, steps: int) -> StepsResult:
        began = perf_counter()
        values = [self._step(step) for step in range(first, first + steps)]
        return StepsResult(perf_counter() - began, torch.stack(values))

    def close(self) -> None:
        pass

    def _step(self, step: int) -> Tensor:
        """Do one step and return the loss of each replica."""
        raise NotImplementedError

    def _batch(self, step: int) -> tuple[Tensor, Tensor]:
        return self.batches[step % len(self.batches)]


class PreparedBatches:
    """Minibatches that are made in advance and used in turn, in the place of those that a training makes."""

    def __init__(self, batches: Sequence[tuple[Tensor, Tensor]], steps_per_epoch: int) -> None:
        self.batches, self.steps_per_epoch = batches, steps_per_epoch

    def __len__(self) -> int:
        return self.steps_per_epoch

    def load_epoch(self, epoch: int) -> None:
        pass

    def select(self, step: Tensor) -> tuple[Tensor, Tensor]:
        return self.batches[int(step) % len(self.batches)]


class ScalingSide(TorchSide):
    """This software: the steps of its training."""

    def __init__(self, task: StepTask, precision: Precision) -> None:
        super().__init__(task, precision)
        self.module = PackModule(
            task.pack,
            PreparedBatches(self.batches, task.steps_per_epoch),
            test=task.data.test_split(task.recipe),
            validation=None,
            on_step_end=lambda: None,
            on_epoch_end=lambda epoch: None,
        )
        self.module.load_epoch()

    def _step(self, step: int) -> Tensor:
        self.module.step()
        values = self.module.loss.clone()
        self.module.loss.zero_()  # the module adds up the losses of an epoch
        return values


class PlainSide(TorchSide):
    """The loop of a tutorial: one network after the other."""

    def __init__(self, task: StepTask, precision: Precision) -> None:
        super().__init__(task, precision)
        self.networks = make_plain_networks(task.pack)
        self.optimisers = [make_sgd(list(network.parameters()), task) for network in self.networks]

    def train(self, first: int, steps: int) -> StepsResult:
        began = perf_counter()
        values = []
        for network, optimiser in zip(self.networks, self.optimisers, strict=True):
            for step in range(first, first + steps):
                images, labels = self._batch(step)
                set_learning_rate(optimiser, self.task.learning_rate(step))
                optimiser.zero_grad()
                loss = F.cross_entropy(network(images), labels)
                loss.backward()
                optimiser.step()
                values.append(loss.detach())
        return StepsResult(perf_counter() - began, torch.stack(values).view(-1, steps).mT)


class VmapSide(TorchSide):
    """``torch.func.vmap`` over stacked modules, with autograd through it and torch's fused SGD.

    vmap puts the replicas before the images at each pooling, so that channels_last would not survive.
    """

    def __init__(self, task: StepTask, precision: Precision) -> None:
        super().__init__(task, precision)
        self.batches = [(images.contiguous(), labels) for images, labels in self.batches]
        self.losses, self.weights = stack_networks(task, precision, max_pool)
        self.optimiser = make_sgd(list(self.weights.values()), task, fused=True)

    def _step(self, step: int) -> Tensor:
        images, labels = self._batch(step)
        set_learning_rate(self.optimiser, self.task.learning_rate(step))
        self.optimiser.zero_grad()
        values = self.losses(self.weights, images, labels)
        values.sum().backward()
        self.optimiser.step()
        return values.detach()


class CompiledSide(TorchSide):
    """``torch.compile`` of a whole step: vmap over stacked modules, gradients and SGD in one graph.

    Images are in channels_last, which the compiler keeps.
    """

    def __init__(self, task: StepTask, precision: Precision) -> None:
        super().__init__(task, precision)
        check_compiler()
        total, weights = stack_networks(task, precision, compiled_max_pool)
        self.weights = {name: weight.detach() for name, weight in weights.items()}
        self.momenta = {name: torch.zeros_like(weight) for name, weight in self.weights.items()}
        self.update = torch.compile(
            _make_update(total, task.recipe.optimizer.momentum), fullgraph=True, dynamic=False
        )

    def _step(self, step: int) -> Tensor:
        rate = torch.tensor(self.task.learning_rate(step))  # a number would be compiled into the code
        return self.update(self.weights, self.momenta, *self._batch(step), rate)


Losses = Callable[[dict[str, Tensor], Tensor, Tensor], Tensor]


def stack_networks(
    task: StepTask, precision: Precision, pool: Callable[[Tensor], Tensor]
) -> tuple[Losses, dict[str, Tensor]]:
    """Return a function from stacked weights, images and labels to the losses [R], and the weights."""
    networks = make_networks(task.pack, pool)
    weights, _ = stack_module_state(networks)
    dtype = DTYPES[precision]
    # The readout computes in fp32, as in this software.
    readout = tuple(name for name in weights if name.startswith(("fc3", "readout")))

    def network_loss(weights: dict[str, Tensor], images: Tensor, labels: Tensor) -> Tensor:
        return F.cross_entropy(functional_call(networks[0], weights, (images,)), labels)

    def all_losses(weights: dict[str, Tensor], images: Tensor, labels: Tensor) -> Tensor:
        cast = {name: value if name in readout else value.to(dtype) for name, value in weights.items()}
        return vmap(network_loss, (0, None, None))(cast, images, labels)

    return all_losses, weights


def _make_update(
    losses: Losses, momentum: float
) -> Callable[[dict[str, Tensor], dict[str, Tensor], Tensor, Tensor, Tensor], Tensor]:
    """Return a step of SGD with Nesterov momentum, which changes weights and momenta in place."""

    def total(weights: dict[str, Tensor], images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        values = losses(weights, images, labels)
        return values.sum(), values

    def update(
        weights: dict[str, Tensor], momenta: dict[str, Tensor], images: Tensor, labels: Tensor, rate: Tensor
    ) -> Tensor:
        gradients, (_, values) = grad_and_value(total, has_aux=True)(weights, images, labels)
        for name, gradient in gradients.items():
            momenta[name].mul_(momentum).add_(gradient)
            weights[name].sub_(rate * (gradient + momentum * momenta[name]))
        return values

    return update


def make_sgd(parameters: Sequence[Tensor], task: StepTask, *, fused: bool = False) -> torch.optim.SGD:
    """Return torch's SGD with the settings of a recipe."""
    rule = task.recipe.optimizer
    return torch.optim.SGD(
        parameters,
        lr=task.recipe.learning_rate,
        momentum=rule.momentum,
        nesterov=rule.nesterov,
        fused=fused or None,
    )


def set_learning_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    for group in optimiser.param_groups:
        group["lr"] = rate


def check_compiler() -> None:
    """Check that torch.compile has its C++ compiler.

    Raises:
        RivalUnavailableError: there is none.
    """
    name = os.environ.get("CXX", "g++")
    if shutil.which(name) is None:
        raise RivalUnavailableError(f"no C++ compiler {name}; install it, or name one in CXX")


def reference_losses(task: StepTask, steps: int, *, noise: float = 0.0) -> Tensor:
    """Return the losses [steps, R] of this software's reference operations in fp32.

    Args:
        task: training.
        steps: number of steps.
        noise: standard deviation of a random change of each initial weight, relative to the weight.
    """
    recipe, cell = task.recipe, task.pack.cell
    seeds = [run.seed for run in task.pack.replicas]
    networks = build(cell.architecture, cell.info.image, seeds)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in networks.parameters():
            weight.mul_(1 + noise * torch.randn(weight.shape, generator=generator))
    optimiser = PackOptimiser(
        networks.parameters(),
        recipe.optimizer,
        learning_rates=[recipe.learning_rate] * len(seeds),
        weight_decays=[0.0] * len(seeds),
    )
    optimiser.load_schedule([task.lr_factor(step) for step in range(steps)])
    batches, values = task.batches("fp32"), []
    for step in range(steps):
        images, labels = batches[step % len(batches)]
        optimiser.select(torch.tensor([step]))
        optimiser.zero_grad()
        with reference_operations():
            replica_losses = losses(networks(images), labels, recipe.loss)
        replica_losses.sum().backward()
        optimiser.step()
        values.append(replica_losses.detach())
    return torch.stack(values)
