"""Training of one pack on one device."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from time import monotonic

import pytorch_lightning as pl
import torch
from pytorch_lightning.plugins.environments import LightningEnvironment  # type: ignore[attr-defined]

from scaling import interruption
from scaling.data import LoadedDataset
from scaling.errors import StoreError
from scaling.models import named_weights
from scaling.plan import Pack
from scaling.store import Checkpoints
from scaling.train.checkpoint import decode_state, encode_state
from scaling.train.device_data import load_on_device
from scaling.train.epoch_metrics import EpochMetrics
from scaling.train.fitted import fit
from scaling.train.module import PackModule, StartingPoint
from scaling.train.own_lightning import train_itself
from scaling.train.pack_result import PackResult
from scaling.train.runtime import training_runtime

CHECKPOINT_S = 60.0
"""Least seconds between two checkpoints; a pack that takes less writes none."""

OnEpochEnd = Callable[[EpochMetrics], None]
OnStepEnd = Callable[[], None]


def train(
    pack: Pack,
    dataset: LoadedDataset,
    *,
    device: str = "auto",
    on_epoch_end: OnEpochEnd = lambda epoch: None,
    on_step_end: OnStepEnd = lambda: None,
    checkpoints: Checkpoints | None = None,
    start: StartingPoint | None = None,
) -> PackResult:
    """Train all replicas of a pack on one device, on exactly one thread.

    An architecture with a ``fit_profile`` is fitted in one go instead: on the CPU, and without checkpoints. A
    network that trains itself has no checkpoints either.

    Args:
        pack: pack to train.
        dataset: data set of ``pack.cell``.
        device: ``cpu``, ``cuda``, or ``auto`` for a GPU if there is one.
        on_epoch_end: called with the metrics of each epoch.
        on_step_end: called after each step, or after each call of compiled steps, which takes about a
            tenth of a second; an exception stops the training.
        checkpoints: checkpoints to resume from and to write.
        start: weights to start from, some of which can be deleted; by default, initial weights are drawn.
    """
    if pack.cell.architecture.fit_profile:
        result = fit(pack, dataset)
        on_epoch_end(result.history[-1])
        return result
    if pack.cell.architecture.trains_itself:
        return train_itself(
            pack, dataset, device=select_device(device), on_step_end=on_step_end, on_epoch_end=on_epoch_end
        )
    return _train_by_steps(
        pack,
        dataset,
        device=select_device(device),
        on_epoch_end=on_epoch_end,
        on_step_end=on_step_end,
        checkpoints=checkpoints,
        start=start,
    )


def _train_by_steps(
    pack: Pack,
    dataset: LoadedDataset,
    *,
    device: torch.device,
    on_epoch_end: OnEpochEnd,
    on_step_end: OnStepEnd,
    checkpoints: Checkpoints | None,
    start: StartingPoint | None,
) -> PackResult:
    """Train the networks of a pack by gradient descent; the arguments are those of ``train``."""
    with training_runtime():
        recipe = pack.cell.recipe
        data = load_on_device(dataset, device)
        batches = data.batches(recipe, pack.runs[0].order)
        saver = _CheckpointSaver(checkpoints, pack)

        def finish_step() -> None:
            on_step_end()
            saver.finish_step(module)

        module = PackModule(
            pack,
            batches,
            test=data.test_split(recipe),
            validation=data.validation_split(recipe),
            on_step_end=finish_step,
            on_epoch_end=on_epoch_end,
            start=start,
        )
        saver.resume(module)
        trainer = _make_trainer(device, recipe.epochs - module.completed_epochs)
        try:
            with interruption.deferred():
                trainer.fit(module, range(1))  # an epoch is one step of Lightning's loop
        except interruption.Interrupted:
            saver.save(module)
            raise
        finally:
            module.release_graph()
        images = recipe.epochs * len(batches) * recipe.batch_size
        return _make_result(pack, module, device=device, images=images)


def _make_result(pack: Pack, module: PackModule, *, device: torch.device, images: int) -> PackResult:
    """Return the result of a training that has ended.

    Args:
        pack: pack that was trained.
        module: its networks and metrics.
        device: device of the training.
        images: number of training images of a replica, over all epochs.
    """
    wall_s = monotonic() - module.start
    weights = named_weights(module.networks)
    return PackResult(
        pack=pack,
        history=module.history,
        logits=module.logits.numpy(),
        diverged=module.diverged.numpy(),
        weights=[{name: value[r].cpu() for name, value in weights.items()} for r in range(pack.size)],
        wall_s=wall_s,
        images_per_s=pack.size * images / wall_s,
        device=torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        threads=torch.get_num_threads(),
    )


class _CheckpointSaver:
    """Checkpoints of a training: at regular times, and when it is interrupted.

    Args:
        checkpoints: where checkpoints are; None to write none.
        pack: pack that is trained.
    """

    def __init__(self, checkpoints: Checkpoints | None, pack: Pack) -> None:
        self.checkpoints, self.pack = checkpoints, pack
        self.saved_steps = 0
        self.saved_at = monotonic()

    def resume(self, module: PackModule) -> None:
        """Resume from the newest checkpoint that can be used."""
        if self.checkpoints is None:
            return
        decode = partial(decode_state, key=self.pack.key, like=module.state(), bounds=module.state_bounds)
        state = self.checkpoints.newest(decode)
        if state is not None:
            module.resume(state)
            self.saved_steps = module.completed_steps

    def finish_step(self, module: PackModule) -> None:
        """Save a checkpoint if it is due, and stop if an interruption is requested."""
        if monotonic() - self.saved_at >= CHECKPOINT_S:
            self.save(module)
        interruption.check()

    def save(self, module: PackModule) -> None:
        """Save a checkpoint, unless nothing has changed since the last one."""
        self.saved_at = monotonic()
        if self.checkpoints is None or module.completed_steps == self.saved_steps:
            return
        with suppress(StoreError):  # the training goes on, or stops, as well without it
            self.checkpoints.save(module.completed_steps, encode_state(module.state(), key=self.pack.key))
            self.saved_steps = module.completed_steps


def select_device(device: str) -> torch.device:
    """Return the device that ``auto``, ``cpu`` or ``cuda`` names."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(device)


def _make_trainer(device: torch.device, epochs: int) -> pl.Trainer:
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
        inference_mode=True,
        # A pack is one process. Without these, Lightning would follow the variables of Slurm, LSF, MPI or
        # torchrun, and resume from another program's checkpoint in the working folder.
        plugins=[LightningEnvironment()],
        default_root_dir=os.devnull,
    )
