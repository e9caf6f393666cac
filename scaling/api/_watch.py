"""Laws of the runs that are finished so far, while a sweep trains the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from scaling.api._fit import fit
from scaling.api._workspace import Workspace
from scaling.config import StudySource
from scaling.errors import FitError, StoreError, TableError


@dataclass(frozen=True)
class LawWatch:
    """Fit of a study's finished runs, for repeated use."""

    config: StudySource
    workspace: Workspace
    overrides: Sequence[str] = ()

    def fit(self) -> list[str]:
        """Return a line for each curve: its verdict, its law with intervals, and its status.

        There are none while the finished runs do not determine a law.
        """
        source = str(self.config) if isinstance(self.config, Path) else self.config
        try:
            fits = fit(source, replace(self.workspace), overrides=self.overrides)
        except (FitError, StoreError, TableError):
            return []
        return [fitted.summary for fitted in fits]
