"""Cells without a study file. No image is read."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from scaling.architectures import AnyArchitecture, Lenet5
from scaling.config import Cell, Recipe, Run
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


def distinct_runs(cells: list[Cell], seeds: int) -> st.SearchStrategy[list[tuple[Cell, Run]]]:
    """Strategy for distinct runs of some cells, each with its cell."""
    pairs = st.tuples(st.integers(0, len(cells) - 1), st.integers(0, seeds - 1))
    return st.lists(pairs, max_size=30, unique=True).map(
        lambda indices: [(cells[index], cells[index].run(seed)) for index, seed in indices]
    )
