"""Small versions of the published data sets, written to disk in each of their layouts."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import pickle
import struct
from dataclasses import replace
from importlib import import_module
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from scaling.datasets import PUBLISHED_DATASETS, DatasetInfo, Split, compute_fingerprint, sort_canonically

TRAIN, TEST = 40, 20
IDX = [
    f"MNIST/raw/{split}-{kind}-ubyte"
    for split in ("train", "t10k")
    for kind in ("images-idx3", "labels-idx1")
]


def make(monkeypatch, name: str) -> tuple[DatasetInfo, Split, Split]:
    """Replace a published data set by small random splits in no particular order, and return them."""
    info = PUBLISHED_DATASETS[name]().info(Path())
    side, channels = info.image.side, info.image.channels
    rng = np.random.default_rng(0)
    train, test = (
        Split(
            rng.integers(0, 256, (count, side, side, channels), dtype=np.uint8),
            (np.arange(count) % 10).astype(np.uint8),
        )
        for count in (TRAIN, TEST)
    )
    tiny = replace(
        info,
        train_images=TRAIN,
        test_images=TEST,
        fingerprint=compute_fingerprint(sort_canonically(train), sort_canonically(test)),
    )
    monkeypatch.setattr(import_module(f"scaling.datasets.{name}"), f"{name.upper()}_INFO", tiny)
    return tiny, train, test


def write_idx(folder: Path, train: Split, test: Split, *, packed: bool = False) -> None:
    (folder / "MNIST/raw").mkdir(parents=True)
    arrays = [array for split in (train, test) for array in (split.images[..., 0], split.labels)]
    for name, array in zip(IDX, arrays, strict=True):
        content = struct.pack(f">HBB{array.ndim}i", 0, 8, array.ndim, *array.shape) + array.tobytes()
        (folder / (name + ".gz" * packed)).write_bytes(gzip.compress(content) if packed else content)


def write_parquet(
    folder: Path, train: Split, test: Split, *, column: str = "img", parts: int = 1
) -> list[Path]:
    folder.mkdir(parents=True)
    files = []
    for name, split in (("train", train), ("test", test)):
        for part, rows in enumerate(np.array_split(np.arange(len(split)), parts)):
            images = [{"bytes": png(split.images[row]), "path": None} for row in rows]
            files.append(folder / f"{name}-{part:05}-of-{parts:05}.parquet")
            pq.write_table(
                pa.table({column: images, "label": split.labels[rows].astype(np.int64)}), files[-1]
            )
    return files


def png(image: np.ndarray) -> bytes:
    target = BytesIO()
    Image.fromarray(image.squeeze()).save(target, "PNG")
    return target.getvalue()


def write_usps(folder: Path, train: Split, test: Split) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, split in (("usps.bz2", train), ("usps.t.bz2", test)):
        lines = []
        for image, label in zip(split.images, split.labels, strict=True):
            # Half a grey level is added because torchvision truncates the value.
            values = (image.flatten() + 0.5) / 255 * 2 - 1
            lines.append(
                f"{label + 1} " + " ".join(f"{i}:{value:.7f}" for i, value in enumerate(values, start=1))
            )
        (folder / name).write_bytes(bz2.compress("\n".join(lines).encode() + b"\n"))


def write_batches(monkeypatch, folder: Path, train: Split, test: Split) -> None:
    """Write CIFAR-10's pickles, and make torchvision expect their checksums."""
    from torchvision.datasets import CIFAR10

    batches = folder / "cifar-10-batches-py"
    batches.mkdir(parents=True)
    parts = [
        (f"data_batch_{i + 1}", train, rows)
        for i, rows in enumerate(np.array_split(np.arange(len(train)), 5))
    ]
    sums = {}
    for name, split, rows in [*parts, ("test_batch", test, np.arange(len(test)))]:
        images = split.images[rows].transpose(0, 3, 1, 2).reshape(len(rows), -1)
        sums[name] = _dump(batches / name, {"data": images, "labels": split.labels[rows].tolist()})
    monkeypatch.setattr(CIFAR10, "train_list", [[name, sums[name]] for name, _, _ in parts])
    monkeypatch.setattr(CIFAR10, "test_list", [["test_batch", sums["test_batch"]]])


def _dump(file: Path, content: object) -> str:
    file.write_bytes(pickle.dumps(content))
    return hashlib.md5(file.read_bytes()).hexdigest()
