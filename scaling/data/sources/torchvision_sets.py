"""Download of the data sets of torchvision that a study names by ``type: torchvision``."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from scaling.data.sources.locate import FileSource
from scaling.datasets import TORCHVISION_SETS
from scaling.datasets.readers import Layout

_SPLIT_NAMES = ("SVHN", "STL10")
"""Classes whose argument for the split is its name, not whether it is the training split."""


def _arguments(name: str) -> list[dict[str, Any]]:
    """Return the arguments of the downloads that together have all files."""
    if name == "EMNIST":  # one archive holds all parts
        return [{"split": "balanced"}]
    if name in _SPLIT_NAMES:
        return [{"split": split} for split in ("train", "test")]
    return [{"train": train} for train in (True, False)]


def _download(name: str, folder: Path) -> None:
    import torchvision.datasets

    for arguments in _arguments(name):
        getattr(torchvision.datasets, name)(folder, download=True, **arguments)


def _source(name: str) -> FileSource:
    # All parts of EMNIST are downloaded together.
    entries = [entry for entry in TORCHVISION_SETS.values() if entry.name == name]
    first = entries[0].layouts[0]
    layout = Layout(
        first.names,
        tuple(pattern for entry in entries for pattern in entry.layouts[0].train),
        tuple(pattern for entry in entries for pattern in entry.layouts[0].test),
        first.read,
    )
    return FileSource(name, (layout, *entries[0].layouts[1:]), partial(_download, name))


TORCHVISION_SOURCES: dict[str, FileSource] = {
    name: _source(name) for name in dict.fromkeys(name for name, _ in TORCHVISION_SETS)
}
"""Sources by the name of torchvision's class."""
