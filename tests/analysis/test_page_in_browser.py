"""Layout of the page in Chromium."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import escape, unescape

import numpy as np
import pytest
from matplotlib.image import imread

from analysis.comparison import compare_curves
from analysis.comparison_page import write_comparison
from analysis.html_page import PageContext
from tests.analysis.planted_study import SHORT_RECIPE, add_costs, lenets, plant_study, trees
from tests.chromium import CHROMIUM, audit, run_chromium

pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")]

# A frame has exactly the given width; a window of Chromium has a minimum width.
FRAME = """<iframe style="width:{width}px;height:900px;border:0" srcdoc="{page}"></iframe>"""
MEASURING_SCRIPT = """<script>onload = () => {
  const measured = [...document.querySelectorAll("iframe")].map(frame => {
    const root = frame.contentDocument.documentElement;
    const figures = [...root.querySelectorAll("figure svg")].filter(svg => svg.getBBox().width > 0).length;
    return `${root.scrollWidth} ${root.clientWidth} ${figures}`;
  });
  document.body.setAttribute("data-measured", measured.join(" "));
};</script>"""
USING_SCRIPT = """<script>addEventListener("load", () => {
  const svg = document.querySelector("figure svg"), tip = document.querySelector(".tip");
  const press = key =>
    document.activeElement.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}));
  const marks = [...svg.querySelectorAll("[data-curve] [role=img]")], used = {titles: []};
  used.stops = marks.filter(mark => mark.getAttribute("tabindex") === "0").length;
  marks[0].focus();
  for (const key of ["ArrowRight", "End", "ArrowRight", "Home"]) {
    used.titles.push(tip.textContent);
    press(key);
  }
  used.titles.push(tip.textContent);
  press("Escape");
  used.isHidden = tip.hidden;
  const box = marks[5].getBoundingClientRect();
  const centre = {clientX: box.left + box.width / 2, clientY: box.top + box.height / 2};
  svg.dispatchEvent(new PointerEvent("pointermove", centre));
  used.pointed = tip.textContent;
  used.wanted = marks.map(mark => mark.getAttribute("aria-label"));
  const entry = svg.querySelector("[role=button]");
  const look = () => marks.map(mark => getComputedStyle(mark).visibility);
  entry.focus();
  press("Enter");
  [used.off, used.pressed, used.name] = [look(), entry.ariaPressed, entry.ariaLabel];
  press(" ");
  used.on = look();
  document.body.dataset.used = JSON.stringify(used);
});</script></body>"""

ANSWERS_SCRIPT = """<script>addEventListener("load", () => {
  const bottoms = [...document.querySelectorAll(".answers")].map(table =>
    [table.caption.textContent, table.getBoundingClientRect().bottom]);
  document.body.dataset.answers = JSON.stringify(bottoms);
});</script></body>"""


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


def test_nothing_overflows_and_every_figure_is_drawn(report, tmp_path):
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
    for width, scrolled, visible, figures in zip(
        widths, numbers[::3], numbers[1::3], numbers[2::3], strict=True
    ):
        assert scrolled <= visible <= width
        assert figures == 6


@pytest.mark.skipif(shutil.which("pdftoppm") is None, reason="pdftoppm is not installed")
def test_no_printed_page_but_the_last_is_half_blank(report, tmp_path):
    printed = tmp_path / "report.pdf"
    run_chromium(
        f"--print-to-pdf={printed}",
        "--no-pdf-header-footer",
        page=report.path,
        profile=tmp_path / "profile",
    )
    subprocess.run(["pdftoppm", "-r", "30", "-png", printed, tmp_path / "page"], check=True)
    pages = [imread(path)[..., :3] for path in sorted(tmp_path.glob("page-*.png"))]
    inked_rows = [np.flatnonzero(page.min(axis=(1, 2)) < 0.8) for page in pages]
    filled = [(rows[-1] + 1) / len(page) for page, rows in zip(pages, inked_rows, strict=True)]
    assert len(filled) > 2
    assert min(filled[:-1]) > 0.55


@pytest.mark.parametrize(("width", "theme"), [(500, "light"), (1280, "light"), (1280, "dark")])
def test_axe_finds_nothing(report, tmp_path, width, theme):
    page = tmp_path / "report.html"
    page.write_text(report.path.read_text())
    result = audit(page, width=width, theme=theme, profile=tmp_path / "profile")
    assert result.found == []
    assert result.overflow <= 0


@pytest.fixture(scope="module")
def comparison(tmp_path_factory):
    """Return the page that compares four networks."""
    networks = [*lenets(), *trees(), *trees(branches=4), *trees(branches=8)]
    runs, epochs = add_costs(plant_study(networks, recipe=SHORT_RECIPE))
    out = tmp_path_factory.mktemp("comparison")
    return write_comparison(compare_curves(runs, epochs), out, context=PageContext(study="planted")).path


def test_the_first_screen_answers_the_questions_about_four_networks(comparison, tmp_path):
    page = tmp_path / "compare.html"
    page.write_text(comparison.read_text().replace("</body>", ANSWERS_SCRIPT))
    window = ("--window-size=1280,800", "--dump-dom")
    dom = run_chromium(*window, page=page, profile=tmp_path / "profile")
    answers = json.loads(unescape(re.search(r'data-answers="([^"]*)"', dom)[1]))
    assert len(answers) == 4
    assert [question for question, bottom in answers if bottom > 800] == []


def test_axe_finds_nothing_on_a_comparison(comparison, tmp_path):
    page = tmp_path / "compare.html"
    page.write_text(comparison.read_text())
    for width, theme in ((500, "light"), (768, "dark")):
        result = audit(page, width=width, theme=theme, profile=tmp_path / "profile")
        assert result.found == []
        assert result.overflow <= 0


@pytest.fixture(scope="module")
def used(report, tmp_path_factory):
    """Return what the page shows while a script uses its first figure."""
    folder = tmp_path_factory.mktemp("used")
    page = folder / "report.html"
    page.write_text(report.path.read_text().replace("</body>", USING_SCRIPT))
    dom = run_chromium("--dump-dom", page=page, profile=folder / "profile")
    return json.loads(unescape(re.search(r'data-used="([^"]*)"', dom)[1]))


def test_one_stop_of_the_tabulator_and_arrows_lead_to_every_mark(used):
    titles = used["wanted"]
    assert used["stops"] == 1
    assert used["titles"] == [titles[0], titles[1], titles[-1], titles[-1], titles[0]]
    assert used["isHidden"]


def test_the_pointer_reads_the_nearest_mark(used):
    assert used["pointed"] == used["wanted"][5]


def test_the_legend_hides_its_curve_and_shows_it_again(used):
    hidden = [title for title, look in zip(used["wanted"], used["off"], strict=True) if look == "hidden"]
    assert (used["name"], used["pressed"]) == ("lenet5", "false")
    assert hidden == [title for title in used["wanted"] if title.startswith("lenet5, ")]
    assert set(used["on"]) == {"visible"}
