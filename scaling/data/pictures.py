"""Pictures of any size as images of a data set: the digit found, scaled and placed as the data set does it.

Set here, because no publication describes how a picture becomes an image of MNIST or of USPS:

- Transparent pixels become paper: white if the visible pixels are dark on average, else black.
- Colours become grey levels (ITU-R 601).
- The background is the median of the border. If it lies in the brighter half of the picture's range, the ink
  is dark and the picture is inverted. The darkest or brightest ink then gets the value 255.
- A pixel belongs to the digit if it has a tenth of the full ink. A part with less than 5 % of the
  ink of the largest part is a speck and is removed.
- Parts of one digit may be a fortieth of the ink's height apart on each side. Two parts, each at least
  half as tall as the tallest, are two digits, and such a picture is refused.
- Ink that is more than 1.5 times as wide as high may be several touching digits, and is refused. Of the
  training digits of MNIST and USPS, fewer than 1 in 100 are that wide. Narrow digits that touch count as one.
- Ink whose longer side has fewer than 8 pixels is a speck and no digit. Two more checks are made on the ink,
  scaled to 20 pixels: ink that is more than half as wide as high and covers 80 % of the edge of its bounding
  box is a frame or a block; ink that, together with the gaps in its box, has more than 13 pieces is noise.
  None of the 12,007 test digits of MNIST and USPS is refused by one of these three rules.
- A picture with floating-point levels, or with 16 bits of which it uses a small part, is refused: its range
  is not known.
- The scaling keeps the aspect ratio and is antialiased. The digit is moved by whole pixels, and stays inside
  the image.
- For other data sets, the whole picture is resized to a square.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError
from scipy import ndimage

from scaling.datasets import DigitFrame
from scaling.errors import PictureError
from scaling.files import file_problem
from scaling.settings import ImageShape

_MIN_CONTRAST = 20.0
"""Least difference between ink and background, in grey levels of 255."""
_INK_LEVEL = 0.1
"""Least value of a pixel of the digit, as a fraction of the full ink."""
_SPECK = 0.05
"""Largest ink of a speck, as a fraction of that of the largest part."""
_GAP = 40
"""Height of the ink over the distance by which each part grows to bridge a gap."""
_DIGIT_HEIGHT = 0.5
"""Least height of a digit beside another one, as a fraction of the tallest part."""
MAX_ASPECT_RATIO = 1.5
"""Largest width of a digit, as a multiple of its height."""
_MIN_SIDE = 8
"""Least longer side of a digit, in pixels of the picture."""
_CHECKED_SIDE = 20
"""Longer side of the ink that is checked for a frame and for noise."""
_BLOCK_ASPECT_RATIO = 0.5
"""Width of a block, as a multiple of its height, above which it is no straight stroke."""
_BLOCK_EDGE = 0.8
"""Least share of the bounding box's edge that a frame or a block covers. Wide digits cover up to 0.65."""
_MAX_PIECES = 13
"""Largest number of parts of a digit and of the background in its bounding box. Digits have up to 12."""
_EIGHT_NEIGHBOURS = np.ones((3, 3), dtype=bool)
_MODES = {1: "L", 3: "RGB"}
"""Pillow's name of an image type by its number of channels."""


def read_image(file: Path, *, shape: ImageShape, frame: DigitFrame | None) -> NDArray[np.uint8]:
    """Read a picture file as an image of a data set.

    Args:
        file: picture in any format that Pillow reads.
        shape: shape of the images of the data set.
        frame: size and position of its digits; None resizes the whole picture.

    Returns:
        uint8, [side, side, channels].

    Raises:
        PictureError: the file cannot be read, or it does not show exactly one digit.
    """
    return picture_to_image(_read(file), shape=shape, frame=frame)


