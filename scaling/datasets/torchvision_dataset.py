"""A data set of torchvision by its name, such as FashionMNIST.

Its files are in the data folder, as torchvision or ``scaling data NAME`` puts them there. The content is not
known in advance as MNIST's is, so the files are read before a study is planned.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, field_validator, model_validator

from scaling.datasets.own import LabelledImages, OwnContent, OwnDataset
from scaling.datasets.readers import DatasetFiles, locate_layout
from scaling.datasets.torchvision_sets import TORCHVISION_SETS, TorchvisionSet
from scaling.errors import DataError, shorten
from scaling.settings import IdentityDefault

_OWN_TYPES = {"MNIST": "mnist", "USPS": "usps", "CIFAR10": "cifar10"}
"""Types of torchvision's data sets whose content is known in advance."""


class TorchvisionDataset(OwnDataset):
    """A data set of torchvision. A run's identity includes its name and its content."""

    type: Literal["torchvision"] = "torchvision"
    name: Annotated[str, Field(min_length=1)]
    """Name of its class in ``torchvision.datasets``, such as ``FashionMNIST``."""
    split: Annotated[str | None, IdentityDefault(None)] = None
    """Part of a data set that has several: of EMNIST, ``balanced``, ``letters``, ``digits`` or another."""

    @field_validator("name")
    @classmethod
    def _check_name(cls, name: str) -> str:
        if name in _OWN_TYPES:
            raise ValueError(f"{name} has a type of its own; write dataset: {{type: {_OWN_TYPES[name]}}}")
        names = list(dict.fromkeys(known for known, _ in TORCHVISION_SETS))
        if name not in names:
            close = get_close_matches(name.lower(), [known.lower() for known in names], n=1)
            similar = next((known for known in names if [known.lower()] == close), None)
            meant = f"did you mean {similar}? " if similar else ""
            raise ValueError(
                f"{meant}expected one of {', '.join(names)}, got {shorten(name)}; save other data"
                " sets as .npz or in folders of images"
            )
        return name

    @model_validator(mode="after")
    def _check_split(self) -> TorchvisionDataset:
        splits = [split for name, split in TORCHVISION_SETS if name == self.name]
        if self.split not in splits:
            expected = (
                ", ".join(split for split in splits if split) or f"no split, because {self.name} has none"
            )
            raise ValueError(f"split: expected {expected}, got {shorten(str(self.split))}")
        return self

    @property
    def published(self) -> TorchvisionSet:
        """Published shape and sizes."""
        return TORCHVISION_SETS[self.name, self.split]

    @property
    def content_type(self) -> str:
        return self.published.content_type

    def files(self, folder: Path) -> Sequence[Path]:
        found = self._locate(folder)
        return [*found.train, *found.test]

    def read(self, folder: Path) -> OwnContent:
        files, published = self._locate(folder), self.published
        try:
            splits = files.read()
        except DataError as error:
            raise DataError(f"{error}; {self._hint}") from error
        shape = (published.image.side, published.image.side, published.image.channels)
        for name, split, count, paths in (
            ("training", splits.train, published.train_images, files.train),
            ("test", splits.test, published.test_images, files.test),
        ):
            if split.images.shape != (count, *shape) or split.labels.shape != (count,):
                origin = ", ".join(map(str, paths))
                raise DataError(
                    f"{origin}: expected {name} images of shape {(count, *shape)}, got {split.images.shape}"
                    f" with {len(split.labels)} labels; {self._hint}"
                )
        train, test = (LabelledImages(split.images, split.labels.astype(np.int64)) for split in splits)
        content = OwnContent(
            origin=str(files.folder),
            title=published.title,
            layout=files.layout.names,
            train=train,
            test=test,
            label_names=dict(enumerate(published.label_names, start=int(train.labels.min()))),
        )
        classes = len(np.unique(train.labels))
        if classes != published.image.classes:
            raise DataError(
                f"{files.train[-1]}: expected {published.image.classes} classes, got {classes}; {self._hint}"
            )
        return content

    def reading_settings(self) -> dict[str, Any]:
        return {"name": self.name, "split": self.split}

    @property
    def _hint(self) -> str:
        return f"delete the damaged files, then download them again: scaling data {self.name}"

    def _locate(self, folder: Path) -> DatasetFiles:
        published = self.published
        if files := locate_layout(published.layouts, folder):
            return files
        names = " or ".join(dict.fromkeys(layout.names for layout in published.layouts))
        raise DataError(
            f"{folder}: {published.title} is not there; run `scaling data {self.name}` on a machine with"
            f" network, or put {names} into that folder; `data` or SCALING_DATA names another folder"
        )


def torchvision_name(text: object) -> str | None:
    """Return the name of torchvision's data set that a text such as ``fashion_mnist`` means, or None."""
    names = {name.lower(): name for name, _ in TORCHVISION_SETS}
    return names.get("".join(sign for sign in str(text).lower() if sign.isalnum()))
