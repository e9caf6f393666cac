"""A pack as a LightningModule: R networks with one loss each, reduced over R only for the backward pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from scaling import interruption
from scaling.architectures import ParameterScale
from scaling.config.recipe import Recipe, Sgd
from scaling.data.minibatches import Minibatches
from scaling.models import build, load_weights, named_weights, trained_weights
from scaling.plan import Pack
from scaling.plan.time_estimate import EVALUATION_BATCH
from scaling.train.checkpoint import StateBounds, TrainingState
from scaling.train.compiled_steps import compile_steps
from scaling.train.device_data import DeviceSplit
from scaling.train.epoch_metrics import EpochMetrics
from scaling.train.lr_schedules import lr_factor
from scaling.train.optimisers import PackOptimiser
from scaling.train.step_capture import CapturedStep, make_capture
from scaling.train.zero_gradients import weighted_layers, zero_gradient_fractions

if TYPE_CHECKING:
    from scaling.train.compiled_steps.engine import CompiledSteps


def losses(
    logits: Float[Tensor, "R B classes"],
    labels: Int[Tensor, " B"],
    kind: str,
    *,
    targets: tuple[float, float] = (0.0, 1.0),
) -> Float[Tensor, " R"]:
    """Return each replica's mean loss over the batch.

    Args:
        logits: logits of each replica.
        labels: class of each image.
        kind: ``cross_entropy``, or ``mse`` against the targets.
        targets: targets of ``mse`` for the wrong classes and for the correct class.
    """
    R, B, _ = logits.shape
    if kind == "mse":
        wrong, correct = targets
        expected = torch.full_like(logits[0], wrong).scatter_(1, labels.unsqueeze(1), correct)
        return (logits - expected).square().mean(dim=(1, 2))
    # The images are the last axis in memory, along which torch computes with vectors.
    return F.cross_entropy(logits.mT, labels.expand(R, B), reduction="none").mean(1)


@dataclass(frozen=True, kw_only=True, eq=False)
class Evaluation:
    """Metrics of all replicas on one split."""

    loss: Tensor
    """Mean loss: [R]."""
    logits: Tensor
    """Logits as they are stored: float16, [R, images, classes]."""
    accuracy: Tensor
    """Accuracy, counted from the stored logits: float64, [R]."""


@dataclass(frozen=True, kw_only=True, eq=False)
class StartingPoint:
    """Weights from which a training starts, with the names of ``scaling.models.named_weights``."""

    weights: dict[str, Tensor]
    """Weights of all replicas, 0 where they are deleted."""
    masks: dict[str, Tensor]
    """False for the deleted weights, which stay 0."""


@torch.inference_mode()
def evaluate(networks: nn.Module, split: DeviceSplit, recipe: Recipe) -> Evaluation:
    """Evaluate all replicas on a split.

    Args:
        networks: networks with R as the first axis of each parameter.
        split: images and labels.
        recipe: recipe with the loss.

    Raises:
        Interrupted: an interruption is requested.
    """
    networks.eval()
    total, correct = torch.zeros(()), torch.zeros((), dtype=torch.float64)
    stored = []
    for images, labels in split.batches(EVALUATION_BATCH):
        interruption.check()
        logits = networks(images).float()
        total = total + losses(logits, labels, recipe.loss, targets=recipe.targets) * len(labels)
        stored.append(logits.half())
        correct = correct + (stored[-1].argmax(-1) == labels).sum(1)
    networks.train()
    return Evaluation(
        loss=(total / len(split)).cpu(),
        logits=torch.cat(stored, dim=1).cpu(),
        accuracy=(correct / len(split)).cpu(),
    )


class PackModule(pl.LightningModule):
    """Trains a pack and evaluates it after each epoch."""

    loss: Tensor
    correct: Tensor

    def __init__(
        self,
        pack: Pack,
        batches: Minibatches,
        *,
        test: DeviceSplit,
        validation: DeviceSplit | None,
        on_step_end: Callable[[], None],
        on_epoch_end: Callable[[EpochMetrics], None],
        start: StartingPoint | None = None,
    ) -> None:
        super().__init__()
        # Automatic optimisation would pass closures to the optimiser, which cost time in the short step of a
        # narrow pack.
        self.automatic_optimization = False
        self.pack, self.batches, self.test, self.validation = pack, batches, test, validation
        self.steps_per_epoch = len(batches)
        self.step_callback, self.epoch_callback = on_step_end, on_epoch_end
        self.recipe: Recipe = pack.cell.recipe
        self.networks = build(
            pack.cell.architecture, pack.cell.info.image, [run.seed for run in pack.replicas]
        )
        self.masks: dict[str, Tensor] = {}
        if start is not None:
            load_weights(self.networks, start.weights)
            self.masks = start.masks
        self.register_buffer("loss", torch.zeros(pack.size), persistent=False)
        self.register_buffer("correct", torch.zeros(pack.size), persistent=False)
        self.diverged = torch.zeros(pack.size, dtype=torch.bool)
        self.zero_gradients = torch.empty(0)
        self.history: list[EpochMetrics] = []
        self.logits = torch.empty(0)
        self.epoch_step = 0
        """Number of steps that are done in the epoch in progress."""
        self.start = monotonic()
        device = test.labels.device
        self.to(device)
        self.optimiser = self._make_optimiser()
        self.step_index = torch.zeros(1, dtype=torch.int64, device=device)
        """Number of the next step in its epoch, on the device: ``epoch_step`` for the step itself."""
        capture = make_capture(device)
        self.captured_step = CapturedStep(self._step, capture) if capture else None
        self.compiled_steps = compile_steps(pack, self.networks, self.optimiser)

    @property
    def completed_epochs(self) -> int:
        """Number of epochs that have ended, those before a checkpoint included."""
        return len(self.history)

    @property
    def completed_steps(self) -> int:
        """Number of steps that are done, those before a checkpoint included."""
        return self.completed_epochs * self.steps_per_epoch + self.epoch_step

    def state(self) -> TrainingState:
        """Return the state after the last step; it shares the tensors of the training."""
        return TrainingState(
            networks=named_weights(self.networks),
            optimiser=self._optimiser_tensors(),
            history=self.history,
            diverged=self.diverged,
            step=self.epoch_step,
            loss=self.loss,
            correct=self.correct,
            zero_gradients=self.zero_gradients,
            wall_s=monotonic() - self.start,
        )

    @property
    def state_bounds(self) -> StateBounds:
        """Return the sizes that bound the numbers in a state."""
        return StateBounds(
            epochs=self.recipe.epochs,
            steps_per_epoch=self.steps_per_epoch,
            fractions=1 + len(weighted_layers(self.pack.layer_table)),
        )

    def resume(self, state: TrainingState) -> None:
        """Continue from a state, before the training begins."""
        load_weights(self.networks, state.networks)
        for name, tensor in self._optimiser_tensors().items():
            tensor.copy_(state.optimiser[name])
        self.history, self.diverged, self.epoch_step = state.history, state.diverged, state.step
        self.loss.copy_(state.loss)
        self.correct.copy_(state.correct)
        self.zero_gradients = state.zero_gradients
        self.start -= state.wall_s

    def _optimiser_tensors(self) -> dict[str, Tensor]:
        return {
            f"{name}.{kind}": tensor
            for name, weight in self.networks.named_parameters()
            for kind, tensor in self.optimiser.state[weight].items()
        }

    def configure_optimizers(self) -> PackOptimiser:
        return self.optimiser

    def _make_optimiser(self) -> PackOptimiser:
        recipes = [run.last_recipe for run in self.pack.replicas]
        return PackOptimiser(
            self.networks.parameters(),
            self.recipe.optimizer,
            learning_rates=[recipe.learning_rate for recipe in recipes],
            weight_decays=[recipe.weight_decay for recipe in recipes],
            scales=self.learning_rate_scales(),
            masks=[
                mask.to(weight.device) if (mask := self.masks.get(name)) is not None else None
                for name, weight in trained_weights(self.networks).items()
            ],
        )

    def learning_rate_scales(self) -> list[float]:
        """Return the factor of each parameter's learning rate."""
        cell = self.pack.cell
        scale_by_name = cell.architecture.parameter_scales(cell.info.image)
        scales = [
            scale_by_name.get(name.removeprefix("weights."), ParameterScale())
            for name, _ in self.networks.named_parameters()
        ]
        return [scale.sgd if isinstance(self.recipe.optimizer, Sgd) else scale.adam for scale in scales]

    def lr_factor(self, step: int) -> float:
        """Return the learning rate of a step over the maximum learning rate."""
        steps = self.recipe.epochs * self.steps_per_epoch
        return lr_factor(
            self.recipe.schedule,
            min(step, steps - 1),
            steps=steps,
            steps_per_epoch=self.steps_per_epoch,
        )

    def training_step(self, epoch: int, index: int) -> None:
        """Train for an epoch, or for the rest of one, which is one step of Lightning's loop.

        The hooks of Lightning's loop would cost time in the short step of a narrow pack.
        """
        self.load_epoch()
        step = self.step
        while self.epoch_step < self.steps_per_epoch:
            end = self.epoch_step + 1
            if self.compiled_steps is None:
                step()
            else:
                end = min(self.epoch_step + self.compiled_steps.steps_per_call, self.steps_per_epoch)
                self._run_compiled_steps(self.compiled_steps, end)
            if end == self.steps_per_epoch:  # the optimiser has left the gradients as they were
                self.zero_gradients = zero_gradient_fractions(
                    self.networks, weighted_layers(self.pack.layer_table)
                )
            self.__dict__["epoch_step"] = end  # an assignment would pass through Module.__setattr__
            self.step_callback()

    def load_epoch(self) -> None:
        """Load what the steps of the epoch in progress read, and select the next step."""
        first = self.completed_epochs * self.steps_per_epoch
        factors = [self.lr_factor(first + step) for step in range(self.steps_per_epoch)]
        self.batches.load_epoch(self.completed_epochs)
        self.optimiser.load_schedule(factors, completed_steps=first)
        self.step_index.fill_(self.epoch_step)

    @property
    def step(self) -> Callable[[], object]:
        """Function that trains on the next minibatch of the loaded epoch."""
        return self._step if self.captured_step is None else self.captured_step

    def _step(self) -> None:
        """Train on the minibatch that ``step_index`` selects; the conditions of a capture hold."""
        images, labels = self.batches.select(self.step_index)
        self._compute_gradients(images, labels)
        self.optimiser.select(self.step_index)
        self.optimiser.step()
        self.step_index.add_(1)

    def _run_compiled_steps(self, compiled_steps: CompiledSteps, end: int) -> None:
        """Train on the minibatches from the next one of the loaded epoch to ``end``."""
        first = self.completed_epochs * self.steps_per_epoch
        factors = [self.lr_factor(first + step) for step in range(self.epoch_step, end)]
        images, labels = self.batches.select(torch.arange(self.epoch_step, end))
        compiled_steps.run(images, labels, factors, loss=self.loss, correct=self.correct)

    def _compute_gradients(self, images: Tensor, labels: Tensor) -> None:
        """Compute the gradients of one minibatch, and add its losses and correct answers to the epoch's."""
        logits = self.networks(images).float()
        replica_losses = losses(logits, labels, self.recipe.loss, targets=self.recipe.targets)
        with torch.no_grad():
            self.loss.add_(replica_losses)  # in place: an assignment would pass through Module.__setattr__
            self.correct.add_((logits.argmax(-1) == labels).float().mean(1))
        self.optimiser.zero_grad()
        torch.autograd.backward(replica_losses.sum())

    def release_graph(self) -> None:
        """Free the memory of a captured step."""
        if self.captured_step is not None:
            self.captured_step.release()

    def on_train_epoch_end(self) -> None:
        test = evaluate(self.networks, self.test, self.recipe)
        validation = (
            None if self.validation is None else evaluate(self.networks, self.validation, self.recipe)
        )
        self.logits = test.logits
        epoch = EpochMetrics(
            number=self.completed_epochs + 1,
            train_loss=(self.loss / self.steps_per_epoch).cpu(),
            train_accuracy=(self.correct / self.steps_per_epoch).cpu(),
            val_loss=None if validation is None else validation.loss,
            val_accuracy=None if validation is None else validation.accuracy,
            test_loss=test.loss,
            test_accuracy=test.accuracy,
            zero_gradients=self.zero_gradients,
            lr_factor=self.lr_factor((self.completed_epochs + 1) * self.steps_per_epoch - 1),
            wall_s=monotonic() - self.start,
        )
        # Logits beyond float16 cannot be stored, and nothing counted from them would mean anything.
        self.diverged |= ~(
            epoch.train_loss.isfinite() & test.loss.isfinite() & test.logits.isfinite().all(dim=2).all(dim=1)
        )
        self.history.append(epoch)
        self.epoch_step, self.zero_gradients = 0, torch.empty(0)
        self.loss.zero_()
        self.correct.zero_()
        self.epoch_callback(epoch)