def picture_to_image(
    picture: Image.Image, *, shape: ImageShape, frame: DigitFrame | None
) -> NDArray[np.uint8]:
    """Return a picture without transparency as an image of a data set; arguments as for ``read_image``.

    Raises:
        PictureError: the picture does not show exactly one digit, or the data set is neither grey nor RGB.
    """
    if shape.channels not in _MODES:
        raise PictureError(
            f"a picture has 1 or 3 channels, but the images of the data set have {shape.channels}"
        )
    if frame is None:
        resized = picture.convert(_MODES[shape.channels]).resize(
            (shape.side, shape.side), Image.Resampling.HAMMING
        )
        return np.asarray(resized).reshape(shape.side, shape.side, shape.channels)
    ink = _crop(_ink(np.asarray(picture.convert("L"), dtype=np.float32)))
    _check_shape(ink)
    placed = _place(_scale(ink, frame.extent), frame, side=shape.side)
    return np.rint(255 * placed).astype(np.uint8)[..., np.newaxis].repeat(shape.channels, axis=2)


def _read(file: Path) -> Image.Image:
    if problem := file_problem(file):
        raise PictureError(f"{problem}; give the path of a picture")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(file) as opened:
                return _flatten(ImageOps.exif_transpose(opened))
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        limit = f"more than {Image.MAX_IMAGE_PIXELS:,} pixels"
        raise PictureError(f"cannot be read as a picture ({limit}); scale it down") from error
    except UnidentifiedImageError as error:
        raise PictureError("is not a picture in a known format; save it as PNG") from error
    except OSError as error:
        if error.strerror:  # of the file system
            raise PictureError(f"cannot be read ({error.strerror}); give the path of a picture") from error
        raise PictureError(f"cannot be read as a picture ({error}); save it again as PNG") from error
    except (ValueError, SyntaxError) as error:
        raise PictureError(f"cannot be read as a picture ({error}); save it again as PNG") from error


def _flatten(picture: Image.Image) -> Image.Image:
    """Return a picture as RGB, with transparent pixels as paper."""
    if picture.mode == "F":
        raise PictureError("has floating-point grey levels, whose range is not known; save it with 8 bits")
    if picture.mode.startswith("I"):  # 16 bits, which Pillow would clip at 255
        levels = np.asarray(picture, dtype=np.float64) / 257
        if 0 < np.ptp(levels) < _MIN_CONTRAST:
            raise PictureError(
                f"has grey levels from {257 * levels.min():,.0f} to {257 * levels.max():,.0f}, a small part"
                " of the range of 16 bits; scale them to 0 to 65,535, or save it with 8 bits"
            )
        return Image.fromarray(np.rint(levels.clip(0, 255)).astype(np.uint8)).convert("RGB")
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    visible = picture.convert("RGBA")
    grey, alpha = (
        np.asarray(part, dtype=np.float64) for part in (visible.convert("L"), visible.getchannel("A"))
    )
    is_dark = (grey * alpha).sum() <= 127.5 * alpha.sum()
    paper = Image.new("RGBA", visible.size, "white" if is_dark else "black")
    return Image.alpha_composite(paper, visible).convert("RGB")


