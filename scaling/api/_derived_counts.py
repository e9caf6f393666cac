"""What backpropagation does in each run, counted from its configuration: so every stored run has it, whenever it was trained."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from scaling.config import Run
from scaling.datasets import PUBLISHED_DATASETS
from scaling.settings import ImageShape

COUNTS = {"backward_macs": pa.int64(), "routes": pa.float64(), "training_flops": pa.float64()}
"""Of a backward pass of one image; from a weight of the first layer to an output (rounded where it has more digits than float64, as in a VGG);
of the whole training. ``LayerTable`` says what each of them counts."""


def counts(cells: Sequence[Run], train_images: Sequence[int | None], runs: pa.Table) -> dict[str, pa.Array]:
    """The columns of ``COUNTS``, a row a cell; null where nobody knows what shape its images have.

    Args:
        cells: one run of each.
        train_images: that each is trained on in an epoch.
        runs: rows of the store's table, those of the cells among them.
    """
    known = shapes(runs)
    rows = [
        _row(run, known.get(run.data.fingerprint), used)
        for run, used in zip(cells, train_images, strict=True)
    ]
    return {name: pa.array([row.get(name) for row in rows], kind) for name, kind in COUNTS.items()}


def shapes(runs: pa.Table) -> dict[str, ImageShape]:
    """What shape images have, by the fingerprint of their data set: of the published sets, and of those that a row tells of."""
    told = runs.group_by(["fingerprint", "channels", "side", "classes"], use_threads=False).aggregate([])
    own = {
        row["fingerprint"]: ImageShape(row["channels"], row["side"], row["classes"])
        for row in told.to_pylist()
        if row["side"] is not None
    }
    info = [dataset().info(Path()) for dataset in PUBLISHED_DATASETS.values()]
    return own | {each.fingerprint: each.image for each in info}


def _row(run: Run, image: ImageShape | None, train_images: int | None) -> dict[str, int | float]:
    if image is None:
        return {}
    table = run.architecture.layer_table(image)
    row: dict[str, int | float] = {"backward_macs": table.backward_macs, "routes": float(table.routes)}
    if train_images is not None:
        row["training_flops"] = float(
            run.recipe.epochs * run.recipe.images_per_epoch(train_images) * table.training_flops
        )
    return row
