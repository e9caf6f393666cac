"""Import of a user's own code, from its text, and calls of its factory.

The text that the study's plan has read is what runs, also if the file has changed meanwhile, and on machines
that do not have the file.
"""

from __future__ import annotations

import importlib
import random
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from hashlib import sha256
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import nn

from scaling import interruption
from scaling.architectures.own_networks.code import OwnCode, read_code
from scaling.architectures.own_networks.records import OwnNetworkError
from scaling.architectures.own_networks.spec import OwnNetwork
from scaling.errors import UsageError, shorten
from scaling.interruption import Interrupted
from scaling.settings import ImageShape

_MAX_CALL, _MAX_REASON = 120, 300


def make_network(spec: OwnNetwork, image: ImageShape, seed: int, **arguments: Any) -> nn.Module:
    """Call the factory of a network. The random numbers of the initial weights follow from the seed alone.

    Args:
        spec: specification with its code.
        image: shape of the images.
        seed: seed of the generators of torch, NumPy and Python.
        arguments: arguments of the factory that replace those of the specification.

    Raises:
        OwnNetworkError: the code cannot be imported, or the factory fails or returns no network.
        UsageError: the specification has no code.
    """
    factory = load_factory(spec)
    given = spec.arguments(image) | arguments
    names = [f"{name}={given[name]}" if name in ("image", "classes") else name for name in given]
    with blamed_on(spec, shorten(f"{spec.factory}({', '.join(names)})", _MAX_CALL)), seeded(seed):
        network = factory(**given)
    if not isinstance(network, nn.Module):
        raise OwnNetworkError(
            f"{spec.module}: expected a torch.nn.Module from {spec.factory}, got {type(network).__name__}"
        )
    if spec.trains_itself and not hasattr(network, "configure_optimizers"):
        raise OwnNetworkError(
            f"{spec.module}: expected a LightningModule from {spec.factory}, got {type(network).__name__}"
        )
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise OwnNetworkError(f"{spec.module}: the network has no parameters to train")
    return network


def load_factory(spec: OwnNetwork) -> Any:
    """Return the factory of a network, from its code.

    Raises:
        OwnNetworkError: the code cannot be imported, has changed, or has no such name.
        UsageError: the specification has no code.
    """
    if spec.source is None:
        raise UsageError(
            f"{spec.factory}: its code is not here, and nothing from a store is run as code; name the study"
            " that has the file with `config`"
        )
    with blamed_on(spec, "its import"):
        module = _import_installed(spec) if not spec.source.is_file else _import_text(_Text(spec.source))
    interruption.check()  # the code may have caught the interruption
    if not hasattr(module, spec.factory):
        raise OwnNetworkError(f"{spec.module}: this module has no {spec.factory}")
    return getattr(module, spec.factory)


@contextmanager
def seeded(seed: int | str) -> Iterator[None]:
    """Seed the generators of torch, NumPy and Python inside the block, and restore them after it."""
    number = seed if isinstance(seed, int) else int.from_bytes(sha256(seed.encode()).digest()[:8])
    devices = range(torch.cuda.device_count()) if torch.cuda.is_available() else ()
    states = random.getstate(), np.random.get_state()  # noqa: NPY002
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(number % 2**63)
        np.random.seed(number % 2**32)  # noqa: NPY002
        random.seed(number)
        try:
            yield
        finally:
            random.setstate(states[0])
            np.random.set_state(states[1])  # noqa: NPY002


@contextmanager
def blamed_on(spec: OwnNetwork, part: str, *, own_lines_only: bool = False) -> Iterator[None]:
    """Turn an error of the user's code into one line that names the line of the code.

    Args:
        spec: network whose code runs inside the block.
        part: what fails, for the message.
        own_lines_only: True to let errors pass that no line of the user's code has raised.

    Raises:
        OwnNetworkError: the block raised an error.
    """
    try:
        yield
    except (UsageError, torch.OutOfMemoryError, Interrupted):
        raise
    except (Exception, SystemExit) as error:  # a script that parses arguments ends the process
        if isinstance(error.__context__, KeyboardInterrupt):  # Lightning ends the process after Ctrl+C
            raise
        location = f"{spec.source.location}" if spec.source else spec.module
        own = [
            frame
            for frame in traceback.extract_tb(error.__traceback__)
            if spec.source and _is_own(frame.filename, spec.source)
        ]
        if own_lines_only and not own:
            raise
        line = own[-1].lineno if own else getattr(error, "lineno", None)
        where = f"{Path(location).name if spec.source and spec.source.is_file else location}"
        where = f"{where}, line {line}" if line else where
        reason = shorten(str(error).partition("\n")[0], _MAX_REASON)
        raise OwnNetworkError(f"{where}: {part} raised {type(error).__name__}: {reason}") from error


def _is_own(filename: str, source: OwnCode) -> bool:
    if source.is_file:
        return Path(filename).parent == Path(source.location).parent
    return Path(filename).stem == source.module.rpartition(".")[2]


def _import_installed(spec: OwnNetwork) -> ModuleType:
    """Import an installed module, whose source must be the one that was planned."""
    if spec.source is None or read_code(spec.source.location, Path()).sha256 != spec.source.sha256:
        raise UsageError(
            f"{spec.module}: its code on this machine is not that of the plan; install the same version"
        )
    return importlib.import_module(spec.source.location)


class _Text:
    """Code with the hash of its text as identity, so that equal texts are imported once."""

    def __init__(self, source: OwnCode) -> None:
        self.source, self.key = source, (source.location, source.sha256)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Text) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


@lru_cache(maxsize=16)
def _import_text(text: _Text) -> ModuleType:
    """Import code from its text.

    Its modules hide others of the same names during the import, as those beside a script do. Afterwards, the
    others are back, and modules of other code are replaced, so that imports inside functions find the new.
    """
    finder = _TextFinder(text.source)
    hidden = {name: sys.modules.pop(name) for name in list(sys.modules) if finder.has(name)}
    sys.meta_path.insert(0, finder)
    try:
        return importlib.import_module(text.source.module)
    except BaseException:
        for name in [name for name in sys.modules if finder.has(name)]:
            del sys.modules[name]
        raise
    finally:
        sys.meta_path.remove(finder)
        sys.modules.update(
            {
                name: module
                for name, module in hidden.items()
                if not isinstance(module.__loader__, _TextLoader)
            }
        )


class _TextFinder(MetaPathFinder):
    """Finds the modules of a user's code in their text."""

    def __init__(self, source: OwnCode) -> None:
        folder = Path(source.location).parent
        self._loaders = {
            _module_name(name): _TextLoader(folder / name, text) for name, text in source.files.items()
        }

    def has(self, name: str) -> bool:
        return name in self._loaders

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        loader = self._loaders.get(fullname)
        if loader is None:
            return None
        spec = ModuleSpec(
            fullname, loader, origin=str(loader.path), is_package=loader.path.stem == "__init__"
        )
        spec.has_location = True
        return spec


class _TextLoader(Loader):
    """Executes the text of one file."""

    def __init__(self, path: Path, text: str) -> None:
        self.path, self._text = path, text

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self._text, str(self.path), "exec"), module.__dict__)


def _module_name(file: str) -> str:
    parts = PurePosixPath(file).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
