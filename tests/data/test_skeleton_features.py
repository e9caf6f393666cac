"""Features of skeletons: scaling, deskewing, templates, maps and blocks, and their cache."""

from __future__ import annotations

import sys
from itertools import combinations, product

import numpy as np
import pytest

from scaling.data import load
from scaling.data.skeleton_features import compute_features
from scaling.data.skeleton_features.maps import MAP_NAMES, block_maps, feature_maps
from scaling.data.skeleton_features.skeletons import frame_digit, make_skeletons, mean_row_and_skew
from scaling.data.skeleton_features.templates import DIRECTIONS, ENDS, STROKES, TEMPLATES
from scaling.datasets import SkeletonFeatures, Synthetic
from scaling.errors import DataError

DATASET = SkeletonFeatures(of=Synthetic(size=30, test_size=20, noise=0.3))
MIRROR, HALF_TURN = np.s_[:, :, ::-1], np.s_[:, ::-1, ::-1]


def draw(*pixels) -> np.ndarray:
    """Return one rectangle with ink in some pixels (row, column)."""
    skeleton = np.zeros((1, 32, 20), np.bool_)
    for row, column in pixels:
        skeleton[0, row, column] = True
    return skeleton


def random_skeletons(count: int = 4) -> np.ndarray:
    return np.random.default_rng(0).random((count, 32, 20)) < 0.12


def maps_by_name(skeleton: np.ndarray) -> dict[str, np.ndarray]:
    return dict(zip(MAP_NAMES, np.moveaxis(feature_maps(skeleton)[0], 2, 0), strict=True))


ROW = [(16, column) for column in range(4, 16)]
COLUMN = [(row, 10) for row in range(8, 25)]


def test_numbers_of_templates_maps_and_features_are_the_published_ones():
    assert TEMPLATES.shape == (49, 7, 7)
    assert len({template.tobytes() for template in TEMPLATES}) == 49
    assert set(np.unique(TEMPLATES)) == {-5, 0, 1}
    assert len(set(MAP_NAMES)) == 18
    maps = feature_maps(random_skeletons(2))
    assert maps.shape == (2, 32, 20, 18)
    assert block_maps(maps).shape == (2, 18 * 5 * 3)


@pytest.mark.parametrize("bank", [STROKES, ENDS])
def test_templates_of_turned_and_mirrored_directions_are_turned_and_mirrored(bank):
    by_direction = dict(zip(DIRECTIONS.round(6), bank, strict=True))
    for direction, template in zip(DIRECTIONS, bank, strict=True):
        turned, mirrored = ((direction + 90) % 360).round(6), ((180 - direction) % 360).round(6)
        np.testing.assert_array_equal(by_direction[turned], np.rot90(template))
        np.testing.assert_array_equal(by_direction[mirrored], template[:, ::-1])


def transform_name(name: str, transform) -> str:
    """Return the name of the map that a mirrored or turned skeleton has in place of a map."""
    kind, _, angle = name.partition(" ")
    if not angle:
        return name
    turned = 180 - int(angle) if transform is MIRROR else int(angle) + 180
    return f"{kind} {turned % (180 if kind == 'line' else 360)}"


@pytest.mark.parametrize("transform", [MIRROR, HALF_TURN])
def test_maps_of_a_mirrored_or_turned_skeleton_are_mirrored_or_turned(transform):
    skeletons = random_skeletons()
    order = [MAP_NAMES.index(transform_name(name, transform)) for name in MAP_NAMES]
    maps = feature_maps(skeletons)
    np.testing.assert_array_equal(feature_maps(skeletons[transform])[..., order], maps[transform])
    blocks = block_maps(maps).reshape(-1, 18, 5, 3)
    turned = block_maps(feature_maps(skeletons[transform])).reshape(-1, 18, 5, 3)[:, order]
    np.testing.assert_array_equal(turned, blocks[(np.s_[:], *transform)])


