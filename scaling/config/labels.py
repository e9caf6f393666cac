"""Labels of settings and data sets, and the order in which values are listed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scaling.architectures import SettingLabel, has_widths, setting_labels
from scaling.datasets import PUBLISHED_DATASETS, TORCHVISION_SETS

_LABELS = {
    "data.fingerprint": SettingLabel(plural="data {:.8}"),
    "data.labels": SettingLabel(plural="{:,} labels"),
    "data.labels_draw": SettingLabel(plural="draw {} of the labels"),
    "data.train_images": SettingLabel(plural="{:,} images", singular="1 image"),
    "data.validation": SettingLabel(plural="{:,} validation images", singular="1 validation image"),
    "recipe.optimizer.type": SettingLabel(plural="{}"),
    "recipe.schedule.type": SettingLabel(plural="{} schedule"),
    "recipe.loss": SettingLabel(plural="{}"),
    "recipe.precision": SettingLabel(plural="{}"),
    "recipe.epochs": SettingLabel(plural="{:,} epochs", singular="1 epoch"),
    "recipe.batch_size": SettingLabel(plural="batches of {:,}"),
}
"""Label of each setting that needs more than its name and value. Architectures label their own settings."""
_LABELS_OF_NONE = {"data.labels": "all labels"}
"""Label of each setting whose value None means something else than that the configuration lacks it."""


def dataset_title(name: str) -> str:
    """Return the title of a published data set; for any other data set, its type in words."""
    if name in PUBLISHED_DATASETS:
        title: str = PUBLISHED_DATASETS[name]().info(Path()).title
        return title
    titles = {entry.content_type: entry.title for entry in TORCHVISION_SETS.values()}
    return titles.get(name, name.replace("_", " "))


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
        return _LABELS_OF_NONE.get(setting, f"no {name}")
    if isinstance(value, tuple):
        value = "-".join(map(str, value)) or "none"
    label = setting_labels().get(path) if group == "architecture" else _LABELS.get(setting)
    return label.text(value) if label else f"{name} {value}"


def network_label(curve: str, filters: int, *, architecture: str) -> str:
    """Return a curve and a width as text, such as ``lenet5, filters 6``.

    Args:
        curve: label of the curve.
        filters: width of the network.
        architecture: type of the architecture. The text has no width if the architecture has only one.
    """
    return f"{curve}, filters {filters}" if has_widths(architecture) else curve


def sort_key(value: object) -> tuple[bool, float, str]:
    """Return a sort key: numbers by their value, then everything else by its text."""
    return (False, float(value), "") if isinstance(value, int | float) else (True, 0.0, str(value))
