"""Text and JSON of ``scaling data check``."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from textwrap import fill
from typing import TYPE_CHECKING, Any

from scaling.cli.output import count, print_text
from scaling.cli.plan_output import dataset_dict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scaling.data import DatasetCheck, Duplicates
    from scaling.datasets import DatasetInfo

_WIDTH = 80
_PLAIN = re.compile(r"(?!(?:y|n|yes|no|on|off|true|false|null)\Z)/?[a-z][\w.-]*(?:/[\w.-]+)*", re.IGNORECASE)
"""Text that every reader of YAML takes for text without quotation marks."""
_MAX_CLASSES = 20
"""Largest number of classes with a line of their own."""
_MAX_CHANNELS = 4
"""Largest number of channels whose moments are listed."""


def print_check(check: DatasetCheck) -> None:
    """Print what a data set holds."""
    info, found = check.info, check.duplicates
    side, channels = info.image.side, info.image.channels
    _print("data set", info.title)
    if info.layout:
        _print("layout", info.layout)
    _print(
        "images",
        f"{info.train_images:,} training and {info.test_images:,} test images of {side}x{side} pixels with"
        f" {count(channels, 'channel')}",
    )
    _print(
        "pixels", f"mean {_numbers(check.mean)}, standard deviation {_numbers(check.std)} (0 to 1, training)"
    )
    _print("classes", _classes_text(info))
    if info.image.classes <= _MAX_CLASSES:
        _print_classes(info)
    _print("duplicates", _duplicates_text(found))
    for note in info.notes:
        _print("note", note)
    _print("content", info.fingerprint[:16])
    print_text(dataset_line(check))


def dataset_line(check: DatasetCheck) -> str:
    """Return the key ``dataset`` of a study on this data set, as one line of YAML."""
    return f"dataset: {_flow(check.dataset)}"


def _flow(value: Any) -> str:
    """Return a value as YAML on one line: settings without those that have their default, and other values.

    Text that is no plain word or path is quoted.
    """
    from scaling.settings import ConfigModel

    if isinstance(value, ConfigModel):
        fields = type(value).model_fields
        given = {
            name: getattr(value, name)
            for name, field in fields.items()
            if getattr(value, name) != field.default
        }
        settings = {"type": fields["type"].default, **given}
        return "{" + ", ".join(f"{name}: {_flow(inner)}" for name, inner in settings.items()) + "}"
    if isinstance(value, str) and _PLAIN.fullmatch(value):
        return value
    return json.dumps(value, ensure_ascii=False)


def check_dict(check: DatasetCheck) -> dict[str, object]:
    """Return what a data set holds as JSON values."""
    info = check.info
    return {
        **dataset_dict(info),
        "label_names": info.label_names,
        "layout": info.layout,
        "notes": info.notes,
        "train_per_class": info.train_per_class,
        "test_per_class": info.test_per_class,
        "duplicates": asdict(check.duplicates),
        "mean": check.mean,
        "std": check.std,
        "dataset": dataset_line(check),
    }


def _print(heading: str, text: str) -> None:
    print_text(fill(text, _WIDTH, initial_indent=f"{heading:<12}", subsequent_indent=" " * 12))


def _duplicates_text(found: Duplicates) -> str:
    texts = {
        "training images repeat another one": found.train,
        "test images repeat another one": found.test,
        "test images are also training images": found.between,
        "pictures have several labels": found.conflicting,
    }
    return "; ".join(f"{number:,} {text}" for text, number in texts.items() if number) or "none"


def _classes_text(info: DatasetInfo) -> str:
    counts = info.train_per_class
    text = (
        f"{info.image.classes}, with {min(counts):,} to {max(counts):,} training and"
        f" {min(info.test_per_class):,} to {max(info.test_per_class):,} test images"
    )
    if info.renumbers_labels:
        text += (
            f"; labels {info.labels[0]} to {info.labels[-1]} become the classes 0 to {len(info.labels) - 1}"
        )
    return text


def _print_classes(info: DatasetInfo) -> None:
    print_text(f"{'':<12}{'class':>5} {'label':>8} {'training':>9} {'test':>9}  name")
    for index in range(info.image.classes):
        name = info.label_names[index] if info.label_names else ""
        line = (
            f"{'':<12}{index:>5} {info.label(index):>8} {info.train_per_class[index]:>9,}"
            f" {info.test_per_class[index]:>9,}  {name}"
        )
        print_text(line.rstrip()[:_WIDTH])


def _numbers(values: Sequence[float]) -> str:
    more = " ..." if len(values) > _MAX_CHANNELS else ""
    return " ".join(f"{value:.3f}" for value in values[:_MAX_CHANNELS]) + more
