"""Everything this software can refuse, as a tree. Each message says what to do next.

ScalingError            printed without a traceback
├── UsageError          the caller's fault: exit code 2
│   ├── ConfigError     a study's YAML, one line a fault
│   ├── DataError       a data set that is missing, corrupt or unfit
│   ├── StoreError      a store that can't be read or written
│   └── TableError      a table of points that can't be fitted as asked
├── FitError            the data can't say
└── TrainError          a pack that failed: exit code 1
"""

from __future__ import annotations

from collections.abc import Sequence


class ScalingError(Exception):
    """Anything this software refuses or reports by itself."""


class UsageError(ScalingError):
    """The caller asked for something that can't be; the message names the field or file."""


class ConfigError(UsageError):
    """A study that can't be run as written.

    Args:
        faults: one line each, as ``path: what is wrong, what is permitted``.
        source: the file, or another name of where the study came from.
    """

    def __init__(self, faults: Sequence[str], source: str = "study") -> None:
        self.faults = tuple(faults)
        self.source = source
        super().__init__("\n".join(f"{source}: {fault}" for fault in self.faults))


class DataError(UsageError):
    """A data set that is missing, corrupt or unfit; the message names the file or the folder."""


class StoreError(UsageError):
    """A store that can't be read or written."""


class TableError(UsageError):
    """A table of points that can't be fitted as asked; the message names the column or the row."""


class FitError(ScalingError):
    """The data can't say: too few widths, no spread, nothing finite."""


class TrainError(ScalingError):
    """A pack failed; the message names it and its log."""
