"""Cells without a file, on images of which nothing is read."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from scaling.architectures import AnyArchitecture, Lenet5
from scaling.config import Cell, Recipe, Run
from scaling.datasets import Mnist
from scaling.datasets.mnist import MNIST_INFO


def cell(architecture: AnyArchitecture | int = 6, **recipe: Any) -> Cell:
    """Of MNIST; a number stands for a LeNet of that width."""
    network = Lenet5(filters=architecture) if isinstance(architecture, int) else architecture
    return Cell(
        dataset=Mnist(),
        info=MNIST_INFO,
        architecture=network,
        recipe=Recipe(**recipe),
        setting_paths={"filters": "architectures[0].filters"},
    )


def chosen(cells: list[Cell], seeds: int) -> st.SearchStrategy[list[tuple[Cell, Run]]]:
    """Some runs of some cells, none twice."""
    places = st.tuples(st.integers(0, len(cells) - 1), st.integers(0, seeds - 1))
    return st.lists(places, max_size=30, unique=True).map(
        lambda drawn: [(cells[i], cells[i].run(seed)) for i, seed in drawn]
    )
