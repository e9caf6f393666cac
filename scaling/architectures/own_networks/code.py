"""The code of a user's own network: which files it consists of, and the hash of their content.

The code is read here as text. Nothing is imported or run.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from hashlib import sha256
from importlib.machinery import PathFinder
from pathlib import Path

from scaling.errors import UsageError
from scaling.files import file_problem

_SUFFIX = ".py"


class OwnCode:
    """Source of a network: a file with the modules beside it that it imports, or an installed module.

    Args:
        location: path of the file, or name of the installed module.
        files: source of each file by its path relative to the folder of the first; the first has the network.
        is_file: True for a file, which workers get with its spec; False for an installed module.
    """

    def __init__(self, *, location: str, files: Mapping[str, str], is_file: bool) -> None:
        self.location, self.files, self.is_file = location, dict(files), is_file

    @property
    def module(self) -> str:
        """Name under which the network's module is imported."""
        return Path(self.location).stem if self.is_file else self.location

    @property
    def sha256(self) -> str:
        """Hash of the content: that of the file, or of the hashes and relative paths of several files."""
        hashes = {name: sha256(source.encode()).hexdigest() for name, source in self.files.items()}
        if len(hashes) == 1:
            return next(iter(hashes.values()))
        listed = "\n".join(f"{digest}  {name}" for name, digest in sorted(hashes.items()))
        return sha256(listed.encode()).hexdigest()


def read_code(location: str, folder: Path) -> OwnCode:
    """Read the code of a network.

    Args:
        location: path of a ``.py`` file, relative to ``folder``; or name of an installed module.
        folder: folder of the study's file.

    Raises:
        UsageError: there is no such file or module, or a file cannot be read or is not Python.
    """
    if not location.endswith(_SUFFIX):
        return OwnCode(location=location, files=_installed_source(location), is_file=False)
    try:
        file = (folder / Path(location).expanduser()).resolve()
    except (OSError, RuntimeError):  # links in a circle, or ~user without such a user
        file = folder / location
    if problem := file_problem(file):
        raise UsageError(f"{file}: {problem}; a relative path begins in {folder.absolute()}")
    return OwnCode(location=str(file), files=_with_helpers(file), is_file=True)


def _installed_source(module: str) -> dict[str, str]:
    """Return the source of an installed module, found without importing it or its packages."""
    folders, origin = sys.path, ""
    for i in range(len(parts := module.split("."))):
        name = ".".join(parts[: i + 1])
        spec = PathFinder.find_spec(name, folders)
        if spec is None:
            raise UsageError(f"no installed module {name}; install it, or name a file, such as {name}.py")
        folders, origin = list(spec.submodule_search_locations or []), spec.origin or ""
    if not origin.endswith(_SUFFIX):
        raise UsageError(f"{module}: has no Python source, whose content identifies the network")
    return {f"{parts[-1]}{_SUFFIX}": _read(Path(origin))}


def _with_helpers(file: Path) -> dict[str, str]:
    """Return the source of a file and of all modules beside it that it imports, directly or indirectly."""
    sources: dict[str, str] = {}
    waiting = [file]
    while waiting:
        path = waiting.pop(0)
        name = path.relative_to(file.parent).as_posix()
        if name in sources:
            continue
        sources[name] = _read(path)
        for imported in _imported_modules(path, sources[name]):
            waiting += _files_beside(file.parent, imported)
    return sources


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path}: is not Python source in UTF-8") from None


def _imported_modules(path: Path, source: str) -> Iterator[str]:
    """Yield the first name of each absolute import of a file."""
    try:
        tree = ast.parse(source)
    except (MemoryError, RecursionError):
        raise UsageError(f"{path}: has expressions that are too deep to read") from None
    except (SyntaxError, ValueError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        raise UsageError(f"{path}{line}: is not Python ({getattr(error, 'msg', error)})") from None
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def _files_beside(folder: Path, module: str) -> list[Path]:
    """Return the files of a module or a package in a folder; none if it lies elsewhere."""
    package = folder / module
    if (package / "__init__.py").is_file():
        return sorted(path for path in package.rglob("*.py") if path.is_file())
    file = folder / f"{module}{_SUFFIX}"
    return [file] if file.is_file() else []
