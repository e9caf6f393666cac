"""Stores and folders that a command uses."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from platformdirs import user_data_path

from scaling.errors import StoreError

if TYPE_CHECKING:
    from scaling.store import StoreUnion

_ARTIFACTS = Path("artifacts")
DEFAULT_STORE = str(_ARTIFACTS / "store")


def _chosen_store() -> str:
    return os.environ.get("SCALING_STORE") or DEFAULT_STORE


def _chosen_data() -> Path:
    chosen = os.environ.get("SCALING_DATA")
    return Path(chosen) if chosen else user_data_path("scaling")


@dataclass(frozen=True)
class Workspace:
    """Stores and folders that a command uses."""

    store: str = field(default_factory=_chosen_store)
    """Folder or URI of the store for new runs; by default SCALING_STORE, or artifacts/store."""
    also: Sequence[str] = ()
    """Folders or URIs of further stores that are read."""
    data: Path = field(default_factory=_chosen_data)
    """Folder with the data sets, which may be read-only; by default SCALING_DATA, or the user's folder."""
    artifacts: Path = _ARTIFACTS
    """Folder for figures, reports and logs."""

    def stores(self) -> StoreUnion:
        """Open the stores at the first call, and keep the tables that were read in memory.

        Raises:
            StoreError: a store cannot be read, or a store of ``also`` holds no runs.
        """
        return self._stores

    @cached_property
    def _stores(self) -> StoreUnion:
        from scaling.store import StoreUnion, open_store

        also = [open_store(uri, option="also") for uri in self.also]
        for uri, store in zip(self.also, also, strict=True):
            if not store.has_runs:
                raise StoreError(
                    f"{uri}: holds no runs; name a store that does, or leave it out", option="also"
                )
        return StoreUnion(open_store(self.store), also)
