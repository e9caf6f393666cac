"""Where the published sets come from: one file a set. A set that lies in files is one line here."""

from __future__ import annotations

from scaling.data.sources.cifar10 import CIFAR10
from scaling.data.sources.locate import FileSource, locate, locate_or_download
from scaling.data.sources.mnist import MNIST
from scaling.data.sources.usps import USPS

FILE_SOURCES: dict[str, FileSource] = {"mnist": MNIST, "usps": USPS, "cifar10": CIFAR10}

__all__ = ["FILE_SOURCES", "FileSource", "locate", "locate_or_download"]
