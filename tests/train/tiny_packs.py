"""Packs that train in a fraction of a second, on a data set whose classes are easy to tell apart."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from scaling.architectures import AnyArchitecture, Lenet5, Tree3, Vgg
from scaling.config import Cell, Recipe
from scaling.data import LoadedDataset, load
from scaling.datasets import Synthetic
from scaling.plan import Pack
from scaling.plan.packs import pack_size

NOWHERE = Path("nowhere")
"""A data folder; a synthetic set needs none."""
SET = Synthetic(size=400, test_size=200, side=16, noise=0.3)
TREE = Tree3(filters=2, branches=4)
LENET = Lenet5(filters=6, second_filters=12, hidden=(48,))
VGG = Vgg(filters=2, depth=6)
ALL = {"lenet5": LENET, "tree3": TREE, "vgg": VGG}
RATES = {"lenet5": 0.02, "tree3": 0.3, "vgg": 0.1}
SETS = {"vgg": SET.model_copy(update={"side": 28})}
"""Data set for networks that cannot process the usual images."""
SEEDS = tuple(range(8))


def few_images(architecture: AnyArchitecture) -> Synthetic:
    """Return a set for few steps an epoch: enough where bits are compared and nothing has to be learned."""
    sizes = {"size": 50, "test_size": 20} if architecture.type == "vgg" else {"size": 100, "test_size": 50}
    return SETS.get(architecture.type, SET).model_copy(update=sizes)


@cache
def loaded_dataset(dataset: Synthetic = SET) -> LoadedDataset:
    return load(dataset, folder=NOWHERE)


def cell(architecture: AnyArchitecture = LENET, dataset: Synthetic | None = None, **recipe: Any) -> Cell:
    """Return a cell; by default with three epochs of sixteen steps, in fp32."""
    dataset = dataset or SETS.get(architecture.type, SET)
    settings = {
        "epochs": 3,
        "batch_size": 25,
        "learning_rate": RATES.get(architecture.type),
        "precision": "fp32",
    } | recipe
    return Cell(
        dataset=dataset, info=dataset.info(NOWHERE), architecture=architecture, recipe=Recipe(**settings)
    )


def pack(*cells: Cell, seeds: Iterable[int] = SEEDS) -> Pack:
    """Return one pack whose runs alternate between cells with unequal learning rates and weight decays."""
    return Pack(
        cells[0],
        tuple(cells[i % len(cells)].run(seed) for i, seed in enumerate(seeds)),
        pack_size(cells[0].layer_table()),
    )
