"""Test images that most runs miss, and their contact sheet."""

from __future__ import annotations

import re
from base64 import b64decode
from collections import Counter
from dataclasses import replace
from io import BytesIO

import numpy as np
from PIL import Image

from analysis.html_page import embed_figures
from analysis.missed_images import MAX_IMAGES, MissedImages, draw_missed_images, find_missed_images


def planted(runs: int = 9, images: int = 120, classes: int = 4):
    """Return the answers of some runs, [runs, images], and the labels."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, classes, images).astype(np.uint8)
    wrong = rng.random((runs, images)) < rng.random(images)
    return np.where(wrong, (labels + rng.integers(1, classes, (runs, images))) % classes, labels), labels


def count(answers, classes: int = 4):
    return np.stack([(answers == label).sum(axis=0) for label in range(classes)], axis=1)


def test_the_images_are_those_of_a_plain_loop():
    answers, labels = planted()
    expected = []
    for index, label in enumerate(labels.tolist()):
        wrong = [answer for answer in answers[:, index].tolist() if answer != label]
        if len(wrong) > len(answers) / 2:
            votes = Counter(wrong)
            most = min(answer for answer in votes if votes[answer] == max(votes.values()))
            expected.append((-len(wrong), index, label, most))
    images = find_missed_images(count(answers), labels)
    assert [(-image.runs_wrong, image.index, image.label, image.wrong_label) for image in images] == sorted(
        expected
    )


def test_half_of_the_runs_are_not_most_runs():
    labels = np.array([0, 0], np.uint8)
    answers = np.array([[1, 1], [2, 3], [0, 3], [0, 0]])
    (image,) = find_missed_images(count(answers), labels)
    assert (image.index, image.wrong_label, image.runs_wrong) == (1, 3, 3)


def sheet(images, *, runs: int = 9, channels: int = 1) -> MissedImages:
    shown = len(images[:MAX_IMAGES])
    return MissedImages(
        images=images,
        pixels=np.zeros((shown, 8, 8, channels), np.uint8),
        runs=runs,
        runs_without=1,
        test_images=120,
        dataset_title="planted images",
    )


def test_the_sheet_has_the_numbers_of_all_images_and_draws_the_worst():
    answers, labels = planted()
    images = find_missed_images(count(answers), labels)
    assert len(images) > MAX_IMAGES
    for channels in (1, 3):
        figure = draw_missed_images(sheet(images, channels=channels))
        (axes,) = figure.figure.axes
        assert len(axes.images) == MAX_IMAGES
        assert figure.numbers["image"].to_pylist() == [image.index for image in images]
        assert figure.numbers["share"].to_pylist() == [image.runs_wrong / 9 for image in images]
        first = images[0]
        label = f"{first.label} \N{RIGHTWARDS ARROW} {first.wrong_label}"
        assert axes.texts[0].get_text().splitlines()[0] == label
        assert f"{len(images)} of the 120 test images" in figure.caption
        assert "1 run without stored predictions" in figure.caption


def test_there_is_no_sheet_without_such_images():
    assert draw_missed_images(sheet(())) is None


def test_names_of_labels_stand_below_the_images():
    """They are cut, and have no signs of formulas."""
    answers, labels = planted()
    images = find_missed_images(count(answers), labels)
    names = {label: f"${label}\u732bkind of image" for label in range(4)}
    (axes,) = draw_missed_images(replace(sheet(images), label_names=names)).figure.axes
    right, wrong, share = axes.texts[0].get_text().splitlines()
    assert (right, wrong) == (
        f"{images[0].label}kind of ",
        f"\N{RIGHTWARDS ARROW} {images[0].wrong_label}kind of ",
    )
    assert share.endswith(" %")


def test_pictures_of_a_page_are_short_and_look_like_the_images(tmp_path):
    """A photograph is smooth; its mean deviation in the page is below one in a hundred steps of grey."""
    answers, labels = planted()
    missed = sheet(find_missed_images(count(answers), labels), channels=3)
    corners = np.random.default_rng(0).integers(0, 256, (len(missed.pixels), 4, 1, 1, 3))
    y, x = np.linspace(0, 1, 32)[:, None, None], np.linspace(0, 1, 32)[None, :, None]
    weights = ((1 - y) * (1 - x), (1 - y) * x, y * (1 - x), y * x)
    pixels = sum(corner * weight for corner, weight in zip(np.moveaxis(corners, 1, 0), weights, strict=True))
    pixels = pixels.round().astype(np.uint8)
    (figure,) = embed_figures(tmp_path, lambda: [draw_missed_images(replace(missed, pixels=pixels))])
    pictures = [b64decode(data) for data in re.findall(r'base64,([^"]+)', figure.svg)]
    assert len(pictures) == MAX_IMAGES
    assert sum(map(len, pictures)) < MAX_IMAGES * 1000
    for picture, expected in zip(pictures, pixels, strict=True):
        drawn = np.asarray(Image.open(BytesIO(picture)).convert("RGB"), dtype=float)
        assert drawn.shape == expected.shape
        assert np.abs(drawn - expected).mean() < 2.5
