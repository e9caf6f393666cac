"""Training of packs: the only package that imports Lightning."""

from __future__ import annotations

from scaling.train.epoch_metrics import EpochMetrics
from scaling.train.own_lightning import try_training
from scaling.train.pack import select_device, train
from scaling.train.pack_result import PackResult
from scaling.train.result_tables import build_tables, build_test_set

__all__ = [
    "EpochMetrics",
    "PackResult",
    "build_tables",
    "build_test_set",
    "select_device",
    "train",
    "try_training",
]
