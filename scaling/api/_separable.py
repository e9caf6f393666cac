"""Linear separability of the training sets of a study."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from scaling.api._workspace import Workspace
from scaling.config import load_study
from scaling.errors import UsageError

if TYPE_CHECKING:
    from analysis.separability import TrainingSetSeparability
    from scaling.data import LoadedDataset


def separable(
    config: Path, workspace: Workspace | None = None, *, overrides: Sequence[str] = ()
) -> list[TrainingSetSeparability]:
    """Decide for each training set of a study whether a single layer can classify all of its images.

    Nothing is trained: a linear program decides, for each class against all others and for all classes.

    Args:
        config: YAML file of the study.
        workspace: folder of the data sets.
        overrides: changed settings, such as ``dataset.train_images=320``.

    Raises:
        ConfigError: the study is invalid.
        DataError: a data set is not on this machine.
        UsageError: a training set has images of one class only.
    """
    from scaling.data import load

    workspace = workspace or Workspace()
    study = load_study(config, data=workspace.data, overrides=overrides)
    datasets = {
        (cell.info.fingerprint, cell.dataset.train_images, cell.dataset.validation): cell.dataset
        for cell in study.cells
    }
    return [_decide(load(dataset, folder=workspace.data, download=False)) for dataset in datasets.values()]


def _decide(dataset: LoadedDataset) -> TrainingSetSeparability:
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
                label=int(label),
                images=int((labels == label).sum()),
                separability=decide_separability(images, (labels == label).astype(np.int64)),
            )
            for label in present
        ),
        all_classes=decide_separability(images, labels),
    )
