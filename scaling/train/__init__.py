"""Training of packs: the only room that imports Lightning."""

from __future__ import annotations

from scaling.train.epoch_metrics import Epoch
from scaling.train.pack import Trained, train
from scaling.train.result_tables import tables

__all__ = ["Epoch", "Trained", "tables", "train"]