def _ink(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the ink of each pixel: 0 for the background, 1 for the most ink."""
    border = np.concatenate([grey[0], grey[-1], grey[1:-1, 0], grey[1:-1, -1]])
    background = np.median(border)
    ink = background - grey if 2 * background > grey.min() + grey.max() else grey - background
    contrast = ink.max()
    if contrast < _MIN_CONTRAST:
        raise PictureError(
            f"is blank: ink and background differ by {contrast:.0f} of 255 grey levels, "
            f"less than {_MIN_CONTRAST:.0f}"
        )
    stretched: NDArray[np.float32] = np.clip(ink / contrast, 0, 1)
    return stretched


def _crop(ink: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the bounding box of the only digit, without specks.

    Raises:
        PictureError: the picture shows several digits.
    """
    is_ink = ink > _INK_LEVEL
    rows, _ = ndimage.find_objects(is_ink.astype(np.int8))[0]
    reach = round((rows.stop - rows.start) / _GAP)
    # A maximum over a square takes the same time for squares of all sizes, unlike a repeated dilation.
    grown = ndimage.maximum_filter(is_ink, 2 * reach + 1, mode="constant")
    parts, count = ndimage.label(grown, _EIGHT_NEIGHBOURS)
    parts = np.where(is_ink, parts, 0)
    if count > 1:
        amounts = ndimage.sum_labels(ink, parts, np.arange(1, count + 1))
        is_speck = np.concatenate([[False], amounts < _SPECK * amounts.max()])
        ink = np.where(is_speck[parts], 0, ink)
        parts = np.where(is_speck[parts], 0, parts)
    boxes = [box for box in ndimage.find_objects(parts) if box is not None]
    heights = [box[0].stop - box[0].start for box in boxes]
    digits = sum(height >= _DIGIT_HEIGHT * max(heights) for height in heights)
    if digits > 1:
        raise PictureError(f"shows {digits} separate digits; save each digit as a picture of its own")
    ((rows, columns),) = ndimage.find_objects((parts > 0).astype(np.int8))
    digit: NDArray[np.float32] = ink[rows, columns]
    height, width = digit.shape
    if width > MAX_ASPECT_RATIO * height:
        raise PictureError(
            f"has ink {width / height:.2g} times as wide as high, more than {MAX_ASPECT_RATIO:g} times, which"
            " may be several touching digits; save each digit as a picture of its own"
        )
    return digit


def _check_shape(ink: NDArray[np.float32]) -> None:
    """Refuse ink that cannot be a digit.

    Args:
        ink: ink in its bounding box.

    Raises:
        PictureError: the ink is a speck, a frame, a block or noise.
    """
    if max(ink.shape) < _MIN_SIDE:
        raise PictureError(
            f"has ink of only {ink.shape[1]}x{ink.shape[0]} pixels; save the digit with a height of at least"
            f" {_MIN_SIDE} pixels"
        )
    is_ink = _scale(ink, _CHECKED_SIDE) > _INK_LEVEL
    height, width = is_ink.shape
    edge = np.concatenate([is_ink[0], is_ink[-1], is_ink[1:-1, 0], is_ink[1:-1, -1]])
    if width > _BLOCK_ASPECT_RATIO * height and edge.mean() >= _BLOCK_EDGE:
        raise PictureError(
            "has ink along all sides of its bounding box, as a frame or a block has; crop the picture inside"
            " the frame"
        )
    pieces = ndimage.label(is_ink, _EIGHT_NEIGHBOURS)[1] + ndimage.label(~is_ink)[1]
    if pieces > _MAX_PIECES:
        raise PictureError(
            f"has ink and gaps in {pieces} pieces, more than {_MAX_PIECES}, as noise has; save one digit on"
            " an even background"
        )


def _scale(ink: NDArray[np.float32], extent: int) -> NDArray[np.float32]:
    """Return the ink with ``extent`` pixels on its longer side."""
    longer = max(ink.shape)
    height, width = (max(1, round(side * extent / longer)) for side in ink.shape)
    resized = Image.fromarray(ink).resize((width, height), Image.Resampling.HAMMING)
    return np.asarray(resized).clip(0, 1)


def _place(ink: NDArray[np.float32], frame: DigitFrame, *, side: int) -> NDArray[np.float32]:
    """Return an image with the ink where the frame has it."""
    placed = np.zeros((side, side), dtype=np.float32)
    centre = _CENTRES[frame.centre](ink)
    top, left = (
        min(max(round(side / 2 - middle), 0), side - size)
        for middle, size in zip(centre, ink.shape, strict=True)
    )
    placed[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    return placed


def _centre_of_mass(ink: NDArray[np.float32]) -> tuple[float, float]:
    """Return the centre of mass in pixels, 0 for the middle of the first pixel.

    In MNIST this point is in pixel 14 of 0 to 27, half a pixel beyond the middle of the image.
    """
    row, column = ndimage.center_of_mass(ink)
    return row, column


def _centre_of_box(ink: NDArray[np.float32]) -> tuple[float, float]:
    """Return the middle in pixels from the upper left corner."""
    return ink.shape[0] / 2, ink.shape[1] / 2


_CENTRES: dict[str, Callable[[NDArray[np.float32]], tuple[float, float]]] = {
    "mass": _centre_of_mass,
    "box": _centre_of_box,
}
"""Functions that find the point of a digit that belongs in the middle of the image."""
