"""Descriptions of settings: the docstrings under the attributes of configuration models.

Pydantic can read them itself (``use_attribute_docstrings``), but it does so while classes are created, which
would delay every command by half a second.
"""

from __future__ import annotations

import ast
import inspect
from functools import cache
from itertools import pairwise
from textwrap import dedent

from scaling.settings import ConfigModel


def setting_docs(model: type[ConfigModel]) -> dict[str, str]:
    """Return the description of each setting of a model that has one, inherited settings included."""
    docs: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if issubclass(base, ConfigModel):
            docs |= _own_docs(base)
    return {name: docs[name] for name in model.model_fields if name in docs}


def model_doc(model: type[ConfigModel]) -> str:
    """Return the first paragraph of a model's docstring, as one line."""
    return _one_line((inspect.getdoc(model) or "").partition("\n\n")[0])


def nested_setting_docs(config: ConfigModel, prefix: str = "") -> dict[str, str]:
    """Return the descriptions of the settings of a configuration by their dotted paths.

    Args:
        config: the configuration. Nested configurations have settings of their own.
        prefix: beginning of every path, with its dot.
    """
    docs = setting_docs(type(config))
    by_path: dict[str, str] = {}
    for name, value in config.setting_values().items():
        if isinstance(value, ConfigModel):
            by_path |= nested_setting_docs(value, f"{prefix}{name}.")
        elif name in docs:
            by_path[prefix + name] = docs[name]
    return by_path


@cache
def _own_docs(model: type[ConfigModel]) -> dict[str, str]:
    """Return the docstrings under the attributes that a class itself defines."""
    (definition,) = ast.parse(dedent(inspect.getsource(model))).body
    docs: dict[str, str] = {}
    statements = definition.body if isinstance(definition, ast.ClassDef) else []
    for before, after in pairwise(statements):
        if not isinstance(before, ast.AnnAssign) or not isinstance(before.target, ast.Name):
            continue
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            docs[before.target.id] = _one_line(inspect.cleandoc(str(after.value.value)))
    return docs


def _one_line(text: str) -> str:
    return " ".join(text.replace("``", "`").split())
