"""Layout of the page in Chromium."""

from __future__ import annotations

import re
from html import escape

import numpy as np
import pytest
from matplotlib.image import imread

from tests.chromium import CHROMIUM, audit, run_chromium

pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")]

# A frame has exactly the given width; a window of Chromium has a minimum width.
FRAME = """<iframe style="width:{width}px;height:900px;border:0" srcdoc="{page}"></iframe>"""
MEASURING_SCRIPT = """<script>onload = () => {
  const measured = [...document.querySelectorAll("iframe")].map(frame => {
    const root = frame.contentDocument.documentElement;
    const images = [...root.querySelectorAll("img")].filter(image => image.naturalWidth > 0).length;
    return `${root.scrollWidth} ${root.clientWidth} ${images}`;
  });
  document.body.setAttribute("data-measured", measured.join(" "));
};</script>"""


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


def test_nothing_overflows_and_every_figure_is_loaded(report, tmp_path):
    frames, widths, page = tmp_path / "frames.html", (400, 1200), escape(report.path.read_text())
    frames.write_text(
        "<!DOCTYPE html>"
        + "".join(FRAME.format(width=width, page=page) for width in widths)
        + MEASURING_SCRIPT
    )
    dom = run_chromium("--dump-dom", page=frames, profile=tmp_path / "profile")
    measured = re.search(r'data-measured="([\d ]+)"', dom)
    assert measured
    numbers = [int(number) for number in measured[1].split()]
    assert len(numbers) == 3 * len(widths)
    for width, scrolled, visible, images in zip(
        widths, numbers[::3], numbers[1::3], numbers[2::3], strict=True
    ):
        assert scrolled <= visible <= width
        assert images == 6


@pytest.mark.parametrize(("width", "theme"), [(500, "light"), (1280, "light"), (1280, "dark")])
def test_axe_finds_nothing(report, tmp_path, width, theme):
    page = tmp_path / "report.html"
    page.write_text(report.path.read_text())
    result = audit(page, width=width, theme=theme, profile=tmp_path / "profile")
    assert result.found == []
    assert result.overflow <= 0
