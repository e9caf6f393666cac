"""Where things are: the same for every command."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from platformdirs import user_data_path

from scaling.store import Stores, open_store

ARTIFACTS = Path("artifacts")


@dataclass(frozen=True)
class Settings:
    """Stores and folders."""

    store: str = str(ARTIFACTS / "store")
    """Folder or URI; what is trained goes here."""
    also: Sequence[str] = ()
    """Further stores that are read."""
    data: Path = field(default_factory=lambda: user_data_path("scaling"))
    """May be read-only."""
    artifacts: Path = ARTIFACTS
    """For figures, reports and logs."""

    def stores(self) -> Stores:
        return Stores(open_store(self.store), [open_store(uri) for uri in self.also])
