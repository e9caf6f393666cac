"""Training of a user's own LightningModule by Lightning's loop, with its own optimiser and loss.

The minibatches, their order and augmentation, the evaluation and the results are those of every other run.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from time import monotonic
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.plugins.environments import LightningEnvironment  # type: ignore[attr-defined]
from torch import Tensor, nn

from scaling import interruption
from scaling.architectures import OwnNetwork
from scaling.data import LoadedDataset
from scaling.data.minibatches import Minibatches
from scaling.models.own_networks.load import blamed_on, make_network, seeded
from scaling.models.own_networks.replicas import rows_first
from scaling.plan import Pack
from scaling.train.device_data import DeviceDataset, load_on_device
from scaling.train.epoch_metrics import EpochMetrics
from scaling.train.module import Evaluation, evaluate
from scaling.train.pack_result import PackResult
from scaling.train.runtime import training_runtime


def train_itself(
    pack: Pack,
    dataset: LoadedDataset,
    *,
    device: torch.device,
    on_step_end: Callable[[], None],
    on_epoch_end: Callable[[EpochMetrics], None],
) -> PackResult:
    """Train the network of a pack with one replica.

    Args:
        pack: pack with one run.
        dataset: data set of ``pack.cell``.
        device: device of the training.
        on_step_end: called after each step; an exception stops the training.
        on_epoch_end: called with the metrics of each epoch.

    Raises:
        OwnNetworkError: the code of the network fails.
        Interrupted: an interruption was requested.
    """
    spec, recipe, run = pack.cell.architecture, pack.cell.recipe, pack.replicas[0]
    assert isinstance(spec, OwnNetwork)
    with training_runtime(), seeded(f"seed {run.seed}"):
        data = load_on_device(dataset, device)
        rate = run.last_recipe.learning_rate
        network = make_network(spec, pack.cell.info.image, run.seed, learning_rate=rate)
        batches = data.batches(recipe, run.order)
        record = _Record(pack, data, on_step_end, on_epoch_end)
        trainer = _make_trainer(device, epochs=recipe.epochs, callbacks=[record])
        with interruption.deferred(), blamed_on(spec, "the training", own_lines_only=True):
            trainer.fit(network, train_dataloaders=_Epochs(batches, trainer))  # type: ignore[arg-type]
        wall_s = monotonic() - record.start
    return PackResult(
        pack=pack,
        history=record.history,
        logits=record.logits.numpy(),
        diverged=record.diverged.numpy(),
        weights=[{name: value.detach().cpu() for name, value in network.state_dict().items()}],
        wall_s=wall_s,
        images_per_s=recipe.epochs * len(batches) * recipe.batch_size / wall_s,
        device=torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        threads=1,
    )


def try_training(pack: Pack, dataset: LoadedDataset, *, device: torch.device) -> None:
    """Train the network of a pack for one step, to find errors of the user's code before a sweep.

    Args:
        pack: pack with one run.
        dataset: data set of ``pack.cell``.
        device: device of the training.

    Raises:
        OwnNetworkError: the code of the network fails.
    """
    spec, recipe, run = pack.cell.architecture, pack.cell.recipe, pack.replicas[0]
    assert isinstance(spec, OwnNetwork)
    with training_runtime(), seeded(f"seed {run.seed}"):
        rate = run.last_recipe.learning_rate
        network = make_network(spec, pack.cell.info.image, run.seed, learning_rate=rate)
        batches = load_on_device(dataset, device).batches(recipe, run.order)
        trainer = _make_trainer(device, epochs=1, limit_train_batches=1)
        with interruption.deferred(), blamed_on(spec, "the training"):
            trainer.fit(network, train_dataloaders=_Epochs(batches, trainer))  # type: ignore[arg-type]
    interruption.check()


def _make_trainer(device: torch.device, *, epochs: int, **options: Any) -> pl.Trainer:
    """Return Lightning's loop without its extras."""
    return pl.Trainer(
        accelerator="gpu" if device.type == "cuda" else "cpu",
        devices=1,
        max_epochs=epochs,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        plugins=[LightningEnvironment()],
        default_root_dir=os.devnull,
        **options,
    )


class _Epochs:
    """Minibatches of the epoch that a trainer is in."""

    def __init__(self, batches: Minibatches, trainer: pl.Trainer) -> None:
        self._batches, self._trainer = batches, trainer

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        batches = self._batches.epoch(self._trainer.current_epoch)
        return ((rows_first(images), labels) for images, labels in batches)


class _OneReplica(nn.Module):
    """A network with an axis of one replica: logits [1, B, classes]."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        return torch.as_tensor(self.network(rows_first(images))).unsqueeze(0)


class _Record(pl.Callback):
    """Evaluates the network after each epoch."""

    def __init__(
        self,
        pack: Pack,
        data: DeviceDataset,
        on_step_end: Callable[[], None],
        on_epoch_end: Callable[[EpochMetrics], None],
    ) -> None:
        self.recipe, self.rate = pack.cell.recipe, pack.replicas[0].last_recipe.learning_rate
        self.train, self.test = data.train_split(self.recipe), data.test_split(self.recipe)
        self.validation = data.validation_split(self.recipe)
        self.step_callback, self.epoch_callback = on_step_end, on_epoch_end
        self.history: list[EpochMetrics] = []
        self.logits, self.diverged = torch.empty(0), torch.zeros(1, dtype=torch.bool)
        self.start = monotonic()

    def on_train_batch_end(self, trainer: pl.Trainer, *args: Any, **kwargs: Any) -> None:
        self.step_callback()
        interruption.check()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        networks = _OneReplica(pl_module)
        train, test = (evaluate(networks, split, self.recipe) for split in (self.train, self.test))
        validation = self.validation and evaluate(networks, self.validation, self.recipe)
        pl_module.train()
        self.logits = test.logits
        epoch = EpochMetrics(
            number=len(self.history) + 1,
            train_loss=train.loss,
            train_accuracy=train.accuracy,
            val_loss=validation.loss if validation else None,
            val_accuracy=validation.accuracy if validation else None,
            test_loss=test.loss,
            test_accuracy=test.accuracy,
            zero_gradients=None,
            lr_factor=self._lr_factor(trainer),
            wall_s=monotonic() - self.start,
        )
        self.diverged |= ~_is_finite(train, test)
        self.history.append(epoch)
        self.epoch_callback(epoch)

    def _lr_factor(self, trainer: pl.Trainer) -> float:
        """Return the learning rate of the first optimiser over that of the recipe."""
        rates = [group["lr"] for optimiser in trainer.optimizers[:1] for group in optimiser.param_groups]
        return float(rates[0]) / self.rate if rates else 1.0


def _is_finite(train: Evaluation, test: Evaluation) -> Tensor:
    return train.loss.isfinite() & test.loss.isfinite() & test.logits.isfinite().all(dim=2).all(dim=1)
