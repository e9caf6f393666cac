"""Labels of settings and data sets, and the order in which values are listed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scaling.datasets import PUBLISHED_DATASETS

_TEMPLATES = {
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
"""Label of each setting that needs more than its name and its value."""
_SINGULAR = {
    "data.train_images": "1 image",
    "data.validation": "1 validation image",
    "architecture.branches": "1 branch",
    "architecture.convolutions": "1 convolution",
    "recipe.epochs": "1 epoch",
}


def dataset_title(name: str) -> str:
    """Return the title of a published data set; for any other data set, its name."""
    return PUBLISHED_DATASETS[name]().info(Path()).title if name in PUBLISHED_DATASETS else name


def setting_label(setting: str, value: Any) -> str:
    """Return a setting and its value as text for a figure, such as ``8 epochs`` or ``momentum 0.9``.

    Args:
        setting: dotted path, such as ``recipe.epochs``.
        value: value of the setting; None if the configuration does not have the setting.
    """
    if setting == "data.type":
        return dataset_title(value)
    group, _, path = setting.partition(".")
    name = (path or group).replace(".", " ").replace("_", " ")
    if value is None:
        return f"no {name}"
    if value == 1 and setting in _SINGULAR:
        return _SINGULAR[setting]
    if isinstance(value, tuple):
        value = "-".join(map(str, value)) or "none"
    return _TEMPLATES.get(setting, name + " {}").format(value)


def sort_key(value: object) -> tuple[bool, float, str]:
    """Return a sort key: numbers by their value, then everything else by its text."""
    return (False, float(value), "") if isinstance(value, int | float) else (True, 0.0, str(value))
