"""Scaling studies: train small networks over grids of filter counts, and fit how their error falls."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scaling.api import Study

__version__ = "0.1.0"
__all__ = ["Study"]


def __getattr__(name: str) -> object:
    # Imported at the first use, because every command imports this package, and most need no study.
    if name != "Study":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from scaling.api import Study

    globals()["Study"] = Study
    return Study


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