def test_templates_and_their_combinations_equal_loops_over_pixels():
    (skeleton,) = random_skeletons(1)
    maps = feature_maps(skeleton[np.newaxis])[0]
    padded = np.pad(skeleton.astype(int), 3)
    for row, column in product(range(5, 30, 4), range(20)):
        if not skeleton[row, column]:
            assert not maps[row, column].any()
            continue
        window = padded[row : row + 7, column : column + 7]
        strokes, ends = (
            [a for a, template in zip(DIRECTIONS, bank, strict=True) if (window * template).sum() >= 3]
            for bank in (STROKES, ENDS)
        )

        def has(directions, angle):
            return any(abs((d - angle + 180) % 360 - 180) <= 22 for d in directions)

        lines = [d for d in strokes if any(abs(abs(d - other) - 180) < 1e-9 for other in strokes)]
        compass = [angle for angle in range(0, 360, 45) if has(strokes, angle)]
        expected = [has(lines, angle) for angle in (0, 45, 90, 135)]
        expected += [has(ends, angle) for angle in range(0, 360, 45)]
        expected += [
            any(has(strokes, opening + a) and has(strokes, opening - b) for a, b in ((45, 60), (60, 45)))
            for opening in (0, 90, 180, 270)
        ]
        expected.append(
            any(
                all(90 <= abs(a - b) <= 270 for a, b in combinations(three, 2))
                for three in combinations(compass, 3)
            )
        )
        expected.append(any({a, a + 90, a + 180, a + 270} <= set(compass) for a in (0, 45)))
        assert maps[row, column].tolist() == expected


def test_a_stroke_is_a_line_with_two_ends():
    maps = maps_by_name(draw(*ROW))
    assert maps["line 0"][16, 7:13].all()
    assert maps["end 0"][16, 4]
    assert maps["end 180"][16, 15]
    assert not maps["end 0"][16, 8:].any()
    assert not maps["end 180"][16, :12].any()
    others = [name for name in MAP_NAMES if name.split()[0] not in ("line", "end")]
    assert not any(maps[name].any() for name in ("line 90", *others))


def test_a_cross_has_a_crossing_and_a_t_has_a_junction_alone():
    cross, t = maps_by_name(draw(*ROW, *COLUMN)), maps_by_name(draw(*ROW, *COLUMN[8:]))
    assert cross["crossing"][16, 10]
    assert cross["junction"][16, 10]
    assert t["junction"][16, 10]
    assert not t["crossing"][16, 10]


def test_a_ring_has_no_end_and_opens_to_its_middle():
    angles = np.linspace(0, 2 * np.pi, 200)
    ring = np.unique(np.rint([15.5 + 7 * np.sin(angles), 9.5 + 7 * np.cos(angles)]).astype(int), axis=1)
    maps = maps_by_name(draw(*ring.T.tolist()))
    assert not any(maps[name].any() for name in MAP_NAMES if name.startswith("end"))
    for name, inside in (("arc 0", np.s_[:, 10:]), ("arc 180", np.s_[:, :10]), ("arc 90", np.s_[:16])):
        assert maps[name].any()
        assert not maps[name][inside].any()


def test_every_pixel_counts_sixteen_in_all_and_features_end_at_255():
    maps = np.zeros((1, 32, 20, 18), np.bool_)
    maps[0, 8, 3, 0] = maps[0, 30, 19, 1] = True
    maps[0, :, :, 2] = True
    blocks = block_maps(maps).reshape(18, 5, 3).astype(int)
    assert 16 - 4 < blocks[0].sum() <= 16  # each of up to four blocks is rounded down
    assert blocks[1, 4, 2] == blocks[1].sum() == 16
    assert (blocks[2] == 255).all()
    assert not blocks[3:].any()


def test_the_skew_is_the_slope_of_a_weighted_regression_of_columns_on_rows():
    ink = np.random.default_rng(2).random((9, 9))
    rows, columns = (positions.ravel() for positions in np.indices(ink.shape))
    slope, _ = np.polyfit(rows, columns, 1, w=np.sqrt(ink.ravel()))
    mean_row, skew = mean_row_and_skew(ink)
    assert mean_row == pytest.approx(np.average(rows, weights=ink.ravel()))
    assert skew == pytest.approx(slope)
    assert mean_row_and_skew(np.eye(1, 5)) == (0.0, 0.0)


