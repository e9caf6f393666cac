"""Source of a study: its YAML file, or its settings as Python objects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from scaling.config.grid import SettingPath, dotted
from scaling.errors import ConfigError


@dataclass(frozen=True)
class StudySettings:
    """Settings of a study as Python objects, with the keys of a study's YAML file."""

    settings: Mapping[str, Any]

    def __str__(self) -> str:
        """Name of the study in messages."""
        return "Study"

    def to_dict(self) -> dict[str, Any]:
        """Return a copy that consists of what YAML can hold: a tuple, a range and an array become lists.

        Raises:
            ConfigError: a value is something else.
        """
        return {str(key): _to_plain(value, (str(key),)) for key, value in self.settings.items()}


StudySource = Path | StudySettings
"""A study's YAML file, or its settings."""


def _to_plain(value: Any, path: SettingPath) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _to_plain(item, (*path, str(key))) for key, item in value.items()}
    if isinstance(value, Iterable):
        return [_to_plain(item, (*path, i)) for i, item in enumerate(value)]
    kind = type(value).__name__
    raise ConfigError(
        [f"{dotted(path)}: expected a number, text, a list or a dictionary, got an object of type {kind}"],
        "Study",
    )
