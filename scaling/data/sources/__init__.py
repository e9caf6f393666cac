"""Sources of the published data sets, one file for each; a data set in files is one line here."""

from __future__ import annotations

from scaling.data.sources.cifar10 import CIFAR10
from scaling.data.sources.download import locate_or_download
from scaling.data.sources.locate import FileSource, locate_files
from scaling.data.sources.mnist import MNIST
from scaling.data.sources.torchvision_sets import TORCHVISION_SOURCES
from scaling.data.sources.usps import USPS

FILE_SOURCES: dict[str, FileSource] = {"mnist": MNIST, "usps": USPS, "cifar10": CIFAR10}
"""Sources by the type of the data set."""

__all__ = ["FILE_SOURCES", "TORCHVISION_SOURCES", "FileSource", "locate_files", "locate_or_download"]
