"""Files of a user's own data sets, written as torchvision and the Hugging Face hub lay them out."""

from __future__ import annotations

import json
import pickle
import struct
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

Labelled = tuple[np.ndarray, np.ndarray]
"""Images and labels."""


def draw_images(count: int, shape: Sequence[int], *, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), dtype=np.uint8)


def encode(image: np.ndarray, kind: str = "PNG") -> bytes:
    target = BytesIO()
    Image.fromarray(image.squeeze()).save(target, kind)
    return target.getvalue()


def write_imagefolder(root: Path, splits: Mapping[str, Labelled], names: Sequence[str]) -> Path:
    for split, (images, labels) in splits.items():
        for index, (image, label) in enumerate(zip(images, labels, strict=True)):
            file = root / split / names[label] / f"{index:03}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(encode(image))
    return root


def write_hub(
    folder: Path,
    splits: Mapping[str, tuple[np.ndarray, Mapping[str, Sequence]]],
    *,
    names: Mapping[str, Sequence[str]] | None = None,
    image_column: str = "image",
    file: str = "{split}-00000-of-00001.parquet",
) -> Path:
    """Write a folder as the hub stores it; ``names`` are those of the classes by their column."""
    features = {column: {"names": list(of), "_type": "ClassLabel"} for column, of in (names or {}).items()}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})} if names else None
    for split, (images, columns) in splits.items():
        rows = [{"bytes": encode(image), "path": f"{row}.png"} for row, image in enumerate(images)]
        target = folder / file.format(split=split)
        target.parent.mkdir(parents=True, exist_ok=True)
        table = pa.table({image_column: rows, **columns}).replace_schema_metadata(metadata)
        pq.write_table(table, target)
    return folder


def write_idx_file(file: Path, array: np.ndarray) -> None:
    kind = {"u": 8, "i": 12}[array.dtype.kind]
    content = struct.pack(f">HBB{array.ndim}i", 0, kind, array.ndim, *array.shape)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content + array.astype(">i4" if kind == 12 else np.uint8).tobytes())


def write_cifar100(folder: Path, splits: Mapping[str, Labelled]) -> None:
    folder.mkdir(parents=True)
    for split, (images, labels) in splits.items():
        data = images.transpose(0, 3, 1, 2).reshape(len(images), -1)
        batch = {"data": data, "fine_labels": labels.tolist(), "coarse_labels": (labels // 5).tolist()}
        (folder / split).write_bytes(pickle.dumps(batch))
