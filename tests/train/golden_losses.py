"""Losses of small trainings in fp32, in full precision.

``python -m tests.train.golden_losses`` writes those of new packs, and of all packs after TRAINING_VERSION
was raised. Losses that this version has never change: the stored runs have these numbers.
"""

from __future__ import annotations

import json
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from scaling.architectures import AnyArchitecture, Lenet1, Lenet4, Lenet5Of1998, Net5, Zipcode1989
from scaling.config import TRAINING_VERSION, Cell
from scaling.config.recipe import Adam, AdamW, Augmentation, Constant, Cosine, Sgd, Step
from scaling.datasets import Synthetic
from scaling.plan import Pack
from scaling.train import train
from tests.train.tiny_packs import LENET, TREE, VGG, cell, loaded_dataset, pack

USPS_LIKE = Synthetic(size=60, test_size=40, side=16, noise=0.3)
MNIST_LIKE = Synthetic(size=60, test_size=40, side=28, noise=0.3)


def _of_its_time(architecture: AnyArchitecture, dataset: Synthetic, **settings: Any) -> Cell:
    """Return a cell with plain gradient descent at a constant rate, and few images a step."""
    recipe = {
        "epochs": 2,
        "batch_size": 5,
        "schedule": Constant(),
        "optimizer": Sgd(momentum=0, nesterov=False),
    }
    return cell(architecture, dataset, **recipe | settings)


FILE = Path(__file__).with_name("golden_losses.json")
PACKS: dict[str, Pack] = {
    "lenet5, SGD, one cycle": pack(cell(LENET, epochs=2)),
    "lenet5, Adam, cosine, augmented": pack(
        cell(
            LENET,
            epochs=2,
            optimizer=Adam(),
            learning_rate=3e-3,
            weight_decay=1e-3,
            schedule=Cosine(),
            augmentation=Augmentation(crop=2, flip=True, shift=1),
        )
    ),
    "tree3, SGD, one cycle": pack(cell(TREE, epochs=2)),
    "tree3, AdamW, step, mse": pack(
        cell(
            TREE,
            epochs=2,
            optimizer=AdamW(),
            learning_rate=1e-2,
            weight_decay=1e-2,
            schedule=Step(every=1, factor=0.5),
            loss="mse",
        )
    ),
    "vgg, SGD, one cycle": pack(cell(VGG, epochs=2, learning_rate=0.02)),
    "zipcode1989, mse": pack(
        _of_its_time(
            Zipcode1989(filters=12, output="tanh"),
            USPS_LIKE,
            learning_rate=0.01,
            loss="mse",
            targets=(-1, 1),
            input_range=(-1, 1),
        )
    ),
    "net5_1989": pack(_of_its_time(Net5(filters=2), USPS_LIKE, learning_rate=0.05, input_range=(-1, 1))),
    "lenet1": pack(_of_its_time(Lenet1(filters=4), MNIST_LIKE, learning_rate=0.02)),
    "lenet1, three times as many maps": pack(
        _of_its_time(Lenet1(filters=12), MNIST_LIKE, learning_rate=0.02), seeds=(0, 1)
    ),
    "lenet4": pack(_of_its_time(Lenet4(filters=4), MNIST_LIKE, learning_rate=0.02), seeds=(0, 1)),
    "lenet5_1998": pack(
        _of_its_time(Lenet5Of1998(filters=6), MNIST_LIKE, learning_rate=2e-5, input_range=(-0.1, 1.175)),
        seeds=(0, 1),
    ),
}


def losses(pack: Pack) -> dict[str, list[list[float]]]:
    """Of each epoch, and in it of each replica."""
    history = train(pack, loaded_dataset(pack.cell.dataset), device="cpu").history
    return {
        kind: [getattr(epoch, kind).tolist() for epoch in history] for kind in ("train_loss", "test_loss")
    }


def machine() -> dict[str, Any]:
    return {
        "device": "cpu",
        "machine": platform.machine(),
        "vector_instructions": torch.backends.cpu.get_cpu_capability(),
        "versions": {name: version(name) for name in ("torch", "pytorch-lightning", "numpy")},
    }


def write() -> None:
    """Write the file anew, with the losses that this training version has already."""
    golden = json.loads(FILE.read_text())
    known = golden["packs"] if golden["training_version"] == TRAINING_VERSION else {}
    packs = {name: known.get(name) or machine() | losses(pack) for name, pack in PACKS.items()}
    FILE.write_text(json.dumps({"training_version": TRAINING_VERSION, "packs": packs}, indent=1) + "\n")


if __name__ == "__main__":
    write()
