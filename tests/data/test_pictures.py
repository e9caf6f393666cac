"""Pictures as images of a data set: one digit gives one image, however it is drawn, coloured and saved."""

from __future__ import annotations

import itertools
import os

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps
from scipy import ndimage

from scaling.data import load
from scaling.data.pictures import picture_to_image, read_image
from scaling.datasets import Cifar10, Mnist, Mnist5k, Usps
from scaling.errors import PictureError
from scaling.settings import ImageShape
from tests.data.drawn_digits import STROKES, beside, draw

MNIST = {"shape": ImageShape(1, 28, 10), "frame": Mnist.digit_frame}
USPS = {"shape": ImageShape(1, 16, 10), "frame": Usps.digit_frame}
CIFAR10 = {"shape": ImageShape(3, 32, 10), "frame": Cifar10.digit_frame}
FRAMES = {"mnist": MNIST, "usps": USPS}


def on_paper(picture: Image.Image, paper: tuple[int, int, int], ink: tuple[int, int, int]) -> Image.Image:
    """Return a white digit on black in other colours."""
    return Image.composite(
        Image.new("RGB", picture.size, ink), Image.new("RGB", picture.size, paper), picture
    )


def transparent(picture: Image.Image, ink: str) -> Image.Image:
    """Return a digit in one colour on a transparent background."""
    result = Image.new("RGBA", picture.size, ink)
    result.putalpha(picture)
    return result


def moved(picture: Image.Image, right: int, down: int) -> Image.Image:
    """Return a picture with more background around it."""
    result = Image.new("L", (picture.width + 90, picture.height + 50), 0)
    result.paste(picture, (right, down))
    return result


def cropped(image):
    """Return the ink of an image of a data set, in black and white."""
    is_ink = image > 127
    return is_ink[np.ix_(is_ink.any(axis=1), is_ink.any(axis=0))]


