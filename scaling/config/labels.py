"""Leaves of a configuration as words, and the order in which their values are listed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scaling.datasets import PUBLISHED_DATASETS

WORDS = {
    "data.fingerprint": "data {:.8}",
    "data.train_images": "{:,} images",
    "data.validation": "{:,} validation images",
    "architecture.branches": "{} branches",
    "architecture.convolutions": "{} convolutions",
    "architecture.activation": "{}",
    "architecture.pooling": "{} pooling",
    "architecture.parametrization": "{}",
    "architecture.ratio": "d2/d1 {:.3g}",
    "architecture.macs": "{:,} MACs",
    "architecture.parameters": "{:,} parameters",
    "recipe.optimizer.type": "{}",
    "recipe.schedule.type": "{} schedule",
    "recipe.loss": "{}",
    "recipe.precision": "{}",
    "recipe.epochs": "{:,} epochs",
    "recipe.batch_size": "batches of {:,}",
}
"""How a leaf's value reads in a label; a leaf that isn't here shows its name."""
ONE = {
    "data.train_images": "1 image",
    "data.validation": "1 validation image",
    "architecture.branches": "1 branch",
    "architecture.convolutions": "1 convolution",
    "recipe.epochs": "1 epoch",
}


def dataset_title(name: str) -> str:
    """The title of a published data set; another one's own name."""
    return PUBLISHED_DATASETS[name]().info(Path()).title if name in PUBLISHED_DATASETS else name


def setting_label(leaf: str, value: Any) -> str:
    """``8 epochs`` for ``recipe.epochs``, ``momentum 0.9`` for a leaf without a phrase of its own."""
    if leaf == "data.type":
        return dataset_title(value)
    room, _, rest = leaf.partition(".")
    name = (rest or room).replace(".", " ").replace("_", " ")
    if value is None:
        return f"no {name}"
    if isinstance(value, tuple):
        value = "-".join(map(str, value)) or "none"
    return ONE[leaf] if value == 1 and leaf in ONE else WORDS.get(leaf, name + " {}").format(value)


def sortable(value: object) -> tuple[bool, float, str]:
    """A key that puts numbers in their order and everything else behind them by its text."""
    return (False, float(value), "") if isinstance(value, int | float) else (True, 0.0, str(value))
