"""The peer: a sweep as the examples of Ray Tune and of Lightning write it, without this software.

One trial for each network, a plain ``Trainer``, and a ``DataLoader`` over torchvision's data set with
transforms. Metrics are logged in each step and reported to Tune after each validation. Everything else has
its default: Lightning's logger and checkpoint, Tune's loggers, a new worker for each trial, fp32, and one CPU
per trial, so that each core trains one network.

Source: ray-project/ray, python/ray/tune/examples/mnist_ptl_mini.py, and
doc/source/tune/examples/tune-vanilla-pytorch-lightning.ipynb.

Three differences favour the peer: images are decoded in advance, so a trial reads them faster than
torchvision would;
accuracy is computed in two operations instead of by torchmetrics; no dashboard is started.

    python -m benchmarks.peer SWEEP.json ERRORS.json
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import ray
import torch
import torch.nn.functional as F
from ray import tune
from ray.tune.integration.pytorch_lightning import TuneReportCheckpointCallback
from torch import Tensor
from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler, SequentialSampler
from torchvision import datasets, transforms

from benchmarks.plain_lenet5 import LeNet5


@dataclass(frozen=True, kw_only=True)
class PeerSweep:
    """Settings of the sweep, with the same numbers as this software's study."""

    dataset: str
    """``mnist`` or ``cifar10``."""
    images: str
    """Folder with ``{train,test}_{images,labels}.npy``."""
    mean: list[float]
    std: list[float]
    crop: int
    flip: bool
    filters: list[int]
    second_filters: list[int]
    """Filters of the second convolution, for each number in ``filters``."""
    seeds: list[int]
    epochs: int
    batch_size: int
    learning_rate: float
    momentum: float
    nesterov: bool
    warmup: float
    """Share of the steps in which the learning rate rises; then it falls to zero."""
    loader_workers: int
    in_memory: bool = False
    """True to transform whole batches in memory, for errors whose time does not count."""


class Batches(Dataset):
    """Batches of images that are cropped, flipped and normalised like single images of torchvision."""

    def __init__(self, images: np.ndarray, labels: np.ndarray, sweep: PeerSweep, *, augments: bool) -> None:
        self.images = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()
        self.labels = torch.from_numpy(labels.astype(np.int64))
        self.mean, self.std = (torch.tensor(of)[:, None, None] for of in (sweep.mean, sweep.std))
        self.crop, self.flip = (sweep.crop, sweep.flip) if augments else (0, False)

    def __getitem__(self, index: list[int]) -> tuple[Tensor, Tensor]:
        images = self.images[index]
        if self.crop:
            side = images.shape[-1]
            first = torch.randint(2 * self.crop + 1, (2, len(images), 1)) + torch.arange(side)
            padded, batch = F.pad(images, [self.crop] * 4), torch.arange(len(images))[:, None, None]
            # The indexed axes come first: image, row, column, channel.
            images = padded[batch, :, first[0][:, :, None], first[1][:, None]].permute(0, 3, 1, 2)
        if self.flip:
            is_flipped = torch.rand(len(images), 1, 1, 1) < 0.5
            images = torch.where(is_flipped, images.flip(-1), images)
        return (images.float() / 255 - self.mean) / self.std, self.labels[index]


class Mnist(datasets.MNIST):
    """torchvision's data set, with images that are decoded in advance."""

    def __init__(self, images: np.ndarray, labels: np.ndarray, transform: Any) -> None:
        super(datasets.MNIST, self).__init__("", transform=transform)
        self.data, self.targets = torch.from_numpy(images[..., 0]), torch.from_numpy(labels.astype(np.int64))


class Cifar10(datasets.CIFAR10):
    """torchvision's data set, with images that are decoded in advance."""

    def __init__(self, images: np.ndarray, labels: np.ndarray, transform: Any) -> None:
        super(datasets.CIFAR10, self).__init__("", transform=transform)
        self.data, self.targets = images, labels.tolist()


class DataModule(pl.LightningDataModule):
    def __init__(self, sweep: PeerSweep) -> None:
        super().__init__()
        self.sweep = sweep
        normalise = [transforms.ToTensor(), transforms.Normalize(sweep.mean, sweep.std)]
        augment = [transforms.RandomCrop(32, sweep.crop)] if sweep.crop else []
        augment += [transforms.RandomHorizontalFlip()] if sweep.flip else []
        self.transforms = {
            "train": transforms.Compose(augment + normalise),
            "test": transforms.Compose(normalise),
        }

    def setup(self, stage: str | None = None) -> None:
        dataset_class = {"mnist": Mnist, "cifar10": Cifar10}[self.sweep.dataset]
        self.datasets: dict[str, Dataset] = {}
        for split, transform in self.transforms.items():
            arrays = [
                np.load(Path(self.sweep.images, f"{split}_{part}.npy")) for part in ("images", "labels")
            ]
            self.datasets[split] = (
                Batches(*arrays, self.sweep, augments=split == "train")
                if self.sweep.in_memory
                else dataset_class(*arrays, transform)
            )

    def train_dataloader(self) -> DataLoader:
        size, workers = self.sweep.batch_size, self.sweep.loader_workers
        if self.sweep.in_memory:
            dataset = self.datasets["train"]
            batches = BatchSampler(RandomSampler(dataset.labels), size, drop_last=True)
            return DataLoader(dataset, sampler=batches, batch_size=None)
        return DataLoader(
            self.datasets["train"], batch_size=size, shuffle=True, drop_last=True, num_workers=workers
        )

    def val_dataloader(self) -> DataLoader:
        if self.sweep.in_memory:
            dataset = self.datasets["test"]
            batches = BatchSampler(SequentialSampler(dataset.labels), self.sweep.batch_size, drop_last=False)
            return DataLoader(dataset, sampler=batches, batch_size=None)
        return DataLoader(
            self.datasets["test"], batch_size=self.sweep.batch_size, num_workers=self.sweep.loader_workers
        )


