"""The page as Chromium lays it out."""

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

# An inner frame has exactly the width it is given; a window of Chromium has a least width of its own.
MEASURE = """<!DOCTYPE html><iframe id="page" style="width:{width}px;height:900px;border:0" srcdoc="{page}"></iframe>
<script>onload = () => {{
  const root = document.getElementById("page").contentDocument.documentElement;
  const images = [...root.querySelectorAll("img")].filter(image => image.naturalWidth > 0).length;
  document.body.setAttribute("data-measured", `${{root.scrollWidth}} ${{root.clientWidth}} ${{images}}`);
}};</script>"""


def chromium(*options: str, page: Path, profile: Path) -> str:
    quiet = (
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
    )
    command = [
        CHROMIUM,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={profile}",
        *quiet,
        *options,
        page.as_uri(),
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


def test_the_screenshot_is_not_blank(report, tmp_path):
    shot = tmp_path / "shot.png"
    chromium(
        f"--screenshot={shot}",
        "--window-size=1200,2400",
        "--hide-scrollbars",
        page=report.path,
        profile=tmp_path / "profile",
    )
    pixels = imread(shot)[..., :3]
    ink = (np.abs(pixels - pixels[0, 0]).max(axis=-1) > 0.2).mean(axis=1)
    assert pixels.shape[1] == 1200
    # Text and figures all the way down: some ink in each tenth of the page.
    assert all(part.max() > 0.02 for part in np.array_split(ink, 10))


@pytest.mark.parametrize("width", [400, 1200])
def test_nothing_overflows_and_every_figure_is_there(report, tmp_path, width):
    frame = tmp_path / "frame.html"
    frame.write_text(MEASURE.format(width=width, page=escape(report.path.read_text())))
    measured = re.search(
        r'data-measured="(\d+) (\d+) (\d+)"', chromium("--dump-dom", page=frame, profile=tmp_path / "profile")
    )
    assert measured
    scrolled, visible, images = map(int, measured.groups())
    assert scrolled <= visible <= width
    assert images == 6
