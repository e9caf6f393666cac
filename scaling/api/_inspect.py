"""Pictures of one stored network: the filters of its first layer, and its feature maps of a test image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scaling.api._figures import OUT_HINT
from scaling.api._stored_network import load_stored_network
from scaling.api._workspace import Workspace
from scaling.config import Run
from scaling.datasets import DatasetInfo
from scaling.errors import StoreError, UsageError
from scaling.files import writing


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """Figures of one run."""

    run: Run
    image: str
    """Description of the test image, its class, and the class that the network predicts."""
    figures: tuple[Path, ...]
    """Files: an .svg, a .png and a .csv of each figure."""


def inspect(
    run: str,
    workspace: Workspace | None = None,
    *,
    image: int = 0,
    out: Path | None = None,
    configs: Sequence[Path] = (),
) -> Inspection:
    """Draw the first layer's filters of a stored network, and the feature maps of one test image.

    Args:
        run: id of the run, or its beginning.
        workspace: stores and folders.
        image: index in the test split in canonical order, from 0: the order of stored predictions.
        out: folder of the figures; by default ``artifacts/inspect/<id>``.
        configs: YAML files of studies that describe the run's data set, if the data set is not a published
            one.

    Raises:
        StoreError: there is no such run, or its weights were not stored.
        DataError: the data set is not on this machine.
        UsageError: the run is not of a network, there is no such image, the data set is unknown, or the
            folder cannot be written.
    """
    from analysis.feature_map_figure import write_network_figures
    from scaling.data.normalise import PixelMoments, normalise_images
    from scaling.models.feature_maps import extract

    workspace = workspace or Workspace()
    network = load_stored_network(run, workspace, configs)
    stored, info, test = network.run, network.loaded.info, network.loaded.test
    if info.image.side == 1:
        raise UsageError(
            f"run {stored.id}: its inputs are {info.image.channels} features and no images to draw"
        )
    if not 0 <= image < len(test):
        raise UsageError(
            f"{image}: expected an image of the test split of {info.title}, 0 to {len(test) - 1}",
            option="image",
        )
    moments = PixelMoments.of_input(network.loaded, stored.recipe.input_range)
    pixels = normalise_images(test.images[image : image + 1], moments)
    try:
        maps = extract(stored.architecture, info.image, network.weights, pixels)
    except StoreError as error:
        raise StoreError(f"run {stored.id}: {error}") from error
    label, prediction = (info.label(int(index)) for index in (test.labels[image], maps.logits.argmax()))
    description = f"test image {image} of {info.title}: class {label}, predicted {prediction}"
    folder = out or workspace.artifacts / "inspect" / stored.id
    with writing(folder, hint=OUT_HINT):
        figures = write_network_figures(
            network=_describe_run(stored, info),
            image=description,
            filters=maps.filters,
            maps=maps.maps,
            pixels=test.images[image],
            out=folder,
        )
    return Inspection(run=stored, image=description, figures=figures)


def _describe_run(run: Run, info: DatasetInfo) -> tuple[str, str]:
    """Return two lines: the network, and its training."""
    from analysis.formatting import format_count
    from scaling.config.labels import network_label

    depth = run.architecture.layer_table(info.image).depth
    spec = run.architecture
    network = f"{network_label(spec.title, spec.filters, architecture=spec.type)}, depth {depth}"
    images = f"{run.data.train_images:,} training images" if run.data.train_images else "all training images"
    training = (
        f"pruning: {run.pruning.label}," if run.pruning else f"{format_count(run.recipe.epochs, 'epoch')} of"
    )
    return f"{network}, seed {run.seed}; run {run.id[:8]}", f"{training} {images} of {info.title}"
