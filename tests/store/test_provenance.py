"""A row names its maker."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import pytest

from scaling.store import RUNS_SCHEMA, collect_provenance

MODULE = import_module("scaling.store.provenance")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package in a checkout with one commit, in the place of this software's own."""
    folder = tmp_path / "checkout/package"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("x = 1\n")
    git(folder, "init", "--quiet")
    git(folder, "add", "__init__.py")
    git(folder, "-c", "user.name=n", "-c", "user.email=e", "commit", "--quiet", "--message=first")
    monkeypatch.setattr(MODULE, "PACKAGE", folder)
    MODULE._provenance.cache_clear()
    yield folder
    MODULE._provenance.cache_clear()


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", folder, *arguments], check=True, capture_output=True, text=True
    ).stdout.strip()


def test_its_columns_are_those_of_a_run() -> None:
    assert set(collect_provenance()) == {"commit", "dirty", "versions", "host"} <= set(RUNS_SCHEMA.names)
    versions = json.loads(str(collect_provenance()["versions"]))
    assert versions["python"] == platform.python_version()
    assert versions["numpy"] == version("numpy")
    assert versions["pytorch-lightning"] == version("pytorch-lightning")
    assert collect_provenance()["host"]


def test_a_clean_checkout_is_its_commit(package: Path) -> None:
    (package.parent / "notes.txt").write_text("outside of the package")
    assert collect_provenance()["commit"] == git(package, "rev-parse", "HEAD")
    assert collect_provenance()["dirty"] is False


@pytest.mark.parametrize("file", ["__init__.py", "new.py"])
def test_a_changed_or_new_file_of_the_package_is_dirty(package: Path, file: str) -> None:
    (package / file).write_text("x = 2\n")
    assert collect_provenance()["dirty"] is True


def test_a_package_inside_another_project_has_no_commit(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = package / ".venv/package"
    installed.mkdir(parents=True)
    (installed / "__init__.py").write_text("")
    monkeypatch.setattr(MODULE, "PACKAGE", installed)
    assert collect_provenance()["commit"] is None
    assert collect_provenance()["dirty"] is None


def test_without_git_there_is_no_commit(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert collect_provenance()["commit"] is None


def test_git_is_asked_once_and_the_answer_is_the_callers_own(package: Path) -> None:
    first = collect_provenance()
    (package / "new.py").write_text("")
    first["commit"] = "spoiled"
    assert collect_provenance()["dirty"] is False
    assert collect_provenance()["commit"] == git(package, "rev-parse", "HEAD")


def test_no_library_is_imported_for_its_version() -> None:
    script = "import sys; from scaling.store import collect_provenance; collect_provenance(); print({'torch', 'ray', 'pytorch_lightning'} & set(sys.modules))"
    assert (
        subprocess.run(
            [sys.executable, "-c", script], check=True, capture_output=True, text=True
        ).stdout.strip()
        == "set()"
    )
