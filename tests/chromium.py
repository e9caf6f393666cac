"""Chromium, and axe's findings on a page in it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from html import unescape
from importlib.resources import files
from pathlib import Path

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
_AUDIT = """<script>AXE</script><script>addEventListener("load", async () => {
  document.body.dataset.theme = "THEME";
  for (const details of document.querySelectorAll("details")) details.open = true;
  await new Promise(resolve => setTimeout(resolve, 300));
  const root = document.documentElement;
  const {violations} = await axe.run(document, {resultTypes: ["violations"]});
  const found = violations.map(({id, nodes}) => `${id}: ${nodes[0].html}`);
  root.dataset.audit = JSON.stringify({found, overflow: root.scrollWidth - innerWidth});
});</script></body>"""


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What axe finds on a page, and by how many pixels the page is wider than its window."""

    found: list[str]
    overflow: int


def run_chromium(*options: str, page: Path, profile: Path) -> str:
    """Run Chromium on a page and return what it prints."""
    command = [CHROMIUM, *OPTIONS, f"--user-data-dir={profile}", *options, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


def audit(page: Path, *, width: int, theme: str, profile: Path) -> Audit:
    """Return axe's findings on a page with all of its details open.

    Args:
        page: the file; the page with axe is written beside it.
        width: width of the window, at least 500 pixels.
        theme: ``light`` or ``dark``.
        profile: folder for Chromium.
    """
    script = (files("axe_core_python") / "axe.min.js").read_text()
    with_axe = page.with_name(f"audited-{page.name}")
    injected = _AUDIT.replace("THEME", theme).replace("AXE", script)
    with_axe.write_text(page.read_text().replace("</body>", injected))
    dark = ("--blink-settings=preferredColorScheme=0",) if theme == "dark" else ()
    dom = run_chromium(
        *("--virtual-time-budget=20000", "--dump-dom", f"--window-size={width},1000", *dark),
        page=with_axe,
        profile=profile,
    )
    audited = re.search(r'data-audit="([^"]*)"', dom)
    assert audited
    return Audit(**json.loads(unescape(audited[1])))
