"""Where things are: the same for every command."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from platformdirs import user_data_path

from scaling.errors import StoreError

if TYPE_CHECKING:
    from scaling.store import StoreUnion

ARTIFACTS = Path("artifacts")


@dataclass(frozen=True)
class Workspace:
    """Stores and folders."""

    store: str = str(ARTIFACTS / "store")
    """Folder or URI; what is trained goes here."""
    also: Sequence[str] = ()
    """Further stores that are read."""
    data: Path = field(default_factory=lambda: user_data_path("scaling"))
    """May be read-only."""
    artifacts: Path = ARTIFACTS
    """For figures, reports and logs."""

    def stores(self) -> StoreUnion:
        """Opened once, so that what one question has read is known to the next."""
        return self._stores

    @cached_property
    def _stores(self) -> StoreUnion:
        from scaling.store import StoreUnion, open_store

        also = [open_store(uri) for uri in self.also]
        for uri, store in zip(self.also, also, strict=True):
            if not store.has_runs:
                raise StoreError(f"--also {uri}: holds no runs; name a store that does, or leave it out")
        return StoreUnion(open_store(self.store), also)
