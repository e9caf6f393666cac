"""A pack as a LightningModule: R networks, one loss each, nothing reduced over R but the sum that backward starts from."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from scaling.architectures import ParameterScale
from scaling.config.recipe import Recipe, Sgd
from scaling.models import build
from scaling.plan import Pack
from scaling.plan.time_estimate import EVALUATION_BATCH
from scaling.train.checkpoint import load_state
from scaling.train.device_data import DeviceSplit
from scaling.train.epoch_metrics import EpochMetrics
from scaling.train.optimisers import PackOptimiser
from scaling.train.schedules import lr_factor
from scaling.train.zero_gradients import weighted_layers, zero_gradient_fractions


def losses(logits: Float[Tensor, "R B classes"], labels: Int[Tensor, " B"], kind: str) -> Float[Tensor, " R"]:
    """Each replica's mean loss over the batch."""
    R, B, classes = logits.shape
    if kind == "mse":
        return (logits - F.one_hot(labels, classes)).square().mean(dim=(1, 2))
    return F.cross_entropy(logits.flatten(0, 1), labels.repeat(R), reduction="none").view(R, B).mean(1)


class PackModule(pl.LightningModule):
    """Trains a pack and measures it after each epoch."""

    loss: Tensor
    correct: Tensor

    def __init__(
        self,
        pack: Pack,
        test: DeviceSplit,
        validation: DeviceSplit | None,
        *,
        steps_an_epoch: int,
        on_epoch_end: Callable[[EpochMetrics], None],
    ) -> None:
        super().__init__()
        self.automatic_optimization = (
            False  # a narrow pack's step is short, and Lightning's closures would add to it
        )
        self.pack, self.test, self.validation, self.epoch_callback = pack, test, validation, on_epoch_end
        self.recipe: Recipe = pack.cell.recipe
        self.steps_an_epoch = steps_an_epoch
        self.networks = build(
            pack.cell.architecture, pack.cell.info.image, [run.seed for run in pack.replicas]
        )
        self.register_buffer("loss", torch.zeros(pack.size), persistent=False)
        self.register_buffer("correct", torch.zeros(pack.size), persistent=False)
        self.diverged = torch.zeros(pack.size, dtype=torch.bool)
        self.zero_gradients = torch.empty(0)
        self.history: list[EpochMetrics] = []
        self.logits = torch.empty(0)
        self.checkpoint: bytes | None = None
        """A checkpoint to go on from."""
        self.began = monotonic()

    @property
    def done(self) -> int:
        """Epochs that have ended, in this process or before."""
        return len(self.history)

    def configure_optimizers(self) -> PackOptimiser:
        rates, decays = zip(
            *((run.recipe.learning_rate, run.recipe.weight_decay) for run in self.pack.replicas), strict=True
        )
        self.optimiser = PackOptimiser(
            self.networks.parameters(), self.recipe.optimizer, rates, decays, self.parameter_scales()
        )
        if self.checkpoint is not None:
            load_state(self.checkpoint, self)
            self.began -= self.history[-1].wall_s
        first = self.done * self.steps_an_epoch
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimiser, lambda step: self.lr_factor(first + step)
        )
        return self.optimiser

    def parameter_scales(self) -> list[float]:
        """Of each parameter's learning rate."""
        cell = self.pack.cell
        parameter_scales = cell.architecture.parameter_scales(cell.info.image)
        each = [
            parameter_scales.get(name.removeprefix("weights."), ParameterScale())
            for name, _ in self.networks.named_parameters()
        ]
        return [scale.sgd if isinstance(self.recipe.optimizer, Sgd) else scale.adam for scale in each]

    def lr_factor(self, step: int) -> float:
        steps = self.recipe.epochs * self.steps_an_epoch
        return lr_factor(
            self.recipe.schedule, min(step, steps - 1), steps=steps, steps_an_epoch=self.steps_an_epoch
        )

    def on_train_epoch_start(self) -> None:
        self.loss.zero_()
        self.correct.zero_()

    def training_step(self, batch: tuple[Tensor, Tensor], step: int) -> None:
        images, labels = batch
        logits = self.networks(images).float()
        each = losses(logits, labels, self.recipe.loss)
        with torch.no_grad():
            self.loss.add_(each)  # an assignment would pass through Module.__setattr__
            self.correct.add_((logits.argmax(-1) == labels).float().mean(1))
        self.optimiser.zero_grad()
        self.manual_backward(each.sum())
        if step == self.steps_an_epoch - 1:
            self.zero_gradients = zero_gradient_fractions(
                self.networks, weighted_layers(self.pack.layer_table)
            )
        self.optimiser.step()
        self.schedule.step()

    def on_train_epoch_end(self) -> None:
        loss, self.logits, accuracy = self.measure(self.test)
        epoch = EpochMetrics(
            number=self.done + 1,
            train_loss=(self.loss / self.steps_an_epoch).cpu(),
            train_accuracy=(self.correct / self.steps_an_epoch).cpu(),
            val_accuracy=self.measure(self.validation)[2] if self.validation is not None else None,
            test_loss=loss,
            test_accuracy=accuracy,
            zero_gradients=self.zero_gradients,
            lr_factor=self.lr_factor((self.done + 1) * self.steps_an_epoch - 1),
            wall_s=monotonic() - self.began,
        )
        # Logits beyond float16 can't be stored, and nothing that is counted from them would mean anything.
        self.diverged |= ~(
            epoch.train_loss.isfinite() & loss.isfinite() & self.logits.isfinite().all(dim=2).all(dim=1)
        )
        self.history.append(epoch)
        self.epoch_callback(epoch)

    @torch.inference_mode()
    def measure(self, examples: DeviceSplit) -> tuple[Tensor, Tensor, Tensor]:
        """Loss [R], logits as they are stored (float16, [R, images, classes]) and the accuracy counted from those."""
        self.networks.eval()
        total, correct = torch.zeros_like(self.loss), torch.zeros_like(self.loss, dtype=torch.float64)
        stored = []
        for images, labels in examples.batches(EVALUATION_BATCH):
            logits = self.networks(images).float()
            total += losses(logits, labels, self.recipe.loss) * len(labels)
            stored.append(logits.half())
            correct += (stored[-1].argmax(-1) == labels).sum(1)
        self.networks.train()
        return (total / len(examples)).cpu(), torch.cat(stored, dim=1).cpu(), (correct / len(examples)).cpu()
