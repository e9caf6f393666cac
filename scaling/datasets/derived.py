"""Base class of data sets that are computed from the images of another data set.

Set here: the fingerprint is a hash of the images' fingerprint, the settings and the version of the
computation, so that a study can be planned without the computed images.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from scaling.datasets.base import Dataset, DatasetInfo
from scaling.datasets.imagefolder import ImageFolderDataset
from scaling.datasets.mnist import Mnist
from scaling.datasets.mnist5k import Mnist5k
from scaling.datasets.npz import NpzDataset
from scaling.datasets.parquet import ParquetDataset
from scaling.datasets.synthetic import Synthetic
from scaling.datasets.torchvision_dataset import TorchvisionDataset
from scaling.datasets.usps import Usps
from scaling.errors import DataError


class DerivedDataset(Dataset):
    """Data set that is computed from the grey images of another one."""

    of: Annotated[
        Mnist
        | Usps
        | Mnist5k
        | Synthetic
        | NpzDataset
        | TorchvisionDataset
        | ParquetDataset
        | ImageFolderDataset,
        Field(discriminator="type"),
    ]
    """Data set of grey images, bright on dark, from which this one is computed."""

    @model_validator(mode="after")
    def _check_images(self) -> DerivedDataset:
        omitted_values = {"labels": None, "labels_draw": 0, "train_images": None, "validation": 0}
        for name, omitted in omitted_values.items():
            if getattr(self.of, name) != omitted:
                raise ValueError(
                    f"give {name} and not of.{name}; the data set is computed from the whole of"
                    f" {self.of.type}"
                )
        return self

    def located(self, study: Path, folder: Path) -> DerivedDataset:
        return self.model_copy(update={"of": self.of.located(study, folder)})

    @property
    def pictures(self) -> Dataset:
        return self.of

    def grey_info(self, folder: Path) -> DatasetInfo:
        """Return the description of the data set that this one is computed from.

        Args:
            folder: the data folder.

        Raises:
            DataError: its images have several channels, or it cannot be read.
        """
        info = self.of.whole_info(folder)
        if info.image.channels != 1:
            raise DataError(f"dataset.of: expected grey images, got {info.image.channels} channels")
        return info
