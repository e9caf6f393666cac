"""Specifications of the networks in ``tests/own_nets.py``, which are a user's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scaling.architectures import OwnModule, OwnNetwork
from scaling.settings import Problem

NETS = Path(__file__).with_name("own_nets.py")


def own_spec(
    factory: str, filters: int = 3, file: Path = NETS, *, kind: type[OwnNetwork] = OwnModule, **settings: Any
) -> OwnNetwork:
    """Return the specification of a network, as a study beside its file gives it."""
    spec = kind(module=f"{file.name}:{factory}", filters=filters, **settings).read_files(file.parent)
    assert not isinstance(spec, Problem), spec
    return spec
