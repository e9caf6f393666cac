"""Provenance of a row: commit, changes, versions and machine."""

from __future__ import annotations

import json
import os
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


@pytest.fixture(autouse=True)
def _git_without_the_users_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the user's configuration, and the repository of a git hook that runs the tests."""
    for variable in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Replace this software's package by a package in a checkout with one commit."""
    folder = tmp_path / "checkout/package"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("x = 1\n")
    git(folder, "init", "--quiet")
    git(folder, "add", "__init__.py")
    git(folder, "-c", "user.name=n", "-c", "user.email=e", "commit", "--quiet", "--message=first")
    monkeypatch.setattr(MODULE, "_PACKAGE", folder)
    collect_provenance.cache_clear()
    yield folder
    collect_provenance.cache_clear()


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", folder, *arguments], check=True, capture_output=True, text=True
    ).stdout.strip()


def test_columns_are_columns_of_the_runs_table() -> None:
    provenance = collect_provenance()
    assert set(provenance.columns()) == {"commit", "dirty", "versions", "host"} <= set(RUNS_SCHEMA.names)
    assert provenance.versions["python"] == platform.python_version()
    assert provenance.versions["numpy"] == version("numpy")
    assert provenance.versions["pytorch-lightning"] == version("pytorch-lightning")
    assert json.loads(str(provenance.columns()["versions"])) == provenance.versions
    assert provenance.host


def test_clean_checkout_is_its_commit(package: Path) -> None:
    (package.parent / "notes.txt").write_text("outside of the package")
    assert collect_provenance().commit == git(package, "rev-parse", "HEAD")
    assert collect_provenance().dirty is False


@pytest.mark.parametrize("file", ["__init__.py", "new.py"])
def test_changed_or_new_file_of_the_package_is_dirty(package: Path, file: str) -> None:
    (package / file).write_text("x = 2, changed\n")
    assert collect_provenance().dirty is True


def test_package_inside_another_project_has_no_commit(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = package / ".venv/package"
    installed.mkdir(parents=True)
    (installed / "__init__.py").write_text("")
    monkeypatch.setattr(MODULE, "_PACKAGE", installed)
    assert collect_provenance().commit is None
    assert collect_provenance().dirty is None


def test_without_git_there_is_no_commit(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert collect_provenance().commit is None


def test_git_is_called_once_and_callers_cannot_change_the_result(package: Path) -> None:
    collect_provenance().columns()["commit"] = "changed"
    (package / "new.py").write_text("")
    assert collect_provenance().dirty is False
    assert collect_provenance().commit == git(package, "rev-parse", "HEAD")


def test_versions_are_read_without_importing_the_libraries() -> None:
    script = (
        "import sys; from scaling.store import collect_provenance; collect_provenance();"
        " print({'torch', 'ray', 'pytorch_lightning'} & set(sys.modules))"
    )
    result = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert result.stdout.strip() == "set()"
