"""Optimal Brain Damage: deletion of the weights whose loss raises the training error least, and retraining.

Source: LeCun, Denker & Solla, Optimal brain damage, NIPS 2, 598 (1990)
"""

from __future__ import annotations

from scaling.train.pruning.curvature import hessian_diagonal
from scaling.train.pruning.deletion import Masks, count_left, delete, keep_all, saliencies
from scaling.train.pruning.rounds import load_parents, train_round

__all__ = [
    "Masks",
    "count_left",
    "delete",
    "hessian_diagonal",
    "keep_all",
    "load_parents",
    "saliencies",
    "train_round",
]
