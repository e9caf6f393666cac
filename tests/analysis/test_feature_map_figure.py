"""Figures of filters and feature maps: their pictures and their numbers."""

from __future__ import annotations

import numpy as np
import pytest
from pyarrow import csv

from analysis.feature_map_figure import (
    MAX_FILTERS,
    MAX_MAPS,
    PICTURES_PER_LINE,
    draw_feature_maps,
    draw_filters,
    write_network_figures,
)

RNG = np.random.default_rng(0)
NETWORK = ("lenet5 of 6 filters", "2 epochs of all training images of planted")
PIXELS = RNG.integers(0, 256, (12, 12, 3), dtype=np.uint8)


def random_filters(n: int, channels: int) -> np.ndarray:
    return RNG.normal(size=(n, channels, 5, 5)).astype(np.float32)


def titles(drawing) -> list[str]:
    return [text.get_text() for text in drawing.figure.texts][2:]


def mosaics(drawing) -> list[np.ndarray]:
    return [axes.images[0].get_array() for axes in drawing.figure.axes]


@pytest.mark.parametrize(
    ("n", "channels", "colours", "prefixes", "shown"),
    [
        (6, 3, 3, [""], 6),
        (12, 1, 3, ["red: ", "green: ", "blue: "], 12),
        (100, 3, 3, [""], MAX_FILTERS),
        (9, 1, 1, [""], 9),
        (4, 2, 2, [""], 4),
    ],
    ids=["in colour", "by colour", "many", "in grey", "of two channels"],
)
def test_filters_are_grouped_by_colour(n, channels, colours, prefixes, shown):
    filters = random_filters(n, channels)
    drawing = draw_filters(filters, network=NETWORK, colour_groups=colours if channels < colours else 1)
    limit = f"{MAX_FILTERS} of " if n > MAX_FILTERS else ""
    assert [title.partition(",")[0] for title in titles(drawing)] == [
        f"{prefix}{limit}{n // len(prefixes)} filters" for prefix in prefixes
    ]
    assert len(drawing.figure.axes) == len(prefixes)
    numbers = drawing.numbers
    assert sorted(set(numbers["filter"].to_pylist())) == list(range(shown))
    for row in numbers.to_pylist()[:: max(1, len(numbers) // 50)]:
        assert row["value"] == filters[row["filter"], row["channel"], row["row"], row["col"]]


def test_a_filter_is_grey_at_zero_and_has_its_own_colours():
    filters = np.zeros((2, 3, 5, 5), np.float32)
    filters[1, 0], filters[1, 2] = 1, -1
    (mosaic,) = mosaics(draw_filters(filters, network=NETWORK, colour_groups=1))
    height, width = mosaic.shape[0], mosaic.shape[1] // 2
    assert mosaic[height // 2, width // 2].tolist() == [0.5, 0.5, 0.5]
    assert mosaic[height // 2, width + width // 2].tolist() == [1, 0.5, 0]


def test_negative_maps_are_blue_and_positive_maps_orange():
    maps = {"conv1": np.array([np.full((6, 6), value) for value in (-1.0, 0.0, 1.0)])}
    drawing = draw_feature_maps(maps, network=NETWORK, image="test image 0", pixels=PIXELS, colour_groups=1)
    image, mosaic = mosaics(drawing)
    assert image[4, 4].tolist() == (PIXELS[0, 0] / 255).tolist()
    height, width = mosaic.shape[0], mosaic.shape[1] // 3
    negative, zero, positive = (mosaic[height // 2, i * width + width // 2] for i in range(3))
    assert negative[2] > negative[0]
    assert zero.min() > 0.99
    assert positive[0] > positive[2]


def test_the_title_says_how_many_of_the_maps_are_shown():
    maps = {
        "conv1": RNG.normal(size=(40, 8, 8)),
        "conv2": RNG.normal(size=(3, 2, 2)),
        "conv3": np.zeros((1, 1, 1)),
    }
    drawing = draw_feature_maps(
        maps, network=NETWORK, image="test image 7", pixels=PIXELS[..., :1], colour_groups=1
    )
    assert [title.rpartition(", full")[0] for title in titles(drawing)[1:]] == [
        "conv1: 16 of 40 maps, 8x8",
        "conv2: 3 maps, 2x2",
        "conv3: 1 map, 1x1",
    ]
    rows = drawing.numbers.to_pylist()
    assert len(rows) == MAX_MAPS * 64 + 3 * 4 + 1
    assert all(row["value"] == maps[row["layer"]][row["map"], row["row"], row["col"]] for row in rows[::17])
    widths = [axes.get_position().width for axes in drawing.figure.axes]
    assert widths[1] == pytest.approx(PICTURES_PER_LINE * widths[0])


def test_maps_of_separate_colours_are_groups():
    drawing = draw_feature_maps(
        {"conv": RNG.normal(size=(60, 4, 4))},
        network=NETWORK,
        image="test image 0",
        pixels=PIXELS,
        colour_groups=3,
    )
    assert [title.rpartition(", 4x4")[0] for title in titles(drawing)[1:]] == [
        f"conv, {colour}: 16 of 20 maps" for colour in ("red", "green", "blue")
    ]
    assert sorted(set(drawing.numbers["map"].to_pylist())) == [*range(16), *range(20, 36), *range(40, 56)]


def test_equal_numbers_give_equal_bytes(tmp_path):
    filters, maps = random_filters(6, 3), {"conv1": RNG.normal(size=(6, 8, 8))}
    first, second = (
        write_network_figures(
            network=NETWORK,
            image="test image 0",
            filters=filters,
            maps=maps,
            pixels=PIXELS,
            out=tmp_path / name,
        )
        for name in ("a", "b")
    )
    assert [path.name for path in first] == [
        f"{name}.{suffix}" for name in ("filters", "maps") for suffix in ("svg", "png", "csv")
    ]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert len(csv.read_csv(first[2])) == 6 * 3 * 25


def test_a_network_without_convolutions_has_only_a_figure_of_its_filters(tmp_path):
    files = write_network_figures(
        network=NETWORK,
        image="test image 0",
        filters=random_filters(3, 1),
        maps={},
        pixels=PIXELS[..., :1],
        out=tmp_path,
    )
    assert {path.stem for path in files} == {"filters"}
