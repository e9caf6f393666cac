"""Training of packs: the only room that imports Lightning."""

from __future__ import annotations

from scaling.train.epoch import Epoch
from scaling.train.pack import Trained, train
from scaling.train.tables import tables

__all__ = ["Epoch", "Trained", "tables", "train"]