def touching(left, right):
    """Return two digits as near as they come without an overlap, their middles at one height."""
    height = max(len(left), len(right))
    left, right = (
        np.pad(digit, (((height - len(digit)) // 2, -((len(digit) - height) // 2)), (0, 0)))
        for digit in (left, right)
    )
    for gap in itertools.count(-min(left.shape[1], right.shape[1])):
        row = np.zeros((2, height, left.shape[1] + right.shape[1] + gap), int)
        row[0, :, : left.shape[1]], row[1, :, row.shape[2] - right.shape[1] :] = left, right
        if row.sum(axis=0).max() == 1:
            return row.any(axis=0)
    return None


def framed(is_ink) -> Image.Image:
    """Return white ink on black with 10 pixels of background on each side."""
    return Image.fromarray(np.pad(np.uint8(255) * is_ink, 10).astype(np.uint8))


VARIANTS = {
    "inverted": ImageOps.invert,
    "dark ink, transparent": lambda picture: transparent(picture, "black"),
    "bright ink, transparent": lambda picture: transparent(picture, "white"),
    "blue ink on yellow paper": lambda picture: on_paper(picture, (250, 240, 120), (20, 40, 160)),
    "yellow ink on blue paper": lambda picture: on_paper(picture, (20, 40, 160), (250, 240, 120)),
    "grey ink on paler grey paper": lambda picture: on_paper(picture, (125, 125, 125), (60, 60, 60)),
    "moved to the right": lambda picture: moved(picture, 80, 3),
    "moved downwards": lambda picture: moved(picture, 0, 45),
}


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
@pytest.mark.parametrize("digit", STROKES)
def test_colour_and_position_do_not_matter(tmp_path, digit, variant, frame):
    picture = draw(digit, 120)
    for name, saved in (("plain", picture), ("variant", variant(picture))):
        saved.save(tmp_path / f"{name}.png")
    plain, changed = (
        read_image(tmp_path / f"{name}.png", **frame).astype(int) for name in ("plain", "variant")
    )
    # Two colours with a contrast of at least 65 grey levels: a grey level is rounded by half of one level, by
    # which both an edge of the digit and its full ink are off.
    assert np.abs(plain - changed).max() <= 255 * 2 * 0.5 / 65 + 1


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
@pytest.mark.parametrize("side", [60, 97, 140, 400])
@pytest.mark.parametrize("digit", STROKES)
def test_size_does_not_matter(digit, side, frame):
    reference, image = (
        picture_to_image(draw(digit, size), **frame).astype(float) / 255 for size in (1200, side)
    )
    # The bounding box is off by less than a pixel on each side of the picture, which moves the edges of the
    # strokes. The strokes have two edges, each about as long as the digit's extent or twice as long.
    extent = frame["frame"].extent
    shift = 2 * extent / (0.8 * side)
    assert np.abs(reference - image).sum() <= 2 * 2 * extent * shift


@pytest.mark.parametrize("digit", STROKES)
def test_mnist_digits_fill_20_pixels_around_their_centre_of_mass(digit):
    image = picture_to_image(draw(digit, 150), **MNIST)[..., 0]
    rows, columns = ndimage.find_objects((image > 0).astype(int))[0]
    assert max(rows.stop - rows.start, columns.stop - columns.start) == 20
    # Pixel 14, counted from 0, as in MNIST. Whole pixels: the centre is off by up to half a pixel.
    np.testing.assert_allclose(ndimage.center_of_mass(image), 14, rtol=0, atol=0.5 + 1e-6)


@pytest.mark.parametrize("digit", STROKES)
def test_usps_digits_fill_the_height_and_are_centred(digit):
    image = picture_to_image(draw(digit, 150), **USPS)[..., 0]
    rows, columns = ndimage.find_objects((image > 0).astype(int))[0]
    assert (rows.start, rows.stop) == (0, 16)
    assert abs(columns.start - (16 - columns.stop)) <= 1


@pytest.mark.parametrize("mode", ["P", "LA", "I;16"])
def test_other_kinds_of_png_are_read(tmp_path, mode):
    picture = draw("7", 120)
    picture.save(tmp_path / "grey.png")
    if mode == "I;16":
        Image.fromarray(np.asarray(picture).astype(np.uint16) * 257).save(tmp_path / "other.png")
    else:
        picture.convert(mode).save(tmp_path / "other.png")
    grey, other = (read_image(tmp_path / name, **MNIST) for name in ("grey.png", "other.png"))
    np.testing.assert_array_equal(other, grey)


def test_specks_are_removed_and_narrow_gaps_bridged():
    picture = draw("7", 200)
    whole = picture_to_image(picture, **MNIST).astype(int)
    pen = ImageDraw.Draw(picture)
    pen.rectangle((3, 190, 5, 193), fill=255)
    np.testing.assert_array_equal(picture_to_image(picture, **MNIST), whole)
    pen.rectangle((0, 100, 199, 103), fill=0)  # cuts the stroke in two halves
    # The gap of 4 pixels is half a pixel of 20, across a stroke that is 3 pixels wide there.
    assert np.abs(picture_to_image(picture, **MNIST) - whole).sum() < 255 * 4


def test_a_short_stroke_apart_belongs_to_the_digit():
    """The bar of a 5 is often apart from the rest."""
    picture = draw("1", 200)
    ImageDraw.Draw(picture).rectangle((125, 20, 180, 40), fill=255)
    assert picture_to_image(picture, **MNIST)[..., 0].any()


@pytest.mark.parametrize(("count", "row"), [(2, "17"), (3, "711")])
def test_several_digits_are_refused(count, row):
    with pytest.raises(PictureError, match=f"shows {count} separate digits; save each"):
        picture_to_image(beside(*(draw(digit, 100) for digit in row)), **MNIST)


def test_real_digits_that_touch_are_refused_if_they_are_wide(tmp_path):
    """The row of two digits is a digit of its own only if it is narrow; each digit alone is accepted."""
    loaded = load(Mnist5k(), folder=tmp_path, cache=tmp_path, download=False)
    digits = [cropped(loaded.train.images[index, ..., 0]) for index in range(24)]
    for digit in digits:
        picture_to_image(framed(digit), **MNIST)
    too_wide = 0
    for left, right in itertools.pairwise(digits):
        row = framed(touching(left, right))
        height, width = (side - 20 for side in reversed(row.size))
        if width <= 1.5 * height:
            assert picture_to_image(row, **MNIST).any()
            continue
        too_wide += 1
        reason = (
            f"^has ink {width / height:.2g} times as wide as high, .* may be several touching digits; save"
        )
        for picture in (row, ImageOps.invert(row)):
            with pytest.raises(PictureError, match=reason):
                picture_to_image(picture, **MNIST)
    assert too_wide


@pytest.mark.parametrize("level", [0, 128, 255])
def test_blank_pictures_are_refused(level):
    picture = Image.new("L", (50, 40), level)
    with pytest.raises(PictureError, match="is blank: ink and background differ by 0 of 255"):
        picture_to_image(picture, **MNIST)
    ImageDraw.Draw(picture).line((20, 10, 20, 30), fill=abs(level - 19), width=3)
    with pytest.raises(PictureError, match="is blank: ink and background differ by 19 of 255"):
        picture_to_image(picture, **MNIST)


def test_a_digit_inside_a_frame_is_refused():
    """The border shows the frame, so the bright paper would be the ink, with the digit as a hole."""
    picture = ImageOps.expand(ImageOps.invert(draw("7", 100)), 10, fill=0)
    outlined = draw("1", 100)
    ImageDraw.Draw(outlined).rectangle((2, 2, 97, 97), outline=255, width=3)
    for refused in (picture, ImageOps.expand(outlined, 10), Image.new("L", (60, 60), 0)):
        pen = ImageDraw.Draw(refused)
        if not refused.getextrema()[1]:
            pen.rectangle((10, 10, 50, 50), fill=255)  # a block
        with pytest.raises(PictureError, match=r"has ink along all sides .* frame|separate digits"):
            picture_to_image(refused, **MNIST)
    bar = Image.new("L", (60, 60), 0)
    ImageDraw.Draw(bar).rectangle((26, 10, 33, 50), fill=255)
    assert picture_to_image(bar, **MNIST).any()


@pytest.mark.parametrize("side", [28, 300])
def test_a_speck_is_no_digit(side):
    picture = Image.new("L", (side, side), 255)
    picture.putpixel((9, 12), 0)
    with pytest.raises(PictureError, match="has ink of only 1x1 pixels; save the digit with a height of"):
        picture_to_image(picture, **MNIST)


@pytest.mark.parametrize("side", [20, 28, 60, 200])
def test_white_noise_is_no_digit(side):
    rng = np.random.default_rng(side)
    for levels in (rng.integers(0, 256, (side, side)), 255 * rng.integers(0, 2, (side, side))):
        with pytest.raises(PictureError, match=r"as noise has|as a frame or a block has|separate digits"):
            picture_to_image(Image.fromarray(levels.astype(np.uint8)), **MNIST)


def test_levels_of_an_unknown_range_are_no_reason_to_call_a_picture_blank(tmp_path):
    levels = np.asarray(draw("7", 60)).astype(np.uint16)
    Image.fromarray((levels / 255).astype(np.float32)).save(tmp_path / "float.tiff")
    Image.fromarray(levels * 4).save(tmp_path / "10-bit.png")
    with pytest.raises(PictureError, match="floating-point grey levels, whose range is not known; save it"):
        read_image(tmp_path / "float.tiff", **MNIST)
    with pytest.raises(PictureError, match="grey levels from 0 to 1,020, a small part of the range of 16 b"):
        read_image(tmp_path / "10-bit.png", **MNIST)


def test_what_is_no_picture_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "text.png").write_text("7")
    draw("7", 100).save(tmp_path / "whole.png")
    (tmp_path / "part.png").write_bytes((tmp_path / "whole.png").read_bytes()[:200])
    for name, reason in {
        "text.png": "is not a picture in a known format; save it as PNG",
        "part.png": r"cannot be read as a picture \(.*truncated.*\); save it again as PNG",
        "missing.png": "no such file; give the path of a picture",
        "pipe.png": "is a pipe or a device, not a file; give the path of a picture",
        "": "is a folder; give the path of a picture",
    }.items():
        with pytest.raises(PictureError, match=f"^{reason}"):
            read_image(tmp_path / name, **MNIST)


@pytest.mark.parametrize("factor", [1.5, 3])
def test_a_picture_with_too_many_pixels_is_refused(tmp_path, monkeypatch, factor):
    """Pillow warns above a limit, and refuses above twice the limit."""
    draw("7", 120).save(tmp_path / "large.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", int(120 * 120 / factor))
    with pytest.raises(PictureError, match=rf"\(more than {120 * 120 / factor:,.0f} pixels\); scale it down"):
        read_image(tmp_path / "large.png", **MNIST)


def test_other_pictures_are_resized_whole():
    blocks = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    same = picture_to_image(Image.fromarray(blocks), **CIFAR10)
    np.testing.assert_array_equal(same, blocks)
    grey = picture_to_image(draw("7", 100), **CIFAR10)
    assert grey.shape == (32, 32, 3)
    assert (grey == grey[..., :1]).all()
    wide = Image.new("RGB", (90, 30), (1, 2, 3))
    assert (picture_to_image(wide, **CIFAR10) == [1, 2, 3]).all()


def test_a_data_set_with_two_channels_has_no_pictures():
    with pytest.raises(PictureError, match="1 or 3 channels, but the images of the data set have 2"):
        picture_to_image(draw("7", 100), shape=ImageShape(2, 28, 10), frame=None)
