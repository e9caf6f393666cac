"""Script that measures by how many bytes a new process grows when it trains one pack.

Prints: predicted, measured.

Arguments: architecture, filters, data set, precision, epochs. The name of a VGG ends in its depth, and in
    "late" if it
pools next to the output.
"""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from scaling.architectures import AnyArchitecture, Lenet5, Tree3, Vgg
from scaling.config import Cell, CellRun, Recipe
from scaling.config.recipe import Augmentation
from scaling.data import LoadedDataset
from scaling.datasets import Cifar10, Mnist, Split
from scaling.plan.memory import memory_bytes
from scaling.plan.packs import make_packs
from scaling.train import train

TRAIN, TEST = 500, 2000


def status(name: str) -> int:
    """Return the memory of this process in bytes: current (VmRSS) or peak (VmHWM)."""
    (kib,) = re.findall(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(kib) * 1024


def named(architecture: str, filters: int, *, rows: int) -> AnyArchitecture:
    match architecture.split():
        case ["lenet5"]:
            return Lenet5(filters=filters)
        case ["tree3"]:
            return Tree3(filters=filters, rows=rows)
        case ["vgg", depth, *late]:
            return Vgg(filters=filters, depth=int(depth), pooling="output" if late else "blocks")
    raise ValueError(f"no such network: {architecture}")


def grown(architecture: str, filters: int, data: str, precision: str, epochs: int) -> tuple[int, int]:
    """Return predicted and measured bytes. Images are noise in memory, which does not count as growth."""
    dataset = {"mnist": Mnist, "cifar10": Cifar10}[data]()
    info = replace(dataset.info(Path()), train_images=TRAIN, test_images=TEST)
    network = named(architecture, filters, rows=4 if data == "mnist" else 2)
    augmentation = Augmentation(crop=4, flip=True) if data == "cifar10" else Augmentation()
    cell = Cell(
        dataset=dataset,
        info=info,
        architecture=network,
        recipe=Recipe(epochs=epochs, precision=precision, augmentation=augmentation),
    )
    rng = np.random.default_rng(0)
    shape, channels = (info.image.side, info.image.side, info.image.channels), info.image.channels
    made = [
        Split(rng.integers(0, 256, (n, *shape), dtype=np.uint8), rng.integers(0, 10, n, dtype=np.uint8))
        for n in (TRAIN, TEST)
    ]
    every, none = np.arange(TRAIN), np.arange(0)
    loaded_dataset = LoadedDataset(info, *made, every, none, np.full(channels, 0.5), np.full(channels, 0.25))
    (whole,) = make_packs([CellRun(cell, cell.run(0))])
    before = status("VmRSS")
    train(whole, loaded_dataset, device="cpu")
    return memory_bytes(cell), status("VmHWM") - before


if __name__ == "__main__":
    print(*grown(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4], int(sys.argv[5])))
