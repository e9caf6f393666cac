"""Records of what only the code of a user's own network can tell, kept in the user's cache folder.

The records are computed by torch, once for each content of the code. Every later plan reads them from the
cache, without torch and without running the code.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from platformdirs import user_cache_path
from pydantic import TypeAdapter, ValidationError

from scaling.architectures.description import StepTimes
from scaling.architectures.layers import Layer
from scaling.errors import UsageError
from scaling.files import write_atomically
from scaling.settings import ImageShape

if TYPE_CHECKING:
    from scaling.architectures.own_networks.spec import OwnNetwork

_VERSION = 1
"""Version of the records. Those of other versions are computed again."""

_Record = TypeVar("_Record")


class OwnNetworkError(UsageError):
    """Code of a network that cannot be used; the message names the line of the user's file."""


class UnknownRecord(UsageError):
    """A record that is not in the cache and cannot be computed here."""


@dataclass(frozen=True, kw_only=True)
class NetworkCounts:
    """Counts of one network."""

    layers: tuple[Layer, ...]
    """Layers in the order of the forward pass."""
    saved_numbers: int
    """Numbers that the forward pass of one image keeps for the backward pass."""


@dataclass(frozen=True, kw_only=True)
class ReplicaTraining:
    """How the replicas of a pack are trained."""

    is_fused: bool
    """True if one call of ``torch.func.vmap`` computes all replicas; False for one after the other."""
    reason: str
    """Why the replicas are not fused; empty if they are."""
    is_random: bool
    """True if the training draws random numbers, as dropout does."""


@dataclass(frozen=True, kw_only=True)
class _Kind(Generic[_Record]):
    """One kind of records."""

    name: str
    compute: str
    """``module:function`` that computes a record from a specification and an image shape."""
    adapter: TypeAdapter[_Record]
    of_machine: bool = False
    """True if the record depends on the machine."""


COUNTS = _Kind(
    name="counts", compute="scaling.models.own_networks.count:count", adapter=TypeAdapter(NetworkCounts)
)
TRAINING = _Kind(
    name="training",
    compute="scaling.models.own_networks.fusion:choose_training",
    adapter=TypeAdapter(ReplicaTraining),
)
TIMES = _Kind(
    name="times",
    compute="scaling.train.own_network_time:measure",
    adapter=TypeAdapter(StepTimes),
    of_machine=True,
)

_known: dict[Path, object] = {}
"""Records of this process by their file."""


def find_record(kind: _Kind[_Record], spec: OwnNetwork, image: ImageShape) -> _Record | None:
    """Return a record that is known already; None if it has to be computed."""
    path = _path(kind, spec, image)
    if path not in _known:
        with suppress(OSError, ValidationError):
            _known[path] = kind.adapter.validate_json(path.read_bytes())
    return _known.get(path)  # type: ignore[return-value]


def load_record(kind: _Kind[_Record], spec: OwnNetwork, image: ImageShape) -> _Record:
    """Return a record, computed if it is not known yet.

    Raises:
        OwnNetworkError: the code of the network cannot be used.
        UnknownRecord: neither the cache nor this process can tell.
    """
    record = find_record(kind, spec, image)
    if record is None:
        record = _compute(kind, spec)(spec, image)
        path = _path(kind, spec, image)
        _known[path] = record
        with suppress(OSError):  # a cache that cannot be written costs time only
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, kind.adapter.dump_json(record))
    return record


def _compute(kind: _Kind[_Record], spec: OwnNetwork) -> Callable[[OwnNetwork, ImageShape], _Record]:
    if spec.source is None:
        raise UnknownRecord(
            f"{spec.factory}: the code of this network is not here, and its {kind.name} are not in the cache;"
            " put the file back, or name the study that has it"
        )
    module, _, function = kind.compute.partition(":")
    try:
        compute: Callable[[OwnNetwork, ImageShape], _Record] = getattr(import_module(module), function)
    except ImportError as error:
        raise UnknownRecord(f"{spec.factory}: its {kind.name} need torch ({error})") from error
    return compute


def _path(kind: _Kind, spec: OwnNetwork, image: ImageShape) -> Path:
    parts = [kind.name, _VERSION, spec.identity, image, _torch_version()]
    if kind.of_machine:
        parts += [os.uname().nodename if hasattr(os, "uname") else "", os.cpu_count()]
    key = sha256(repr(parts).encode()).hexdigest()[:32]
    return user_cache_path("scaling") / "networks" / f"{kind.name}-{key}.json"


def _torch_version() -> str:
    try:
        return version("torch")
    except PackageNotFoundError:
        return ""
