"""Counts that follow from a run's configuration, so that every stored run has them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from scaling.config import Run
from scaling.datasets import PUBLISHED_DATASETS
from scaling.settings import ImageShape
from scaling.store.schema import column

DERIVED_COUNTS = pa.schema(
    [
        column("labels", pa.int64(), "Classes in use", "classes"),
        column("conv_parameters", pa.int64(), "Parameters of the convolutions", "parameters"),
        column("linear_parameters", pa.int64(), "Parameters of the fully connected layers", "parameters"),
        column("backward_macs", pa.int64(), "Multiply-adds of a backward pass of one image", "multiply-adds"),
        column(
            "routes",
            pa.float64(),
            "Paths from one use of a first-layer weight to an output, rounded to float64",
            "paths",
        ),
        column(
            "training_flops", pa.float64(), "Floating-point operations of the whole training", "operations"
        ),
    ]
)
"""Columns of derived counts. ``LayerTable`` defines each count except ``labels``.

Layers that are neither convolutions nor fully connected have the remaining parameters.
"""


def compute_counts(
    cell_runs: Sequence[Run], train_images: Sequence[int | None], *, runs: pa.Table
) -> dict[str, pa.Array]:
    """Return the columns of ``DERIVED_COUNTS``, one row a cell.

    They are null where the image shape is unknown, except ``labels`` if classes are drawn. All but ``labels``
    are null where no gradient was computed, and where only code that is not here could tell them; ``routes``
    of a user's own network is.

    Args:
        cell_runs: one run of each cell.
        train_images: number of training images in an epoch, one a cell.
        runs: rows of the store's table ``runs`` that include the cells' rows.
    """
    shapes = _image_shapes(runs)
    rows = [
        _row(run, shapes.get(run.data.fingerprint), images)
        for run, images in zip(cell_runs, train_images, strict=True)
    ]
    return {
        field.name: pa.array([row.get(field.name) for row in rows], field.type) for field in DERIVED_COUNTS
    }


def _image_shapes(runs: pa.Table) -> dict[str, ImageShape]:
    """Return image shapes by data-set fingerprint: of published data sets, and as stated by rows."""
    stated = runs.group_by(["fingerprint", "channels", "side", "classes"], use_threads=False).aggregate([])
    shapes = {
        row["fingerprint"]: ImageShape(row["channels"], row["side"], row["classes"])
        for row in stated.to_pylist()
        if row["side"] is not None
    }
    published = [dataset().info(Path()) for dataset in PUBLISHED_DATASETS.values()]
    return shapes | {info.fingerprint: info.image for info in published}


def _row(run: Run, image: ImageShape | None, train_images: int | None) -> dict[str, int | float]:
    if image is None:
        return {"labels": run.data.labels} if run.data.labels else {}
    if run.architecture.fit_profile:
        return {"labels": image.classes}
    layers = run.architecture.known_layer_table(image)
    if layers is None:
        return {"labels": image.classes}
    row: dict[str, int | float] = {
        "labels": image.classes,
        "conv_parameters": layers.conv_parameters,
        "linear_parameters": layers.linear_parameters,
        "backward_macs": layers.backward_macs,
    }
    if layers.routes is not None:
        row["routes"] = float(layers.routes)
    if train_images is not None:
        images_seen = run.recipe.epochs * run.recipe.images_per_epoch(train_images)
        row["training_flops"] = float(images_seen * layers.training_flops)
    return row
