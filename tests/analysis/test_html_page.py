"""Figures inside HTML pages."""

from __future__ import annotations

from urllib.parse import unquote
from xml.etree import ElementTree

import pytest

from analysis.html_page import svg_source

PREFIX = "data:image/svg+xml,"
FILE = """<?xml version="1.0"?>
<svg xmlns="http://www.w3.org/2000/svg" width="10pt">
 <metadata><creator>someone</creator></metadata>
 <!-- 50 % -->
 <g transform="scale(0.015625)" style="fill: #ffaa00; font: \'A B\'; width: 50%">
  <path d="M 1.23456 -0.98765
L 3 .5 "/>
  <use x="7.77777" y="2"/>
 </g>
 <text>a &lt; b &amp; c</text>
</svg>
"""


@pytest.fixture
def picture() -> ElementTree.Element:
    return ElementTree.fromstring(unquote(svg_source(FILE).removeprefix(PREFIX)))


def test_positions_are_shortened_and_scales_are_not(picture):
    group, path, use = (picture.find(f".//{{*}}{tag}") for tag in ("g", "path", "use"))
    assert group.attrib["transform"] == "scale(0.015625)"
    assert path.attrib["d"].split() == ["M", "1.23", "-0.98", "L", "3", ".5"]
    assert (use.attrib["x"], use.attrib["y"]) == ("7.77", "2")


def test_text_and_styles_are_those_of_the_file(picture):
    assert picture.find("{*}text").text == "a < b & c"
    assert picture.find("{*}g").attrib["style"] == "fill: #ffaa00; font: 'A B'; width: 50%"
    assert picture.find("{*}metadata") is None


def test_source_fits_into_an_attribute_in_double_quotes():
    source = svg_source(FILE)
    assert source.startswith(PREFIX)
    assert not set(source) & set('"<>#&\n')
