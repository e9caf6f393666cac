"""Where an unfinished pack stands, so that whoever takes it over goes on from there."""

from __future__ import annotations

from scaling.store import paths
from scaling.store.store import Store

KEPT = 2
"""Generations: an older one is removed only when a newer one is whole."""


class Checkpoints:
    """The checkpoints of one pack, by the epochs that were done."""

    def __init__(self, store: Store, key: str) -> None:
        self.backend, self.key = store.backend, key

    def save(self, epoch: int, data: bytes) -> None:
        """Keep a checkpoint; it appears whole or not at all."""
        self.backend.put_if_absent(paths.checkpoint(self.key, epoch), data)
        for old in self.epochs()[KEPT:]:
            self.backend.delete(paths.checkpoint(self.key, old))

    def epochs(self) -> list[int]:
        """What there is, the newest first."""
        return sorted(
            paths.checkpoint_epochs(self.backend.list_names(paths.checkpoints(self.key))), reverse=True
        )

    def load(self, epoch: int) -> bytes:
        """A checkpoint.

        Raises:
            StoreError: it doesn't exist or can't be read.
        """
        return self.backend.get(paths.checkpoint(self.key, epoch))

    def clear(self) -> None:
        """Forget them: the pack is published."""
        for epoch in self.epochs():
            self.backend.delete(paths.checkpoint(self.key, epoch))
