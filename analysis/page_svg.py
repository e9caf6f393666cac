"""Figures as SVG elements inside a page: short, and with shapes that all figures of the page share."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from io import BytesIO
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from PIL import Image

from analysis.curve_marks import CURVE_ID, LEGEND_ID
from analysis.report_figure import ReportFigure
from analysis.svg_path import shorten_number, shorten_path

_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_SHIFT = re.compile(r"translate\((\S+) (\S+)\)")
_SHAPES = frozenset({"path", "use"})
_PNG = "data:image/png;base64,"
_PHOTOGRAPH_QUALITY = 95
"""Quality, up to 100, at which a reader sees no difference to the pixels of a small photograph."""


class PageSvg:
    """SVG elements of one page. A letter or marker that several figures draw is defined once."""

    def __init__(self) -> None:
        self._ids: dict[str, str] = {}

    def embed(self, svg: str, figure: ReportFigure) -> str:
        """Return a figure as an element of a page.

        Positions are rounded to hundredths of a point. Comments and metadata are left out.

        Args:
            svg: text of the figure's SVG file.
            figure: the figure, with the texts about its marks.
        """
        root = ElementTree.fromstring(svg)
        for element in root.iter():
            _drop_namespaces(element)
        definitions = self._share_definitions(root)
        for element in root.iter():
            _shorten(element)
        _drop_backgrounds(root)
        for element in root.iter("g"):
            _label(element, figure)
        for element in root.iter("g"):
            _move_style_up(element)
        root.attrib = {"viewBox": root.attrib["viewBox"], "role": "img", "aria-label": figure.alt}
        if len(definitions):
            root.insert(0, definitions)
        return ElementTree.tostring(root, encoding="unicode").replace(" />", "/>")

    def _share_definitions(self, root: Element) -> Element:
        """Take all definitions out of a figure, and return those that no earlier figure of the page has."""
        new, names = Element("defs"), dict[str, str]()
        for parent in [*root.iter()]:
            for block in [child for child in parent if child.tag in ("defs", "metadata")]:
                parent.remove(block)
                for definition in block if block.tag == "defs" else ():
                    if "id" in definition.attrib:
                        self._share(definition, new, names)
        for element in root.iter():
            for name, value in element.attrib.items():
                element.set(name, _REFERENCE.sub(lambda match: f"url(#{names[match[1]]})", value))
            if element.tag == "use":
                element.set("href", f"#{names[element.attrib['href'][1:]]}")
        return new

    def _share(self, definition: Element, new: Element, names: dict[str, str]) -> None:
        name = definition.attrib.pop("id")
        for element in definition.iter():
            _shorten(element)
        content = ElementTree.tostring(definition, encoding="unicode")
        if content not in self._ids:
            self._ids[content] = f"s{len(self._ids)}"
            definition.set("id", self._ids[content])
            new.append(definition)
        names[name] = self._ids[content]


def _drop_backgrounds(root: Element) -> None:
    """Take out the white rectangles behind a figure and its panels, whose colour the page chooses."""
    for parent in [*root.iter("g")]:
        for child in [*parent]:
            if [shape.attrib.get("style") for shape in child] == ["fill:#ffffff"] and child.tag == "g":
                parent.remove(child)


def _drop_namespaces(element: Element) -> None:
    """Name an element and its attributes as HTML does."""
    element.tag = element.tag.rpartition("}")[2]
    element.attrib = {name.rpartition("}")[2]: value for name, value in element.attrib.items()}


def _shorten(element: Element) -> None:
    """Shorten the text of positions and styles and the data of pictures, without a visible change."""
    attributes: dict[str, str] = element.attrib
    if "d" in attributes:
        attributes["d"] = shorten_path(attributes["d"])
    if "style" in attributes:
        attributes["style"] = re.sub(r"\s*([:;])\s*", r"\1", attributes["style"]).strip(";")
    if element.tag == "use" and (shift := _SHIFT.fullmatch(attributes.get("transform", ""))):
        del attributes["transform"]
        attributes |= {"x": shift[1], "y": shift[2]}
    if element.tag == "image":
        attributes["href"] = _shorten_image(attributes["href"])
    else:
        attributes |= {name: shorten_number(attributes[name]) for name in ("x", "y") if name in attributes}
    if element.tag == "use":
        element.attrib = {
            name: value for name, value in attributes.items() if name not in "xy" or value != "0"
        }
    element.tail = None
    if element.tag not in ("text", "tspan"):
        element.text = None


def _shorten_image(source: str) -> str:
    """Return the data URI of a picture as WebP: the same pixels, or of a photograph nearly the same ones."""
    picture = Image.open(BytesIO(b64decode(source.removeprefix(_PNG))))
    webp = _encode(picture, lossless=True, exact=True)
    if "A" not in picture.mode or picture.getextrema()[-1] == (255, 255):
        webp = min(webp, _encode(picture.convert("RGB"), quality=_PHOTOGRAPH_QUALITY), key=len)
    return f"data:image/webp;base64,{b64encode(webp).decode()}"


def _encode(picture: Image.Image, **options: Any) -> bytes:
    picture.save(webp := BytesIO(), "WEBP", method=6, **options)
    return webp.getvalue()


def _label(group: Element, figure: ReportFigure) -> None:
    """Replace the id of a group by what the page's script needs: the curve, its name, titles of its marks."""
    name = group.attrib.pop("id", "")
    if curve := CURVE_ID.fullmatch(name):
        group.set("data-curve", curve[1])
    if entry := LEGEND_ID.fullmatch(name):
        group.set("data-legend", entry[1])
        if entry[2] == "text":
            group.set("data-name", figure.curves[int(entry[1])])
    if name in figure.titles:
        marks = [element for element in group.iter() if element.tag in _SHAPES]
        for mark, title in zip(marks, figure.titles[name], strict=True):
            ElementTree.SubElement(mark, "title").text = title


def _move_style_up(group: Element) -> None:
    """Move a style that all marks of a group have to the group, from which marks inherit it."""
    styles = {child.get("style") for child in group} if len(group) > 1 else set()
    if len(styles) == 1 and {child.tag for child in group} == {"use"} and "style" not in group.attrib:
        (style,) = styles
        if style:
            group.set("style", style)
            for child in group:
                del child.attrib["style"]
