"""Pictures of one stored network: its first filters, and its maps of an image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scaling.api._explain import known_runs, named
from scaling.api._plan import plan
from scaling.api._workspace import Workspace
from scaling.config import Run
from scaling.datasets import PUBLISHED_DATASETS, AnyDataset, DatasetInfo
from scaling.errors import StoreError, UsageError

FOLDER = "looks"
STORED = "its weights are there once it was trained with store: {weights: all}"


@dataclass(frozen=True)
class Inspection:
    """What was drawn."""

    run: Run
    image: str
    """Which, and what the network says to it."""
    figures: tuple[Path, ...]
    """An .svg, a .png and a .csv of each."""


def look(
    name: str,
    workspace: Workspace | None = None,
    *,
    image: int = 0,
    out: Path | None = None,
    configs: Sequence[Path] = (),
) -> Inspection:
    """Draw the first layer's filters of a stored network, and the maps that its convolutions make of one test image.

    Args:
        name: a run's id, or its beginning.
        image: of the test split in canonical order, from 0: the order of stored predictions.
        out: a folder; by default ``artifacts/looks/<id>``.
        configs: studies that describe the run's data set, where it is none of the published ones.

    Raises:
        StoreError: no such run, or its weights were not kept.
        DataError: its data set is not on this machine.
        UsageError: no such image, nobody knows the data set, or the folder can't be written.
    """
    from analysis.feature_map_figure import write_network_figures
    from scaling.data import load
    from scaling.data.minibatches import normalised_test_image
    from scaling.models.feature_maps import extract

    workspace = workspace or Workspace()
    run = named(name, known_runs(workspace), workspace, STORED)
    stored = workspace.stores().weights(run.id)
    dataset = load(_dataset(run, workspace, configs), folder=workspace.data, download=False)
    if not 0 <= image < len(dataset.test):
        raise UsageError(
            f"--image {image}: must be from 0 to {len(dataset.test) - 1}, an image of the test split of {dataset.info.title}"
        )
    try:
        seen = extract(run.architecture, dataset.info.image, stored, normalised_test_image(dataset, image))
    except StoreError as error:
        raise StoreError(f"run {run.id}: {error}") from error
    shown = f"test image {image} of {dataset.info.title}: class {dataset.test.labels[image]}, seen as {seen.logits.argmax()}"
    folder = out or workspace.artifacts / FOLDER / run.id
    try:
        figures = write_network_figures(
            network=_words(run, dataset.info),
            image=shown,
            filters=seen.filters,
            maps=seen.maps,
            pixels=dataset.test.images[image],
            out=folder,
        )
    except OSError as error:
        raise UsageError(
            f"{folder}: can't be written ({error.strerror or error}); choose another --out"
        ) from error
    return Inspection(run, shown, figures)


def _words(run: Run, info: DatasetInfo) -> tuple[str, str]:
    """The network, and its training."""
    layers = run.architecture.layer_table(info.image)
    images = f"{run.data.train_images:,} training images" if run.data.train_images else "all training images"
    from analysis.formatting import format_count

    network = f"{run.architecture.type} of {run.architecture.filters} filters, depth {layers.depth}, seed {run.seed}; run {run.id[:8]}"
    return network, f"{format_count(run.recipe.epochs, 'epoch')} of {images} of {info.title}"


def _dataset(run: Run, workspace: Workspace, configs: Sequence[Path]) -> AnyDataset:
    published: list[AnyDataset] = [kind() for kind in PUBLISHED_DATASETS.values()]
    for dataset in (
        *published,
        *(cell.dataset for config in configs for cell in plan(config, workspace, trains=False).study.cells),
    ):
        if dataset.info(workspace.data).fingerprint == run.data.fingerprint:
            return dataset
    raise UsageError(
        f"run {run.id}: its data set ({run.data.type}) is no published one; name a study that describes it with --config"
    )