def test_a_slanted_stroke_becomes_upright():
    ink = np.zeros((30, 30))
    for row in range(3, 27):
        ink[row, 5 + row // 2 : 9 + row // 2] = 1.0
    slanted, upright = (frame_digit(ink, ink_level=0.5, deskew=deskew) for deskew in (False, True))
    assert mean_row_and_skew(slanted)[1] == pytest.approx(0.5, abs=0.02)
    assert mean_row_and_skew(upright)[1] == pytest.approx(0.0, abs=0.02)


@pytest.mark.parametrize(("height", "width"), [(10, 4), (4, 10), (16, 10), (5, 5)])
def test_a_digit_is_centred_and_touches_two_sides_and_keeps_its_aspect_ratio(height, width):
    ink = np.zeros((16, 16))
    ink[16 - height :, :width] = 1.0
    rows, columns = np.nonzero(frame_digit(ink, ink_level=0.5, deskew=True) >= 0.5)
    scale = min(32 / height, 20 / width)
    assert np.ptp(rows) + 1 == pytest.approx(scale * height, abs=1)
    assert np.ptp(columns) + 1 == pytest.approx(scale * width, abs=1)
    assert (rows.min() + rows.max(), columns.min() + columns.max()) == (31, 19)


def test_position_and_brightness_of_a_digit_do_not_matter():
    pytest.importorskip("skimage")
    digit = np.zeros((3, 20, 20, 1), np.uint8)
    for image, (row, column, value) in zip(digit, [(0, 0, 200), (6, 3, 200), (2, 8, 100)], strict=True):
        image[row : row + 12, column : column + 3] = image[row + 10 : row + 12, column : column + 9] = value
    first, *others = compute_features(digit, DATASET)
    assert first.any()
    for other in others:
        np.testing.assert_array_equal(other, first)


def test_an_image_without_ink_has_no_features():
    pytest.importorskip("skimage")
    assert not compute_features(np.zeros((1, 16, 16, 1), np.uint8), DATASET).any()


def test_features_are_cached_and_checked_and_need_no_package_then(cache, tmp_path, monkeypatch):
    pytest.importorskip("skimage")
    first = load(DATASET, folder=tmp_path, cache=cache)
    images = load(DATASET.of, folder=tmp_path, cache=cache)
    np.testing.assert_array_equal(first.train.images, compute_features(images.train.images, DATASET))
    np.testing.assert_array_equal(first.train.labels, images.train.labels)
    np.testing.assert_array_equal(first.test.labels, images.test.labels)
    file = cache / first.info.fingerprint / "test_images.bin"
    content = file.read_bytes()
    damaged = content[:-1] + bytes([content[-1] ^ 1])
    file.unlink()  # the mapping above keeps the old file
    file.write_bytes(damaged)
    load(DATASET, folder=tmp_path, cache=cache, verify=True)
    assert file.read_bytes() == content
    monkeypatch.setitem(sys.modules, "skimage.morphology", None)
    again = load(DATASET, folder=tmp_path, cache=cache, verify=True)
    np.testing.assert_array_equal(again.test.images, first.test.images)


def test_a_missing_package_is_named_with_its_extra(cache, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage.morphology", None)
    with pytest.raises(DataError, match=r"scikit-image.*pip install 'scaling-studies\[history\]'"):
        load(DATASET, folder=tmp_path, cache=cache)


def test_a_skeleton_has_no_more_parts_than_its_digit():
    skimage = pytest.importorskip("skimage.measure")
    images = np.zeros((1, 16, 16), np.uint8)
    images[0, 2:14, 2:6] = images[0, 2:6, 9:14] = 255
    (skeleton,) = make_skeletons(images, ink_level=0.5, deskew=False)
    assert skimage.label(skeleton, connectivity=2).max() == 2
    assert 0 < skeleton.sum() < 80
