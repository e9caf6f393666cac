"""Pages of the documentation site in Chromium: axe finds nothing, and nothing overflows."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from html import unescape
from importlib.resources import files
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")]

OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--virtual-time-budget=20000",
    "--dump-dom",
)
AUDIT = """<script>AXE</script><script>addEventListener("load", async () => {
  document.body.dataset.theme = "THEME";
  await new Promise(resolve => setTimeout(resolve, 300));
  const root = document.documentElement;
  const {violations} = await axe.run(document, {resultTypes: ["violations"]});
  const found = violations.map(({id, nodes}) => `${id}: ${nodes[0].html}`);
  root.dataset.audit = JSON.stringify({found, overflow: root.scrollWidth - innerWidth});
});</script></body>"""


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
    script = (files("axe_core_python") / "axe.min.js").read_text()
    page = site / f"audited-{name}.html"
    audit = AUDIT.replace("THEME", theme).replace("AXE", script)
    page.write_text((site / f"{name}.html").read_text().replace("</body>", audit))
    size = (f"--window-size={width},1000", f"--user-data-dir={tmp_path / 'profile'}")
    dom = subprocess.run(
        [CHROMIUM, *OPTIONS, *size, page.as_uri()], capture_output=True, text=True, timeout=120, check=True
    ).stdout
    audited = re.search(r'data-audit="([^"]*)"', dom)
    assert audited
    result = json.loads(unescape(audited[1]))
    assert result["found"] == []
    assert result["overflow"] <= 0
