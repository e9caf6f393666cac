"""Test images that most runs of a study misclassify, from stored predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scaling.api._results import StudyResults
from scaling.api._workspace import Workspace
from scaling.datasets import AnyDataset
from scaling.errors import DataError, StoreError

if TYPE_CHECKING:
    from analysis.missed_images import MissedImages
    from scaling.store import StoreUnion

_RUNS_PER_READ = 256
"""Number of runs whose predictions are in memory at once."""


def find_missed_images(results: StudyResults, workspace: Workspace) -> MissedImages | str:
    """Return the test images that more than half of the runs of a study misclassify.

    Args:
        results: the stored runs of the study.
        workspace: stores and folders. The data set must be on this machine; nothing is downloaded.

    Returns:
        The images; a sentence about what is missing if they cannot be given.
    """
    from analysis import missed_images
    from scaling.data import load

    runs = results.final_runs
    fingerprints = set(runs["fingerprint"].to_pylist())
    if len(fingerprints) > 1:
        return f"No contact sheet of missed test images: the runs have {len(fingerprints)} test sets."
    stores, ids = workspace.stores(), [row["id"] for row in runs.to_pylist() if not row["diverged"]]
    with_predictions = stores.ids_with_table("predictions")
    known = [run_id for run_id in ids if run_id in with_predictions]
    if not known:
        return "No contact sheet of missed test images: the store has no predictions of these runs."
    try:
        loaded = load(_find_dataset(results, *fingerprints), folder=workspace.data, download=False)
        votes = _count_votes(known, stores)
    except (DataError, StoreError) as error:
        return f"No contact sheet of missed test images: {error.problem}."
    if loaded.info.image.side == 1:
        return "No contact sheet of missed test images: the inputs are features and no images."
    names = loaded.info.label_names
    images = tuple(
        replace(image, label=loaded.info.label(image.label), wrong_label=loaded.info.label(image.wrong_label))
        for image in missed_images.find_missed_images(votes, loaded.test.labels)
    )
    shown = [image.index for image in images[: missed_images.MAX_IMAGES]]
    return missed_images.MissedImages(
        images=images,
        pixels=loaded.test.images[shown],
        runs=len(known),
        runs_without=len(ids) - len(known),
        test_images=len(loaded.test),
        dataset_title=loaded.info.title,
        label_names=dict(zip(map(loaded.info.label, range(len(names))), names, strict=True)),
    )


def _find_dataset(results: StudyResults, fingerprint: str) -> AnyDataset:
    return next(cell.dataset for cell in results.plan.study.cells if cell.info.fingerprint == fingerprint)


def _count_votes(ids: Sequence[str], stores: StoreUnion) -> NDArray[np.int64]:
    """Return the number of runs that give each class for each image: [images, classes]."""
    counts = []
    for start in range(0, len(ids), _RUNS_PER_READ):
        logits = stores.logits(ids[start : start + _RUNS_PER_READ]).logits
        answers = logits.argmax(axis=2)
        counts.append(np.stack([(answers == label).sum(axis=0) for label in range(logits.shape[2])], axis=1))
    return np.asarray(np.sum(counts, axis=0))
