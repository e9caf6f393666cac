"""Decoding of encoded images, such as PNG and JPEG, of one data set into arrays of one shape.

Images are grey if all of them are, and otherwise RGB; an alpha channel is dropped. Without a requested size,
all must have the same.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import chain
from pathlib import Path

import numpy as np
import psutil
from numpy.typing import NDArray
from PIL import Image

from scaling.datasets.readers import open_image
from scaling.errors import DataError

_GREY_MODES, _COLOUR_MODES = ("1", "L", "LA"), ("RGB", "RGBA", "P", "PA", "CMYK", "YCbCr", "HSV", "LAB")
_ALPHA_MODES = ("LA", "RGBA", "PA")
_DECODE_ERRORS = (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError)
_MAX_LISTED_SIZES = 3


@dataclass(frozen=True)
class EncodedImage:
    """An image as it is stored."""

    name: str
    """Name for messages."""
    content: Path | bytes | None
    """The image, or its file."""

    def read(self) -> bytes:
        """Return the encoded image.

        Raises:
            OSError: the file cannot be read.
        """
        return self.content.read_bytes() if isinstance(self.content, Path) else self.content or b""


@dataclass(frozen=True)
class _Header:
    """Size and mode of an image, known before its pixels are decoded."""

    name: str
    width: int
    height: int
    mode: str


@dataclass(frozen=True, kw_only=True)
class DecodedSplits:
    """Decoded images of each split."""

    images: Mapping[str, NDArray[np.uint8]]
    """By the name of the split: [images, height, width, channels]."""
    notes: tuple[str, ...]
    """Sentences about what was changed."""


def decode_splits(
    splits: Mapping[str, Sequence[EncodedImage]], *, origin: str, size: int | None
) -> DecodedSplits:
    """Decode all images of a data set.

    Args:
        splits: images by the name of their split.
        origin: name of the file or the folder, for messages.
        size: side of the squares into which all images are fitted; None to leave them as they are.

    Raises:
        DataError: an image cannot be decoded, or sizes differ and none is requested.
    """
    headers = [_read_header(image) for image in chain(*splits.values())]
    width, height = (size, size) if size else _common_size(headers, origin)
    mode = "L" if all(header.mode in _GREY_MODES for header in headers) else "RGB"
    _check_memory(len(headers), width, height, channels=len(mode), origin=origin)
    decoded = {
        name: _decode_all(images, (width, height), mode, fit=size is not None)
        for name, images in splits.items()
    }
    return DecodedSplits(images=decoded, notes=tuple(_notes(headers, mode, size)))


def _read_header(image: EncodedImage) -> _Header:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            content = image.content if isinstance(image.content, Path) else BytesIO(image.read())
            with Image.open(content) as opened:
                header = _Header(image.name, opened.width, opened.height, opened.mode)
    except (*_DECODE_ERRORS, Image.DecompressionBombWarning) as error:
        raise DataError(_unreadable(image, error)) from error
    if header.mode not in _GREY_MODES + _COLOUR_MODES:
        raise DataError(
            f"{image.name}: expected an image with 8 bits a channel, got Pillow's mode {header.mode};"
            " convert it, or write the images as .npz"
        )
    return header


def _unreadable(image: EncodedImage, error: Exception) -> str:
    if image.content is None or image.content == b"":
        reason = "its bytes are missing"
    elif isinstance(error, OSError) and error.strerror:
        return f"{image.name}: cannot be read ({error.strerror})"
    else:
        reason = type(error).__name__
    return f"{image.name}: is not a whole image ({reason}); replace or remove it"


def _common_size(headers: Sequence[_Header], origin: str) -> tuple[int, int]:
    first = {(header.width, header.height): header.name for header in reversed(headers)}
    counts = Counter((header.width, header.height) for header in headers)
    if len(counts) == 1:
        return next(iter(counts))
    shown = [
        f"{width}x{height} ({number:,}, such as {first[width, height]})"
        for (width, height), number in counts.most_common(_MAX_LISTED_SIZES)
    ]
    more = [f"{len(counts) - len(shown):,} more sizes"] if len(counts) > len(shown) else []
    raise DataError(
        f"{origin}: images differ in size: {', '.join(shown + more)}; dataset.size: 32 fits all into 32x32"
    )


def _check_memory(count: int, width: int, height: int, *, channels: int, origin: str) -> None:
    needed, available = count * width * height * channels, psutil.virtual_memory().available
    if needed > available:
        raise DataError(
            f"{origin}: {count:,} images of {width}x{height} pixels need {needed / 2**30:.1f} GiB of memory,"
            f" and {available / 2**30:.1f} GiB are free; give a smaller dataset.size, such as 32"
        )


def _decode_all(
    images: Sequence[EncodedImage], size: tuple[int, int], mode: str, *, fit: bool
) -> NDArray[np.uint8]:
    width, height = size
    pixels = np.empty((len(images), height, width, len(mode)), np.uint8)
    for target, image in zip(pixels, images, strict=True):
        try:
            with open_image(image.read(), size) as opened:
                converted = opened if opened.mode == mode else opened.convert(mode)
                target[:] = np.asarray(_fit(converted, size) if fit else converted).reshape(target.shape)
        except _DECODE_ERRORS as error:
            raise DataError(_unreadable(image, error)) from error
    return pixels


def _fit(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return an image whose longer side has the size, centred on black; its proportions stay."""
    if image.size == size:
        return image
    factor = min(size[0] / image.width, size[1] / image.height)
    width, height = (max(1, round(factor * pixels)) for pixels in image.size)
    resized = image.resize((width, height), Image.Resampling.BILINEAR)
    canvas = Image.new(image.mode, size)
    canvas.paste(resized, ((size[0] - width) // 2, (size[1] - height) // 2))
    return canvas


def _notes(headers: Sequence[_Header], mode: str, size: int | None) -> list[str]:
    notes = []
    if size and (resized := sum((header.width, header.height) != (size, size) for header in headers)):
        notes.append(f"{resized:,} of {len(headers):,} images are fitted into {size}x{size} pixels")
    grey = sum(header.mode in _GREY_MODES for header in headers)
    if mode == "RGB" and grey:
        notes.append(f"{grey:,} grey images become colour images, as the others are")
    if alpha := sum(header.mode in _ALPHA_MODES for header in headers):
        notes.append(f"the alpha channel of {alpha:,} images is dropped")
    return notes
