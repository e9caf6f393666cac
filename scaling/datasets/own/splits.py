"""Names of splits, as folders and files of data sets use them."""

from __future__ import annotations

import re

_SPLITS = {
    "train": ("train", "training"),
    "test": ("test", "testing"),
    "val": ("val", "valid", "validation", "dev"),
}
"""Names of each split."""
SPLITS: tuple[str, ...] = tuple(_SPLITS)
"""Splits that are read."""
SPLIT_NAMES = {name: split for split, names in _SPLITS.items() for name in names}
"""Split of each name."""

_FIRST_WORD = re.compile(r"[a-z]+(?![a-z])", re.IGNORECASE)


def split_of(name: str) -> str | None:
    """Return the split that the first word of a name means: ``train``, ``test`` or ``val``; None for another.

    Args:
        name: name of a file or a folder, such as ``train-00000-of-00001.parquet``.
    """
    word = _FIRST_WORD.match(name)
    return word and SPLIT_NAMES.get(word[0].lower())
