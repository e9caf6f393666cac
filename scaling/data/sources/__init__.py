"""Where the published sets come from: one file a set. A set that lies in files is one line here."""

from __future__ import annotations

from scaling.data.sources.cifar10 import CIFAR10
from scaling.data.sources.locate import Files, find, found_in
from scaling.data.sources.mnist import MNIST
from scaling.data.sources.usps import USPS

FILES: dict[str, Files] = {"mnist": MNIST, "usps": USPS, "cifar10": CIFAR10}

__all__ = ["FILES", "Files", "find", "found_in"]
