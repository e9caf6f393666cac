"""Subsets of the classes of a data set, nested in their number.

The classes are put in the order of a hash of the draw and the class, and the first k of them are used. So the
classes for k are among those for k + 1, on every machine and in every data set with as many classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

import numpy as np

from scaling.datasets.canonical import Split


def draw_classes(classes: int, *, k: int, draw: int) -> tuple[int, ...]:
    """Return k of the classes 0 to ``classes - 1``, ascending; those for k are among those for k + 1.

    Args:
        classes: number of classes.
        k: number of drawn classes.
        draw: random seed.
    """
    drawn_order = sorted(range(classes), key=lambda index: sha256(f"{draw} {index}".encode()).digest())
    return tuple(sorted(drawn_order[:k]))


def restrict_split(split: Split, classes: Sequence[int]) -> Split:
    """Return the images of some classes in canonical order, with the labels 0 to k-1.

    Args:
        split: images of all classes, in canonical order.
        classes: the k classes in use, ascending.
    """
    is_used = np.isin(split.labels, classes)
    return Split(split.images[is_used], np.searchsorted(classes, split.labels[is_used]).astype(np.uint8))
