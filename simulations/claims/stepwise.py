"""The real source of claims and of publication as generators, which pause before each access to the store.

A scheduler that resumes such generators in any order interleaves workers without threads: every access is one
step, and a worker that is never resumed has crashed. A planted bug is a replacement of source text.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from scaling.store import claims, publish

_ACCESSES = {"put_if_absent", "get", "list_names", "exists", "delete", "ids", "ids_with_rows"}
_OBJECTS = {"backend", "reader"}
"""Names of the objects whose methods access the store."""


@dataclass(frozen=True)
class Bug:
    """A replacement of source text, which must occur once."""

    old: str
    new: str


def load_stepwise(bugs: Sequence[Bug] = (), **replacements: Any) -> SimpleNamespace:
    """Return the names of the modules ``claims`` and ``publish``, with generators for functions that pause.

    Args:
        bugs: planted bugs.
        replacements: functions of ``publish`` by name that are replaced because they take long.
    """
    sources = [Path(module.__file__ or "").read_text() for module in (claims, publish)]
    for bug in bugs:
        if sum(source.count(bug.old) for source in sources) != 1:
            raise ValueError(f"a planted bug must replace text that occurs once: {bug.old}")
        sources = [source.replace(bug.old, bug.new) for source in sources]
    trees = [ast.parse(source) for source in sources]
    pausing: set[str] = set()
    while (found := {function.name for tree in trees for function in _pausing(tree, pausing)}) != pausing:
        pausing = found
    loaded: dict[str, Any] = {}
    for tree in trees:
        names: dict[str, Any] = {"__name__": __name__}
        exec(compile(ast.fix_missing_locations(_Pauses(pausing).visit(tree)), "<stepwise>", "exec"), names)
        loaded |= names
    names |= replacements  # the functions of publication look their names up here
    return SimpleNamespace(**loaded)


def _pausing(tree: ast.Module, pausing: set[str]) -> list[ast.FunctionDef]:
    """Return the functions that access the store themselves or call a function of ``pausing``."""
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    return [
        function
        for function in functions
        if any(
            isinstance(node, ast.Call) and (_is_access(node) or _called(node) in pausing)
            for node in ast.walk(function)
        )
    ]


def _called(call: ast.Call) -> str:
    function = call.func
    return getattr(function, "attr", "") or getattr(function, "id", "")


def _is_access(call: ast.Call) -> bool:
    if not (isinstance(call.func, ast.Attribute) and call.func.attr in _ACCESSES):
        return False
    receiver = call.func.value
    return (getattr(receiver, "attr", "") or getattr(receiver, "id", "")) in _OBJECTS


class _Pauses(ast.NodeTransformer):
    """Replace each access by ``((yield), access)[1]``, and each call of a generator by a ``yield from``."""

    def __init__(self, pausing: set[str]) -> None:
        self.pausing = pausing

    def visit_Call(self, call: ast.Call) -> ast.AST:
        self.generic_visit(call)
        if _is_access(call):
            pair = ast.Tuple(elts=[ast.Yield(), call], ctx=ast.Load())
            return ast.Subscript(value=pair, slice=ast.Constant(1), ctx=ast.Load())
        return ast.YieldFrom(value=call) if _called(call) in self.pausing else call
