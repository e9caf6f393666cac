"""Train one pack: from runs to what they measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import monotonic

import numpy as np
import pytorch_lightning as pl
import torch
from numpy.typing import NDArray
from torch import Tensor

from scaling.data import LoadedDataset
from scaling.data.minibatches import Minibatches
from scaling.models import named_weights
from scaling.plan import Pack
from scaling.store import Checkpoints
from scaling.train.checkpoint import completed_epochs, newest_checkpoint, save_state
from scaling.train.device_data import load_on_device
from scaling.train.epoch_metrics import EpochMetrics
from scaling.train.module import PackModule
from scaling.train.runtime import training_runtime

CHECKPOINT_S = 60.0
"""Between two checkpoints, at least; a pack that takes less leaves none."""

OnEpochEnd = Callable[[EpochMetrics], None]


@dataclass(frozen=True, kw_only=True, eq=False)
class PackResult:
    """What a pack measured. Axis R has all replicas, in the order of ``pack.replicas``; the caller keeps those that are runs."""

    pack: Pack
    history: list[EpochMetrics]
    logits: NDArray[np.float16]
    """[R, test images, classes], after the last epoch."""
    diverged: NDArray[np.bool_]
    """[R]: a loss, or a logit as it is stored, was not finite, in any epoch."""
    weights: list[dict[str, Tensor]]
    """One replica's parameters, and statistics of what it normalises, each on the CPU."""
    wall_s: float
    images_per_s: float
    """Training images times replicas, over the whole time."""
    device: str
    threads: int


class _Loader:
    """The batches of the epoch that is due, for Lightning's loop."""

    def __init__(self, batches: Minibatches, epoch: Callable[[], int]) -> None:
        self.batches, self.epoch = batches, epoch

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        return self.batches.epoch(self.epoch())


def train(
    pack: Pack,
    dataset: LoadedDataset,
    *,
    device: str = "auto",
    on_epoch_end: OnEpochEnd = lambda epoch: None,
    checkpoints: Checkpoints | None = None,
) -> PackResult:
    """Train every replica of a pack on one device, on exactly one thread.

    Args:
        material: the data set of ``pack.cell``, decoded.
        device: ``cpu``, ``cuda``, or ``auto`` for a GPU where there is one.
        heard: is told of each epoch as it ends.
        checkpoints: where it goes on from, and where long trainings leave where they stand.
    """
    began = monotonic()
    saved = began

    def keep(epoch: EpochMetrics) -> None:
        nonlocal saved
        if checkpoints and epoch.number < pack.cell.recipe.epochs and monotonic() - saved >= CHECKPOINT_S:
            checkpoints.save(epoch.number, save_state(module))
            saved = monotonic()
        on_epoch_end(epoch)

    with training_runtime():
        place = torch.device(
            "cuda"
            if device == "auto" and torch.cuda.is_available()
            else "cpu"
            if device == "auto"
            else device
        )
        recipe = pack.cell.recipe
        data = load_on_device(dataset, place)
        batches = data.batches(recipe, pack.runs[0].order)
        module = PackModule(
            pack,
            data.test_split(recipe),
            data.validation_split(recipe),
            steps_an_epoch=len(batches),
            on_epoch_end=keep,
        )
        module.checkpoint = newest_checkpoint(checkpoints)
        trainer = _trainer(place, recipe.epochs - completed_epochs(module.checkpoint))
        trainer.fit(module, _Loader(batches, lambda: module.done))
        threads = torch.get_num_threads()
    wall_s = monotonic() - module.began
    return PackResult(
        pack=pack,
        history=module.history,
        logits=module.logits.numpy(),
        diverged=module.diverged.numpy(),
        weights=[
            {name: value[r].cpu() for name, value in named_weights(module.networks).items()}
            for r in range(pack.size)
        ],
        wall_s=wall_s,
        images_per_s=pack.size * recipe.epochs * len(batches) * recipe.batch_size / wall_s,
        device=torch.cuda.get_device_name(place) if place.type == "cuda" else "cpu",
        threads=threads,
    )


def _trainer(place: torch.device, epochs: int) -> pl.Trainer:
    """Lightning's loop, and nothing beside it."""
    return pl.Trainer(
        accelerator="gpu" if place.type == "cuda" else "cpu",
        devices=1,
        max_epochs=epochs,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        inference_mode=True,
    )
