"""Choice of the type of data set for a path or a name, as ``scaling data check`` gets it."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

from scaling.datasets.any_dataset import PUBLISHED_DATASETS, AnyDataset
from scaling.datasets.imagefolder import ImageFolderDataset
from scaling.datasets.npz import NpzDataset
from scaling.datasets.parquet import ParquetDataset
from scaling.datasets.torchvision_dataset import TorchvisionDataset
from scaling.datasets.torchvision_sets import TORCHVISION_SETS
from scaling.errors import DataError
from scaling.files import file_problem

_PARQUET_PATTERNS = ("*.parquet", "*/*.parquet", "*/*/*.parquet")


def guess_dataset(source: str) -> AnyDataset:
    """Return the data set that a path or a name means.

    Args:
        source: path of an .npz file or of a folder; name of a published data set; or ``EMNIST/letters``.

    Raises:
        DataError: there is no such file, folder or data set.
    """
    if not source:
        raise DataError("expected a study, an .npz file, a folder or the name of a data set, got no text")
    path = Path(source).expanduser()
    if path.is_dir():
        has_parquet = any(chain(*(path.glob(pattern) for pattern in _PARQUET_PATTERNS)))
        return ParquetDataset(path=source) if has_parquet else ImageFolderDataset(path=source)
    if file_problem(path) is None:
        if path.suffix == ".parquet":
            raise DataError(f"{source}: give its folder, which has the files of all splits")
        return NpzDataset(path=source)
    if source in PUBLISHED_DATASETS:
        published: AnyDataset = PUBLISHED_DATASETS[source]()
        return published
    name, _, split = source.partition("/")
    if (name, split or None) in TORCHVISION_SETS:
        return TorchvisionDataset(name=name, split=split or None)
    names = [*PUBLISHED_DATASETS, *("/".join(filter(None, key)) for key in TORCHVISION_SETS)]
    raise DataError(
        f"{source}: {file_problem(path)}; give a study, an .npz file, a folder, or one of {', '.join(names)}"
    )
