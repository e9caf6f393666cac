"""Readers of YAML that refuse what would cost much time or memory, before it does.

A document is refused if it is large, deeply nested, or large once its aliases are replaced by copies. Tags
have no use in a study, and their conversions fail in many ways, so a study with tags is refused too. A
document that another program wrote may have tags.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer, ComposerError
from ruamel.yaml.constructor import ConstructorError, SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent
from ruamel.yaml.nodes import Node
from ruamel.yaml.scanner import Scanner, ScannerError

from scaling.errors import ConfigError

MAX_BYTES = 2**17
"""Largest size of a document. The reader needs up to half a second for this much text."""
MAX_VALUES = 3000
"""Largest number of keys, values and groups, with the copies that aliases stand for.

The reader needs a third of a second for them. Studies have hundreds, because grids multiply.
"""
MAX_DEPTH = 20
"""Largest depth of nesting. The settings of a study are at most seven levels deep."""
MAX_INTEGER_BITS = 1024
"""Largest number of bits of an integer. Python cannot print integers of more than 4,300 digits."""
_NOT_REPRESENTABLE = "found a number, a date or text that cannot be represented"


@dataclass(frozen=True)
class Document:
    """Content of a YAML document."""

    node: Node | None
    """Nodes with their lines; None for an empty document."""
    value: Any
    """Value, in which aliases are shared values. It must not be changed."""


@lru_cache(maxsize=8)
def read_document(content: bytes | str) -> Document:
    """Read YAML; one command reads its study several times.

    Of the YAML readers, this one reads 1e-3 as a number and refuses a key that appears twice.

    Raises:
        YAMLError: the content is not YAML, or is beyond the limits of this module.
    """
    reader = YAML(typ="safe", pure=True)
    reader.Scanner, reader.Composer, reader.Constructor = _Scanner, _LimitedComposer, _Constructor
    value = reader.load(content)
    return Document(reader.constructor.document_node, value)


def parse_yaml(content: bytes | str, source: str) -> Any:
    """Return the value of a YAML document, which the caller may change.

    Args:
        content: the document; bytes for a file, in which a problem has a line.
        source: name of the origin of the document, for messages.

    Raises:
        ConfigError: the content is not YAML, or is larger or more deeply nested than any study.
    """
    if len(content) > MAX_BYTES:
        raise ConfigError([f"expected a study of at most {MAX_BYTES // 1024} KiB"], source)
    try:
        return _copy(read_document(content).value)
    except YAMLError as error:
        problem, line = _describe(error)
    raise ConfigError([problem], source, lines=[line if isinstance(content, bytes) else None])


def parse_tagged_yaml(content: bytes) -> Any:
    """Return the value of YAML that another program wrote, in which a value with an unknown tag is None.

    Raises:
        ValueError: the content is not YAML, or is beyond the limits of this module; the message names the
            line.
    """
    if len(content) > MAX_BYTES:
        raise ValueError(f"more than {MAX_BYTES // 1024} KiB")
    reader = YAML(typ="safe", pure=True)
    reader.Scanner, reader.Composer, reader.Constructor = _Scanner, _TaggedComposer, _TaggedConstructor
    try:
        return _copy(reader.load(content))
    except YAMLError as error:
        problem, line = _describe(error)
    raise ValueError(problem if line is None else f"line {line}: {problem}")


def _describe(error: YAMLError) -> tuple[str, int | None]:
    """Return what is wrong with a document, and its line from 1 if the line is known."""
    if not isinstance(error, MarkedYAMLError):
        return f"is not YAML: {str(error).splitlines()[0]}", None
    problem = (error.problem or "is not YAML").splitlines()[0].replace(" with value", ", value")
    if repr("\t") in problem:
        problem += "; indent with spaces"
    return problem, error.problem_mark.line + 1 if error.problem_mark else None


class _Scanner(Scanner):
    """Scanner that names the line of an escape or a directive that Python cannot represent."""

    def fetch_more_tokens(self) -> Any:
        try:
            return super().fetch_more_tokens()
        except (ValueError, ArithmeticError):
            raise ScannerError(None, None, _NOT_REPRESENTABLE, self.reader.get_mark()) from None


class _LimitedComposer(Composer):
    """Composer that stops at a document that is too deep, or too large with its aliases."""

    allows_tags = False

    def __init__(self, loader: Any = None) -> None:
        super().__init__(loader)
        self.warn_double_anchors = False
        self._level = 0
        self._values = 0
        self._values_in: dict[Node, int] = {}
        """Number of values in each complete node, itself included."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.parser.peek_event()
        tag = getattr(event, "tag", None)
        if not self.allows_tags and tag is not None and str(tag) != "!":
            raise _error("a tag; a study has no tags", event)
        if self._level == MAX_DEPTH:
            raise _error(f"more than {MAX_DEPTH} levels of nesting", event)
        before = self._values
        self._level += 1
        node = super().compose_node(parent, index)
        self._level -= 1
        if not isinstance(event, AliasEvent):
            self._values += 1
            self._values_in[node] = self._values - before
        elif node in self._values_in:
            self._values += self._values_in[node]
        else:
            raise _error(f"an alias, *{event.anchor}, inside the value that it stands for", event)
        if self._values > MAX_VALUES:
            raise _error(f"more than {MAX_VALUES:,} values, with the copies that aliases stand for", event)
        return node


class _TaggedComposer(_LimitedComposer):
    allows_tags = True


class _Constructor(SafeConstructor):
    """Constructor that keeps the nodes, and names the line of a value that Python cannot represent."""

    document_node: Node | None = None

    def construct_document(self, node: Node) -> Any:
        self.document_node = node
        return super().construct_document(node)

    def construct_object(self, node: Node, deep: bool = False) -> Any:
        try:
            value = super().construct_object(node, deep)
            if isinstance(value, int) and value.bit_length() > MAX_INTEGER_BITS:
                raise OverflowError
            if isinstance(value, str):
                value.encode()
        except (ValueError, ArithmeticError):
            raise ConstructorError(None, None, _NOT_REPRESENTABLE, node.start_mark) from None
        return value


class _TaggedConstructor(_Constructor):
    """Constructor that gives None for an object of Python, which Lightning writes into ``hparams.yaml``."""

    def construct_object(self, node: Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (LookupError, TypeError, AttributeError):  # such as !!bool maybe and !!timestamp noon
            raise ConstructorError(
                None, None, f"found no value of the tag {node.tag}", node.start_mark
            ) from None


_TaggedConstructor.add_constructor(None, lambda constructor, node: None)


def _error(found: str, event: Any) -> ComposerError:
    return ComposerError(None, None, f"found {found}", event.start_mark)


def _copy(value: Any) -> Any:
    """Copy nested mappings and lists. A value that several aliases share becomes several values."""
    if isinstance(value, dict):
        return {name: _copy(inner) for name, inner in value.items()}
    return list(map(_copy, value)) if isinstance(value, list) else value
