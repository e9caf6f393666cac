"""Fit of a classifier to all training images at once, in place of training in epochs.

Its row in the store has one epoch. The loss is the fraction of wrong images, because the scores of the
classifiers have no loss in common. Their weights are not kept.
"""

from __future__ import annotations

from time import monotonic

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray

from scaling.data import LoadedDataset
from scaling.data.normalise import PixelMoments, normalise_images
from scaling.datasets import Split
from scaling.models import FittedClassifier, build_classifier
from scaling.plan import Pack
from scaling.train.epoch_metrics import EpochMetrics
from scaling.train.pack_result import PackResult


def fit(pack: Pack, dataset: LoadedDataset) -> PackResult:
    """Fit the classifier of a pack, on one thread of the CPU.

    Args:
        pack: pack with one replica, whose architecture has a ``fit_profile``.
        dataset: data set of ``pack.cell``.

    Raises:
        UsageError: a package is missing, or the fit does not converge.
    """
    start = monotonic()
    classifier = build_classifier(pack.cell.architecture, pack.cell.info.image)
    moments = PixelMoments.of_input(dataset, pack.cell.recipe.input_range)
    train = _Images(dataset.train, dataset.train_index, moments)
    classifier.fit(train.inputs, train.labels)
    test = _Images(dataset.test, None, moments)
    logits = _stored_scores(classifier, test)
    test_accuracy = _accuracy(logits, test)
    train_accuracy = _accuracy(_stored_scores(classifier, train), train)
    val_accuracy = None
    if len(dataset.validation_index):
        validation = _Images(dataset.train, dataset.validation_index, moments)
        val_accuracy = _accuracy(_stored_scores(classifier, validation), validation)
    wall_s = monotonic() - start
    metrics = EpochMetrics(
        number=1,
        train_loss=1 - train_accuracy,
        train_accuracy=train_accuracy,
        val_loss=None if val_accuracy is None else 1 - val_accuracy,
        val_accuracy=val_accuracy,
        test_loss=1 - test_accuracy,
        test_accuracy=test_accuracy,
        zero_gradients=None,
        lr_factor=1.0,
        wall_s=wall_s,
    )
    return PackResult(
        pack=pack,
        history=[metrics],
        logits=logits[None],
        diverged=np.zeros(1, np.bool_),
        weights=[{}],
        wall_s=wall_s,
        images_per_s=len(train.labels) / wall_s,
        device="cpu",
        threads=1,
        fitted_layers=classifier.layer_table(),
    )


class _Images:
    """Images as inputs of a classifier, in the order of the split.

    Args:
        split: images and labels.
        index: indices of the images in use; None for all.
        moments: constants of the normalisation.
    """

    def __init__(self, split: Split, index: NDArray[np.int64] | None, moments: PixelMoments) -> None:
        used = slice(None) if index is None else index
        self.labels = np.array(split.labels[used])
        images = normalise_images(split.images[used], moments)
        self.inputs: Float[np.ndarray, "images pixels"] = images.flatten(1).double().numpy()


def _stored_scores(classifier: FittedClassifier, images: _Images) -> NDArray[np.float16]:
    """Return scores less the highest one of their image, as they are stored.

    The highest score becomes 0, near which float16 is finest: the predicted class stays the same unless two
    scores differ by less than 1e-7.
    """
    scores = classifier.scores(images.inputs)
    below_highest = scores - scores.max(axis=1, keepdims=True)
    return np.asarray(np.maximum(below_highest, np.finfo(np.float16).min), np.float16)


def _accuracy(scores: NDArray[np.float16], images: _Images) -> torch.Tensor:
    """Return the accuracy of the one replica: float64, [1]."""
    return torch.tensor([np.mean(scores.argmax(axis=1) == images.labels)], dtype=torch.float64)
