"""USPS zip codes through torchvision: two bz2 files in the text format of LIBSVM."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from scaling.data.sources.locate import FileSource
from scaling.datasets import Split
from scaling.datasets.readers import Layout, name_decode_errors

_TRAIN, _TEST = "usps.bz2", "usps.t.bz2"


def _read(files: Sequence[Path]) -> Split:
    from torchvision.datasets import USPS as TorchvisionUsps

    (file,) = files
    with name_decode_errors(file):
        split = TorchvisionUsps(file.parent, train=file.name == _TRAIN)
        return Split(split.data[..., None], np.array(split.targets, np.uint8))


def _download(folder: Path) -> None:
    from torchvision.datasets import USPS as TorchvisionUsps

    for train in (True, False):
        TorchvisionUsps(folder, train=train, download=True)


USPS = FileSource("usps", (Layout(f"{_TRAIN} and {_TEST}", (_TRAIN,), (_TEST,), _read),), _download)
