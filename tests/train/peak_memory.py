"""Script that measures by how many bytes a new process grows when it trains one pack and writes a checkpoint.

Prints: predicted, measured.

Arguments: architecture, filters, data set, precision, batch size. The name of a VGG ends in its depth, and in
    "late" if it pools next to the output; that of a LeNet-5 can end in "average", its pooling.
"""

from __future__ import annotations

import re
import sys
import tempfile
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from scaling.architectures import AnyArchitecture, Lenet5, Lenet5Of1998, Tree3, Vgg
from scaling.config import Cell, CellRun, Recipe
from scaling.config.recipe import Augmentation
from scaling.data import LoadedDataset
from scaling.datasets import Cifar10, Mnist, Split
from scaling.plan import Pack
from scaling.plan.memory import memory_bytes
from scaling.plan.packs import make_packs
from scaling.store import Checkpoints, open_store
from scaling.train import pack as pack_training
from scaling.train import train

STEPS, EPOCHS, TEST = 2, 2, 2000


def status(name: str) -> int:
    """Return the memory of this process in bytes: current (VmRSS) or peak (VmHWM)."""
    (kib,) = re.findall(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(kib) * 1024


def named(architecture: str, filters: int, *, rows: int) -> AnyArchitecture:
    match architecture.split():
        case ["lenet5"]:
            return Lenet5(filters=filters)
        case ["lenet5", "average"]:
            return Lenet5(filters=filters, pooling="average")
        case ["lenet5_1998"]:
            return Lenet5Of1998(filters=filters)
        case ["tree3"]:
            return Tree3(filters=filters, rows=rows)
        case ["vgg", depth, *late]:
            return Vgg(filters=filters, depth=int(depth), pooling="output" if late else "blocks")
    raise ValueError(f"no such network: {architecture}")


def grown(architecture: str, filters: int, data: str, precision: str, batch_size: int) -> tuple[int, int]:
    """Return predicted and measured bytes. Images are noise in memory, which does not count as growth."""
    dataset = {"mnist": Mnist, "cifar10": Cifar10}[data]()
    train_images = STEPS * batch_size
    info = replace(dataset.info(Path()), train_images=train_images, test_images=TEST)
    cell = Cell(
        dataset=dataset,
        info=info,
        architecture=named(architecture, filters, rows=4 if data == "mnist" else 2),
        recipe=Recipe(
            epochs=EPOCHS,
            precision=precision,
            batch_size=batch_size,
            augmentation=Augmentation(crop=4, flip=True) if data == "cifar10" else Augmentation(),
        ),
    )
    rng = np.random.default_rng(0)
    shape, channels = (info.image.side, info.image.side, info.image.channels), info.image.channels
    made = [
        Split(rng.integers(0, 256, (n, *shape), dtype=np.uint8), rng.integers(0, 10, n, dtype=np.uint8))
        for n in (train_images, TEST)
    ]
    every, none = np.arange(train_images), np.arange(0)
    loaded_dataset = LoadedDataset(info, *made, every, none, np.full(channels, 0.5), np.full(channels, 0.25))
    (whole,) = make_packs([CellRun(cell, cell.run(0))])
    compilation = get_context("fork").Process(target=train_with_checkpoints, args=(whole, loaded_dataset))
    compilation.start()  # kernels are compiled once on a machine, and not in the process that is measured
    compilation.join()
    before = status("VmRSS")
    train_with_checkpoints(whole, loaded_dataset)
    return memory_bytes(cell), status("VmHWM") - before


def train_with_checkpoints(pack: Pack, dataset: LoadedDataset) -> None:
    """Train a pack with a checkpoint after each step."""
    pack_training.CHECKPOINT_S = 0.0
    with tempfile.TemporaryDirectory() as folder:
        train(pack, dataset, device="cpu", checkpoints=Checkpoints(open_store(folder), pack.key))


if __name__ == "__main__":
    print(*grown(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4], int(sys.argv[5])))
