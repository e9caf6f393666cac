"""Pages of the documentation site in Chromium: axe finds nothing, and nothing overflows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.chromium import CHROMIUM, audit

ROOT = Path(__file__).parents[1]

pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the built site, in which a warning is an error."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "--quiet", "--fail-on-warning", "docs", folder]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return folder


@pytest.mark.parametrize(("width", "theme"), [(500, "light"), (1280, "dark")])
@pytest.mark.parametrize("name", ["index", "own-networks", "gallery", "commands"])
def test_axe_finds_nothing_and_nothing_overflows(
    site: Path, tmp_path: Path, name: str, width: int, theme: str
) -> None:
    result = audit(site / f"{name}.html", width=width, theme=theme, profile=tmp_path / "profile")
    assert result.found == []
    assert result.overflow <= 0
