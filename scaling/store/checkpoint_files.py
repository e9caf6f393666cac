"""Checkpoints of an unfinished pack, from which another worker can continue the training."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from scaling.errors import StoreError
from scaling.store import paths
from scaling.store.store import Store

State = TypeVar("State")

_GENERATIONS_KEPT = 2
"""Number of checkpoints that stay; the oldest is removed only after the newest is complete."""


class CheckpointError(Exception):
    """A checkpoint from which the training cannot continue; the message says why."""


class Checkpoints:
    """Checkpoints of one pack. A name has the number of steps that were done and the hash of the content.

    Args:
        store: the store that holds the checkpoints.
        key: key of the pack.
        on_unusable: is called with one line about each checkpoint that cannot be used.
        group: key of a group of the pack's networks that trains by itself; by default all of them train
            together.
    """

    def __init__(
        self,
        store: Store,
        key: str,
        on_unusable: Callable[[str], object] = lambda line: None,
        *,
        group: str = "",
    ) -> None:
        self.backend, self.on_unusable = store.backend, on_unusable
        self._folder = paths.checkpoints_folder(key, group)

    def save(self, steps: int, data: bytes) -> None:
        """Save a checkpoint; it appears as a whole or not at all."""
        self.backend.put_if_absent(self._file(paths.checkpoint_name(steps, data)), data)
        for outdated in self.names()[_GENERATIONS_KEPT:]:
            self.backend.delete(self._file(outdated))

    def names(self) -> list[str]:
        """Return the names of the checkpoints, the newest first."""
        files = self.backend.list_names(self._folder)
        return sorted(paths.checkpoint_names(files), key=paths.checkpoint_steps, reverse=True)

    def newest(self, decode: Callable[[bytes], State]) -> State | None:
        """Return the newest checkpoint that can be used; None without any.

        A checkpoint that is damaged, or that belongs to another network or version, is reported and removed.
        A checkpoint that cannot be read is reported and stays.

        Args:
            decode: function that decodes a checkpoint, or raises CheckpointError.
        """
        for name in self.names():
            file = self._file(name)
            try:
                data = self.backend.get(file)
                if name != paths.checkpoint_name(paths.checkpoint_steps(name), data):
                    raise CheckpointError("its content does not have the hash in its name")
                return decode(data)
            except StoreError as error:
                self.on_unusable(str(error))
            except CheckpointError as error:
                self.on_unusable(
                    f"{self.backend.full_name(file)}: is removed ({error}); the training continues from an"
                    " older checkpoint or from the start"
                )
                with suppress(StoreError):
                    self.backend.delete(file)
        return None

    def clear(self) -> None:
        """Remove all checkpoints of the pack, after its runs are published."""
        for name in self.names():
            self.backend.delete(self._file(name))

    def _file(self, name: str) -> str:
        return f"{self._folder}/{name}"
