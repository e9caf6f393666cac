"""Checkpoints of an unfinished pack, from which another worker can continue the training."""

from __future__ import annotations

from scaling.store import paths
from scaling.store.store import Store

_GENERATIONS_KEPT = 2
"""Number of checkpoints that stay; the oldest is removed only after the newest is complete."""


class Checkpoints:
    """Checkpoints of one pack, identified by the number of epochs that were done.

    Args:
        store: the store that holds the checkpoints.
        key: key of the pack.
    """

    def __init__(self, store: Store, key: str) -> None:
        self.backend, self.key = store.backend, key

    def save(self, epoch: int, data: bytes) -> None:
        """Save a checkpoint; it appears as a whole or not at all."""
        self.backend.put_if_absent(paths.checkpoint_file(self.key, epoch), data)
        for outdated in self.epochs()[_GENERATIONS_KEPT:]:
            self.backend.delete(paths.checkpoint_file(self.key, outdated))

    def epochs(self) -> list[int]:
        """Return the numbers of epochs of the saved checkpoints, the newest first."""
        files = self.backend.list_names(paths.checkpoints_folder(self.key))
        return sorted(paths.checkpoint_epochs(files), reverse=True)

    def load(self, epoch: int) -> bytes:
        """Return the checkpoint after ``epoch`` epochs.

        Raises:
            StoreError: the checkpoint does not exist or cannot be read.
        """
        return self.backend.get(paths.checkpoint_file(self.key, epoch))

    def clear(self) -> None:
        """Remove all checkpoints of the pack, after its runs are published."""
        for epoch in self.epochs():
            self.backend.delete(paths.checkpoint_file(self.key, epoch))
