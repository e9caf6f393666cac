"""Losses of small trainings in fp32, in full precision.

``python -m tests.train.golden_losses`` writes new ones. Write new ones only together with a higher
TRAINING_VERSION: the stored runs have the old numbers.
"""

from __future__ import annotations

import json
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from scaling.config import TRAINING_VERSION
from scaling.config.recipe import Adam, AdamW, Augmentation, Cosine, Step
from scaling.plan import Pack
from scaling.train import train
from tests.train.tiny_packs import LENET, TREE, VGG, cell, loaded_dataset, pack

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
}


def losses(pack: Pack) -> dict[str, list[list[float]]]:
    """Of each epoch, and in it of each replica."""
    history = train(pack, loaded_dataset(pack.cell.dataset), device="cpu").history
    return {
        kind: [getattr(epoch, kind).tolist() for epoch in history] for kind in ("train_loss", "test_loss")
    }


def machine() -> dict[str, Any]:
    return {
        "training_version": TRAINING_VERSION,
        "device": "cpu",
        "machine": platform.machine(),
        "vector_instructions": torch.backends.cpu.get_cpu_capability(),
        "versions": {name: version(name) for name in ("torch", "pytorch-lightning", "numpy")},
    }


if __name__ == "__main__":
    FILE.write_text(
        json.dumps(machine() | {"losses": {name: losses(pack) for name, pack in PACKS.items()}}, indent=1)
        + "\n"
    )
