"""Cells without a study file. No image is read."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from scaling.architectures import AnyArchitecture, Lenet5
from scaling.config import Cell, CellRun, Recipe
from scaling.datasets import Mnist
from scaling.datasets.mnist import MNIST_INFO


def cell(architecture: AnyArchitecture | int = 6, **recipe: Any) -> Cell:
    """Return a cell on MNIST; a number stands for a LeNet with this number of filters."""
    network = Lenet5(filters=architecture) if isinstance(architecture, int) else architecture
    return Cell(
        dataset=Mnist(),
        info=MNIST_INFO,
        architecture=network,
        recipe=Recipe(**recipe),
        setting_paths={"filters": "architectures[0].filters"},
    )


def distinct_runs(cells: list[Cell], seeds: int) -> st.SearchStrategy[list[CellRun]]:
    """Strategy for distinct runs of some cells, each with its cell."""
    # The runs are made outside of the strategy, because beartype draws from the module `random`.
    runs = {
        (index, seed): CellRun(cell, cell.run(seed))
        for index, cell in enumerate(cells)
        for seed in range(seeds)
    }
    return st.lists(st.sampled_from(sorted(runs)), max_size=30, unique=True).map(
        lambda keys: [runs[key] for key in keys]
    )
