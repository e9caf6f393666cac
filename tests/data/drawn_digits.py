"""Pictures of digits, drawn with straight strokes."""

from __future__ import annotations

from PIL import Image, ImageDraw

STROKES = {
    "1": [[(0.3, 0.35), (0.52, 0.1), (0.52, 0.9)]],
    "7": [[(0.2, 0.12), (0.78, 0.12), (0.4, 0.9)]],
}
"""Corners of the strokes, as fractions of the side."""
WIDTH = 0.1
"""Width of a stroke, as a fraction of the side."""
DRAWN_SIDE = 1200
"""Side of the drawing from which smaller ones are made, so that these have grey edges."""


def draw(digit: str, side: int) -> Image.Image:
    """Draw a digit in white on black."""
    large = Image.new("L", (DRAWN_SIDE, DRAWN_SIDE), 0)
    for stroke in STROKES[digit]:
        corners = [(x * DRAWN_SIDE, y * DRAWN_SIDE) for x, y in stroke]
        ImageDraw.Draw(large).line(corners, fill=255, width=round(WIDTH * DRAWN_SIDE), joint="curve")
    return large.resize((side, side), Image.Resampling.BOX)


def beside(*pictures: Image.Image) -> Image.Image:
    """Place pictures of one height beside each other."""
    width = sum(picture.width for picture in pictures)
    row = Image.new("L", (width, pictures[0].height), 0)
    left = 0
    for picture in pictures:
        row.paste(picture, (left, 0))
        left += picture.width
    return row
