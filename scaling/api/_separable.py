"""Linear separability of the training sets of a study."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from scaling.api._load import CURVE_COLUMN
from scaling.api._results import StudyResults, load_results
from scaling.api._workspace import Workspace
from scaling.config import Cell, StudySource
from scaling.errors import UsageError

if TYPE_CHECKING:
    from analysis.separability import SingleLayer, TrainingSetSeparability
    from scaling.data import LoadedDataset


def separable(
    config: StudySource, workspace: Workspace | None = None, *, overrides: Sequence[str] = ()
) -> list[TrainingSetSeparability]:
    """Decide for each training set of a study whether a single layer can classify all of its images.

    Nothing is trained: a linear program decides, for each class against all others and for all classes. The
    errors of the study's single layers are added if a store holds them.

    Args:
        config: YAML file of the study, or its settings.
        workspace: stores, and folder of the data sets.
        overrides: changed settings, such as ``dataset.train_images=320``.

    Raises:
        ConfigError: the study is invalid.
        DataError: a data set is not on this machine.
        StoreError: a store cannot be read.
        UsageError: a training set has images of one class only.
    """
    from scaling.data import load

    workspace = workspace or Workspace()
    results = load_results(config, workspace, overrides=overrides)
    cells = {_training_set(cell): cell for cell in results.plan.study.cells}
    return [
        _decide(
            load(cell.dataset, folder=workspace.data, download=False),
            single_layers=_single_layers(results, cell),
        )
        for cell in cells.values()
    ]


def _training_set(cell: Cell) -> tuple[str, int | None, int]:
    """Return what the training set of a cell depends on."""
    return cell.info.fingerprint, cell.dataset.train_images, cell.dataset.validation


def _single_layers(results: StudyResults, cell: Cell) -> tuple[SingleLayer, ...]:
    """Return the errors of the single layers that were trained on the training set of a cell.

    The layers are those of the specification, so that a classifier that keeps training images has none.

    Args:
        results: the study and its runs.
        cell: a cell with the training set.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    from analysis.run_groups import group_runs
    from analysis.separability import SingleLayer

    if not len(results.final_runs):
        return ()
    has_seeds = {
        run.id: run.architecture.has_seeds
        for other, run in results.plan.study.final_runs()
        if _training_set(other) == _training_set(cell) and other.layer_table().depth == 1
    }
    rows = group_runs(results.final_runs).runs
    rows = rows.filter(pc.is_in(rows["id"], pa.array(list(has_seeds), pa.string())))
    layers = []
    for label in dict.fromkeys(rows[CURVE_COLUMN].to_pylist()):
        runs = rows.filter(pc.field(CURVE_COLUMN) == label)
        layers.append(SingleLayer.from_runs(label, runs, has_seeds=has_seeds[runs["id"][0].as_py()]))
    return tuple(layers)


def _decide(dataset: LoadedDataset, *, single_layers: tuple[SingleLayer, ...]) -> TrainingSetSeparability:
    from analysis.separability import ClassSeparability, TrainingSetSeparability
    from scaling.fit.separability import decide_separability

    labels = dataset.train.labels[dataset.train_index].astype(np.int64)
    images = dataset.train.images[dataset.train_index].reshape(len(labels), -1) / 255
    present = np.unique(labels)
    if len(present) < 2:
        raise UsageError(
            f"{dataset.info.title}: the training images have one class; give a larger dataset.train_images"
        )
    return TrainingSetSeparability(
        dataset_title=dataset.info.title,
        train_images=len(labels),
        classes=tuple(
            ClassSeparability(
                label=dataset.info.label(int(label)),
                images=int((labels == label).sum()),
                separability=decide_separability(images, (labels == label).astype(np.int64)),
            )
            for label in present
        ),
        all_classes=decide_separability(images, labels),
        single_layers=single_layers,
    )
