"""Layout of the page in Chromium."""

from __future__ import annotations

import re
import shutil
import subprocess
from html import escape
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")]

# A frame has exactly the given width; a window of Chromium has a minimum width.
MEASURING_PAGE = """<!DOCTYPE html>
<iframe id="page" style="width:{width}px;height:900px;border:0" srcdoc="{page}"></iframe>
<script>onload = () => {{
  const root = document.getElementById("page").contentDocument.documentElement;
  const images = [...root.querySelectorAll("img")].filter(image => image.naturalWidth > 0).length;
  document.body.setAttribute("data-measured", `${{root.scrollWidth}} ${{root.clientWidth}} ${{images}}`);
}};</script>"""
CHROMIUM_OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


def run_chromium(*options: str, page: Path, profile: Path) -> str:
    command = [CHROMIUM, *CHROMIUM_OPTIONS, f"--user-data-dir={profile}", *options, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


def test_the_screenshot_is_not_blank(report, tmp_path):
    screenshot = tmp_path / "screenshot.png"
    run_chromium(
        f"--screenshot={screenshot}",
        "--window-size=1200,2400",
        "--hide-scrollbars",
        page=report.path,
        profile=tmp_path / "profile",
    )
    pixels = imread(screenshot)[..., :3]
    ink = (np.abs(pixels - pixels[0, 0]).max(axis=-1) > 0.2).mean(axis=1)
    assert pixels.shape[1] == 1200
    # Each tenth of the page has some text or figure.
    assert all(part.max() > 0.02 for part in np.array_split(ink, 10))


@pytest.mark.parametrize("width", [400, 1200])
def test_nothing_overflows_and_every_figure_is_loaded(report, tmp_path, width):
    frame = tmp_path / "frame.html"
    frame.write_text(MEASURING_PAGE.format(width=width, page=escape(report.path.read_text())))
    dom = run_chromium("--dump-dom", page=frame, profile=tmp_path / "profile")
    measured = re.search(r'data-measured="(\d+) (\d+) (\d+)"', dom)
    assert measured
    scrolled, visible, images = map(int, measured.groups())
    assert scrolled <= visible <= width
    assert images == 6