class Classifier(pl.LightningModule):
    def __init__(self, filters: int, seed: int, sweep: PeerSweep) -> None:
        super().__init__()
        self.sweep = sweep
        second = sweep.second_filters[sweep.filters.index(filters)]
        self.network = LeNet5(
            len(sweep.mean), filters, second, seed, padding=2 if sweep.dataset == "mnist" else 0
        )

    def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
        images, labels = batch
        logits = self.network(images)
        loss = F.cross_entropy(logits, labels)
        self.log("train_loss", loss)
        self.log("train_accuracy", (logits.argmax(1) == labels).float().mean())
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], _: int) -> None:
        images, labels = batch
        logits = self.network(images)
        self.log("test_loss", F.cross_entropy(logits, labels))
        self.log("test_error", (logits.argmax(1) != labels).float().mean())

    def configure_optimizers(self) -> dict[str, Any]:
        sweep = self.sweep
        optimiser = torch.optim.SGD(
            self.parameters(), lr=sweep.learning_rate, momentum=sweep.momentum, nesterov=sweep.nesterov
        )
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimiser, lambda step: lr_factor(min(step, steps - 1), steps, sweep.warmup)
        )
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def lr_factor(step: int, steps: int, warmup: float) -> float:
    """Return the learning rate over its maximum."""
    return min((step + 1) / (warmup * steps), (steps - step) / ((1 - warmup) * steps), 1.0)


def train_network(filters: int, seed: int, sweep: PeerSweep, **options: Any) -> float:
    """Train one network with options of a Trainer, and return its test error after the last epoch."""
    pl.seed_everything(seed)
    trainer = pl.Trainer(max_epochs=sweep.epochs, accelerator="cpu", enable_progress_bar=False, **options)
    trainer.fit(Classifier(filters, seed, sweep), DataModule(sweep))
    return float(trainer.callback_metrics["test_error"])


def train_trial(config: dict[str, int], sweep: PeerSweep) -> None:
    """Train one network in a trial."""
    report = TuneReportCheckpointCallback(
        {"test_error": "test_error"}, on="validation_end", save_checkpoints=False
    )
    train_network(config["filters"], config["seed"], sweep, callbacks=[report])


def run(sweep: PeerSweep) -> list[dict[str, float]]:
    """Train all networks.

    Returns:
        For each network, ``filters``, ``seed`` and ``test_error`` after the last epoch.
    """
    ray.init(address="local", num_cpus=os.cpu_count(), include_dashboard=False)
    with tempfile.TemporaryDirectory() as folder:
        tuner = tune.Tuner(
            tune.with_resources(tune.with_parameters(train_trial, sweep=sweep), {"cpu": 1}),
            param_space={"filters": tune.grid_search(sweep.filters), "seed": tune.grid_search(sweep.seeds)},
            tune_config=tune.TuneConfig(metric="test_error", mode="min"),
            run_config=tune.RunConfig(name="peer", storage_path=folder),
        )
        results = tuner.fit()
    if results.errors:
        raise RuntimeError(f"{results.num_errors} trials failed") from results.errors[0]
    return [{**result.config, "test_error": result.metrics["test_error"]} for result in results]


def run_in_memory(sweep: PeerSweep) -> list[dict[str, float]]:
    """Train all networks as ``run`` does, without the processes of trials, whose start takes long."""
    networks = list(product(sweep.filters, sweep.seeds))
    train = partial(train_network, sweep=sweep, logger=False, enable_checkpointing=False)
    one_thread: dict[str, Any] = {"initializer": torch.set_num_threads, "initargs": (1,)}
    with ProcessPoolExecutor(mp_context=get_context("spawn"), **one_thread) as pool:
        errors = pool.map(train, *zip(*networks, strict=True))
        return [
            {"filters": filters, "seed": seed, "test_error": error}
            for (filters, seed), error in zip(networks, errors, strict=True)
        ]


if __name__ == "__main__":
    config, answer = map(Path, sys.argv[1:])
    sweep = PeerSweep(**json.loads(config.read_text()))
    answer.write_text(json.dumps(run_in_memory(sweep) if sweep.in_memory else run(sweep)))
