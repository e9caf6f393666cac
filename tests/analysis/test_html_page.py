"""Figures inside HTML pages."""

from __future__ import annotations

from xml.etree import ElementTree

import pyarrow as pa
import pytest
from matplotlib.figure import Figure

from analysis.html_page import EmbeddedFigure, shorten_captions
from analysis.page_svg import PageSvg
from analysis.report_figure import ReportFigure

FILE = """<?xml version="1.0"?>
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"
 width="10pt" viewBox="0 0 9 9">
 <metadata><creator>someone</creator></metadata>
 <!-- 50 % -->
 <defs><style type="text/css">*{stroke-linecap: butt}</style></defs>
 <g id="figure_1">
  <defs><path id="letter" d="M 1 1 L 2 2 z" transform="scale(0.015625)"/></defs>
  <g id="curve0-runs" clip-path="url(#frame)">
   <use xlink:href="#letter" x="7.77777" y="2" style="fill: #ffaa00"/>
   <use xlink:href="#letter" transform="translate(3.456 0)" style="fill: #ffaa00"/>
  </g>
  <g id="legend0-text"><path d="M 1.23456 -0.98765 L 3 .5 " style="fill: none; width: 50%"/></g>
  <text> a &lt; b &amp; c</text>
 </g>
 <defs><clipPath id="frame"><rect x="1" y="2"/></clipPath></defs>
</svg>
"""


def figure(**facts) -> ReportFigure:
    numbers = pa.table({"x": [1]})
    texts = {
        "alt": 'a "picture" & <more>',
        "titles": {"curve0-runs": ["first <run>", "second"]},
        "curves": ["net"],
    }
    return ReportFigure(
        name="a", heading="A", caption="", figure=Figure(), numbers=numbers, **(texts | facts)
    )


@pytest.fixture
def pages() -> list[ElementTree.Element]:
    """Return the same figure, twice on one page."""
    page_svg = PageSvg()
    return [ElementTree.fromstring(page_svg.embed(FILE, figure())) for _ in range(2)]


def test_positions_are_shortened_and_scales_are_not(pages):
    first = pages[0]
    assert first.find("defs/path").attrib["transform"] == "scale(0.015625)"
    assert first.find(".//g[@data-legend]/path").attrib == {
        "d": "m1.23-.99 1.77 1.49",
        "style": "fill:none;width:50%",
    }
    uses = first.findall(".//use")
    assert [(use.get("x"), use.get("y")) for use in uses] == [("7.78", "2"), ("3.46", None)]


def test_a_style_of_all_marks_moves_to_their_group(pages):
    group = pages[0].find(".//g[@data-curve]")
    assert group.attrib["style"] == "fill:#ffaa00"
    assert all("style" not in use.attrib for use in group)


def test_a_letter_is_defined_once_on_a_page(pages):
    names = [definition.attrib["id"] for page in pages for definition in page.findall("defs/*")]
    assert len(names) == len(set(names)) == 2
    for page in pages:
        assert all(use.attrib["href"][1:] in names for use in page.iter("use"))
        assert page.find(".//g[@data-curve]").attrib["clip-path"][5:-1] in names


def test_marks_and_legend_have_the_texts_of_the_figure(pages):
    for page in pages:
        assert page.attrib["aria-label"] == 'a "picture" & <more>'
        assert [title.text for title in page.findall(".//use/title")] == ["first <run>", "second"]
        entry = page.find(".//g[@data-legend]")
        assert (entry.get("data-legend"), entry.get("data-name")) == ("0", "net")
        assert page.find(".//text").text == " a < b & c"


def test_a_missing_title_is_an_error():
    with pytest.raises(ValueError, match="zip"):
        PageSvg().embed(FILE, figure(titles={"curve0-runs": ["first"]}))


def test_a_sentence_of_several_captions_is_on_the_page_once():
    def captions(*texts):
        return [
            EmbeddedFigure(name=str(number), heading=f"Figure {number}", caption=text, svg="", files=())
            for number, text in enumerate(texts)
        ]

    shared = "Each point is a run. The law A x^-ρ has a band."
    shortened = shorten_captions(captions(f"Error. {shared}", f"Time. {shared}", "Other."))
    assert [each.caption for each in shortened] == [
        f"Error. {shared}",
        "Time. Marks as in “Figure 0”.",
        "Other.",
    ]
