"""Values that JSON can represent."""

from __future__ import annotations

from math import isfinite
from typing import Any


def replace_nonfinite(value: Any) -> Any:
    """Return a nested value with None in the place of infinity and NaN, which JSON does not have."""
    if isinstance(value, dict):
        return {name: replace_nonfinite(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [replace_nonfinite(inner) for inner in value]
    return None if isinstance(value, float) and not isfinite(value) else value
