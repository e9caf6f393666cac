"""Skeletons of digits: scaled, deskewed, and thinned to strokes of one pixel.

Source: Denker et al. 1988; the deskewing is that of Casey, IBM J. Res. Dev. 14, 548 (1970)

Set here: the moments weigh pixels by their grey level. Scaling and shearing are one bilinear interpolation of
the grey levels, which are then compared with the ink level. The digit's box is that of its pixels of ink. The
thinning is that of Zhang & Suen, Commun. ACM 27, 236 (1984), in place of the paper's templates of 5x5 pixels.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, UInt8
from numpy.typing import NDArray
from scipy import ndimage

from scaling.errors import DataError, install_command

HEIGHT, WIDTH = 32, 20
"""Size of the rectangle that a digit touches on two sides, in pixels."""


def make_skeletons(
    images: UInt8[np.ndarray, "n side side"], *, ink_level: float, deskew: bool
) -> Bool[np.ndarray, "n height width"]:
    """Return the skeletons of digits, in rectangles of 32x20 pixels; empty for an image without ink.

    Args:
        images: grey images of one digit each, bright on dark.
        ink_level: least value of a pixel of ink, as a fraction of the image's brightest pixel.
        deskew: shear each digit until the moment of rows and columns is zero.

    Raises:
        DataError: the package scikit-image is missing.
    """
    try:
        from skimage.morphology import skeletonize
    except ModuleNotFoundError:
        raise DataError(
            "skeleton_features: the package scikit-image, which thins the digits, is missing; install it"
            f" with: {install_command('history')}"
        ) from None
    skeletons = np.zeros((len(images), HEIGHT, WIDTH), np.bool_)
    for skeleton, image in zip(skeletons, images, strict=True):
        if image.any():
            ink = image / image.max()
            skeleton[:] = skeletonize(frame_digit(ink, ink_level=ink_level, deskew=deskew) >= ink_level)
    return skeletons


def frame_digit(ink: NDArray[np.float64], *, ink_level: float, deskew: bool) -> NDArray[np.float64]:
    """Return a digit sheared, scaled with its aspect ratio and centred: [32, 20].

    Args:
        ink: grey levels between 0 and 1: [side, side].
        ink_level: least value of a pixel of ink.
        deskew: shear the digit until the moment of rows and columns is zero.
    """
    mean_row, skew = mean_row_and_skew(ink)
    if not deskew:
        skew = 0.0
    rows, columns = np.nonzero(ink >= ink_level)
    middle_row, height = _middle_and_size(rows)
    middle_column, width = _middle_and_size(columns - skew * (rows - mean_row))
    step = max(height / HEIGHT, width / WIDTH)  # pixels of the image for each pixel of the rectangle
    first_row = middle_row - step * (HEIGHT - 1) / 2
    first_column = middle_column - step * (WIDTH - 1) / 2 + skew * (first_row - mean_row)
    framed: NDArray[np.float64] = ndimage.affine_transform(
        ink,
        step * np.array([[1, 0], [skew, 1]]),
        offset=(first_row, first_column),
        output_shape=(HEIGHT, WIDTH),
        order=1,
        mode="grid-constant",
    )
    return framed


def mean_row_and_skew(ink: NDArray[np.float64]) -> tuple[float, float]:
    """Return the mean row, and the columns by which the digit leans to the right for each row downwards.

    The skew is the moment of rows and columns over that of rows and rows; 0 for a digit of one row.
    """
    by_row = ink.sum(axis=1)
    rows, columns, total = np.arange(len(ink)), np.arange(ink.shape[1]), by_row.sum()
    mean_row, mean_column = by_row @ rows / total, ink.sum(axis=0) @ columns / total
    row_moment = by_row @ (rows - mean_row) ** 2
    if row_moment == 0:
        return float(mean_row), 0.0
    return float(mean_row), float((rows - mean_row) @ ink @ (columns - mean_column) / row_moment)


def _middle_and_size(positions: NDArray) -> tuple[float, float]:
    first, last = float(positions.min()), float(positions.max())
    return (first + last) / 2, last - first + 1
