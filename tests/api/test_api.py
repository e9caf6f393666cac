"""The facade ``scaling.api``: one table of exports, and the same names for type checkers."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from scaling import api
from scaling.api._sweep import _absolute
from scaling.store import open_store


def imports_for_type_checkers() -> dict[str, str]:
    """Return the module of each name that ``scaling/api/__init__.py`` imports under TYPE_CHECKING."""
    tree = ast.parse(Path(api.__file__).read_text())
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    return {
        name.name: node.module or ""
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    }


def test_type_checkers_see_the_same_exports_as_the_table():
    assert imports_for_type_checkers() == api._EXPORTS


def test_every_export_is_the_object_of_its_name():
    for name in api.__all__:
        assert getattr(api, name).__name__ == name


def test_dir_lists_the_exports():
    assert dir(api) == sorted(api.__all__)


def test_the_table_of_exports_is_in_alphabetical_order():
    assert list(api._EXPORTS) == sorted(api._EXPORTS)


def test_an_unknown_name_raises_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'pa'"):
        _ = api.pa


def test_no_export_is_hidden_by_a_file_of_its_name():
    files = {file.stem for file in Path(api.__file__).parent.glob("*.py")}
    assert not files & set(api.__all__)


def test_workers_open_the_store_that_the_driver_opens(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    driver, worker = open_store("~/store"), open_store(_absolute("~/store"))
    assert driver.backend.full_name("x") == worker.backend.full_name("x") == str(tmp_path / "store" / "x")
