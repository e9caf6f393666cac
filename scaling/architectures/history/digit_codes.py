"""Output codes of LeNet-5: drawings of the ten digits with 7x12 pixels.

Source: LeCun, Bottou, Bengio & Haffner, Gradient-based learning applied to document recognition,
    Proc. IEEE 86(11), 2278 (1998), Section II.B and Fig. 3, for the size and the values 1 and -1

Set here: the drawings. The paper shows its codes as a figure only.
"""

from __future__ import annotations

from typing import Final

WIDTH: Final = 7
HEIGHT: Final = 12
UNITS: Final = WIDTH * HEIGHT
"""Length of a code: one number for each pixel."""

_DRAWINGS: Final = """
..###.. ...##.. .#####. .#####. ....##. ####### ..####. ####### .#####. .#####.
.##.##. ..###.. ##...## ##...## ...###. ####### .##..## ####### ##...## ##...##
##...## .####.. ##...## .....## ..####. ##..... ##..... .....## ##...## ##...##
##...## ...##.. .....## .....## .##.##. ##..... ##..... .....## ##...## ##...##
##...## ...##.. .....## .....## .##.##. ##..... ##..... ....##. ##...## ##...##
##...## ...##.. ....##. ..####. ##..##. ######. ######. ....##. .#####. ##...##
##...## ...##.. ...##.. ..####. ##..##. .....## ##...## ...##.. .#####. .######
##...## ...##.. ..##... .....## ####### .....## ##...## ...##.. ##...## .....##
##...## ...##.. .##.... .....## ####### .....## ##...## ..##... ##...## .....##
##...## ...##.. ##..... .....## ....##. .....## ##...## ..##... ##...## .....##
.##.##. .###### ####### ##...## ....##. ##...## ##...## .##.... ##...## ##..##.
..###.. .###### ####### .#####. ....##. .#####. .#####. .##.... .#####. .####..
"""

DIGIT_CODES: Final = tuple(
    tuple(1 if pixel == "#" else -1 for row in rows for pixel in row)
    for rows in zip(*(line.split() for line in _DRAWINGS.strip().splitlines()), strict=True)
)
"""For each digit, its pixels row by row: 1 for ink and -1 for paper."""
