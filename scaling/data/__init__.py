"""Data sets on this machine: found or fetched, verified, cached, memory-mapped.

Batches on a device are in ``scaling.data.batches``, which is imported by itself: nothing here needs torch unless it must decode.
"""

from __future__ import annotations

from scaling.data.material import Material, load
from scaling.data.published import Row, fetch, inventory

__all__ = ["Material", "Row", "fetch", "inventory", "load"]
