"""What every data set's specification shares."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from scaling.settings import ConfigModel, IdentityDefault, ImageShape, PositiveInt, Problem


@dataclass(frozen=True)
class DatasetInfo:
    """What is known of a data set before it is read."""

    title: str
    """For figures and tables."""
    image: ImageShape
    train_images: int
    test_images: int
    fingerprint: str
    """SHA-256 of its content in canonical order; the identity of the data."""


class Dataset(ConfigModel):
    """A data set, and how much of its training split is used."""

    train_images: Annotated[PositiveInt | None, IdentityDefault(None)] = None
    """Train on this many images only: nested, stratified subsets. All by default."""
    validation: Annotated[int, Field(ge=0), IdentityDefault(0)] = 0
    """Training images held out for choices. With 0 nothing may be chosen."""

    @abstractmethod
    def info(self, folder: Path) -> DatasetInfo:
        """Shape, sizes and fingerprint. A set that the user made is read for it; ``folder`` is the data folder.

        Raises:
            DataError: the user's file is missing or unfit.
        """

    def problem(self, info: DatasetInfo) -> Problem | None:
        """Why the splits can't be cut so: (the field, what is permitted), or None."""
        left = info.train_images - self.validation
        if left < 1:
            return Problem(
                "validation",
                f"must leave training images: at most {info.train_images - 1}, not {self.validation}",
            )
        if self.train_images is not None and self.train_images > left:
            return Problem("train_images", f"must be at most {left}, not {self.train_images}")
        return None

    def train_size(self, info: DatasetInfo) -> int:
        """Images that are trained on in an epoch."""
        return self.train_images or info.train_images - self.validation
