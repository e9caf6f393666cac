"""Pictures of filters and maps: what is drawn, and its numbers."""

from __future__ import annotations

import numpy as np
import pytest
from pyarrow import csv

from analysis.feature_map_figure import (
    ACROSS,
    MOST_FILTERS,
    MOST_MAPS,
    draw_feature_maps,
    draw_filters,
    write_network_figures,
)

RNG = np.random.default_rng(0)
NETWORK = ("lenet5 of 6 filters", "2 epochs of all training images of planted")
PIXELS = RNG.integers(0, 256, (12, 12, 3), dtype=np.uint8)


def filters(n: int, channels: int) -> np.ndarray:
    return RNG.normal(size=(n, channels, 5, 5)).astype(np.float32)


def titles(drawing) -> list[str]:
    return [text.get_text() for text in drawing.figure.texts][2:]


def mosaics(drawing) -> list[np.ndarray]:
    return [axes.images[0].get_array() for axes in drawing.figure.axes]


@pytest.mark.parametrize(
    ("n", "channels", "colours", "groups", "shown"),
    [
        (6, 3, 3, [""], 6),
        (12, 1, 3, ["red: ", "green: ", "blue: "], 12),
        (100, 3, 3, [""], MOST_FILTERS),
        (9, 1, 1, [""], 9),
        (4, 2, 2, [""], 4),
    ],
    ids=["in colour", "by colour", "many", "in grey", "of two channels"],
)
def test_groups_of_filters(n, channels, colours, groups, shown):
    values = filters(n, channels)
    drawing = draw_filters(values, network=NETWORK, apart=colours if channels < colours else 1)
    assert [title.partition(",")[0] for title in titles(drawing)] == [
        f"{group}{f'{MOST_FILTERS} of ' if n > MOST_FILTERS else ''}{n // len(groups)} filters"
        for group in groups
    ]
    assert len(drawing.figure.axes) == len(groups)
    numbers = drawing.numbers
    assert sorted(set(numbers["filter"].to_pylist())) == list(range(shown))
    for row in numbers.to_pylist()[:: max(1, len(numbers) // 50)]:
        assert row["value"] == values[row["filter"], row["channel"], row["row"], row["col"]]


def test_a_picture_is_grey_at_zero_and_has_the_filters_colours():
    values = np.zeros((2, 3, 5, 5), np.float32)
    values[1, 0], values[1, 2] = 1, -1
    (mosaic,) = mosaics(draw_filters(values, network=NETWORK, apart=1))
    height, across = mosaic.shape[0], mosaic.shape[1] // 2
    assert mosaic[height // 2, across // 2].tolist() == [0.5, 0.5, 0.5]
    assert mosaic[height // 2, across + across // 2].tolist() == [1, 0.5, 0]


def test_maps_below_zero_are_blue_and_those_above_orange():
    values = {"conv1": np.array([np.full((6, 6), value) for value in (-1.0, 0.0, 1.0)])}
    drawing = draw_feature_maps(values, network=NETWORK, image="test image 0", pixels=PIXELS, apart=1)
    shown, maps = mosaics(drawing)
    assert shown[4, 4].tolist() == (PIXELS[0, 0] / 255).tolist()
    height, across = maps.shape[0], maps.shape[1] // 3
    low, zero, high = (maps[height // 2, i * across + across // 2] for i in range(3))
    assert low[2] > low[0]
    assert zero.min() > 0.99
    assert high[0] > high[2]


def test_some_of_many_maps_are_shown_and_said_to_be():
    values = {
        "conv1": RNG.normal(size=(40, 8, 8)),
        "conv2": RNG.normal(size=(3, 2, 2)),
        "conv3": np.zeros((1, 1, 1)),
    }
    drawing = draw_feature_maps(
        values, network=NETWORK, image="test image 7", pixels=PIXELS[..., :1], apart=1
    )
    assert [title.rpartition(", full")[0] for title in titles(drawing)[1:]] == [
        "conv1: 16 of 40 maps, 8x8",
        "conv2: 3 maps, 2x2",
        "conv3: 1 map, 1x1",
    ]
    rows = drawing.numbers.to_pylist()
    assert len(rows) == MOST_MAPS * 64 + 3 * 4 + 1
    assert all(row["value"] == values[row["layer"]][row["map"], row["row"], row["col"]] for row in rows[::17])
    wide = [axes.get_position().width for axes in drawing.figure.axes]
    assert wide[1] == pytest.approx(ACROSS * wide[0])


def test_maps_of_colours_that_are_convolved_apart_are_groups():
    drawing = draw_feature_maps(
        {"conv": RNG.normal(size=(60, 4, 4))}, network=NETWORK, image="test image 0", pixels=PIXELS, apart=3
    )
    said = [title.rpartition(", 4x4")[0] for title in titles(drawing)[1:]]
    assert said == [f"conv, {colour}: 16 of 20 maps" for colour in ("red", "green", "blue")]
    assert sorted(set(drawing.numbers["map"].to_pylist())) == [*range(16), *range(20, 36), *range(40, 56)]


def test_the_same_numbers_give_the_same_bytes(tmp_path):
    values, maps = filters(6, 3), {"conv1": RNG.normal(size=(6, 8, 8))}
    made = [
        write_network_figures(
            network=NETWORK,
            image="test image 0",
            filters=values,
            maps=maps,
            pixels=PIXELS,
            out=tmp_path / name,
        )
        for name in ("a", "b")
    ]
    assert [path.name for path in made[0]] == [
        f"{name}.{kind}" for name in ("filters", "maps") for kind in ("svg", "png", "csv")
    ]
    assert [path.read_bytes() for path in made[0]] == [path.read_bytes() for path in made[1]]
    assert len(csv.read_csv(made[0][2])) == 6 * 3 * 25
