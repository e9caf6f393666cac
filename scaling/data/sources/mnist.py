"""MNIST from its idx files in torchvision's layout, or from Parquet in the layout of the Hugging Face hub."""

from __future__ import annotations

from pathlib import Path

from scaling.data.sources.locate import FileSource
from scaling.datasets.mnist import MNIST_INFO
from scaling.datasets.readers import idx_layouts, parquet_layout


def _download(folder: Path) -> None:
    # Imported here, as in the other sources: the import takes two seconds, and only a first use needs it.
    from torchvision.datasets import MNIST as TorchvisionMnist

    TorchvisionMnist(folder, download=True)


_PARQUET = parquet_layout("mnist/mnist", MNIST_INFO.image)
MNIST = FileSource("mnist", (*idx_layouts("MNIST/raw", train="train", test="t10k"), _PARQUET), _download)
