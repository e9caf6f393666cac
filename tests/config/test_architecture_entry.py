"""Entries that give a cost: the nearest numbers of filters, compared with an exhaustive search."""

from __future__ import annotations

from math import log
from pathlib import Path

import pytest

from scaling.architectures import Lenet5, Tree3
from scaling.config import load_study
from scaling.errors import ConfigError
from scaling.settings import ImageShape

CIFAR = ImageShape(3, 32, 10)


def cells(tmp_path, *entries: str, dataset: str = "cifar10"):
    file = tmp_path / "study.yaml"
    file.write_text(f"study: x\ndataset: {{type: {dataset}}}\narchitectures: [{', '.join(entries)}]\n")
    return load_study(file, data=tmp_path).cells


def pairs(tmp_path, entry: str) -> list[tuple[int, int]]:
    return [(cell.architecture.filters, cell.architecture.second_filters) for cell in cells(tmp_path, entry)]


@pytest.mark.parametrize(
    ("cost", "target"), [("macs", 651_720), ("macs", 5_454_120), ("parameters", 62_006), ("macs", 100_000)]
)
@pytest.mark.parametrize("ratio", [0.05, 0.5, 1, 2.8, 10, 200])
def test_pairs_equal_those_of_an_exhaustive_search(tmp_path, cost, target, ratio):
    def distance(d1: int, d2: int) -> float:
        return abs(getattr(Lenet5(filters=d1, second_filters=d2).layer_table(CIFAR), cost) - target)

    (pair,) = pairs(tmp_path, f"{{type: lenet5, {cost}: {target}, ratio: {ratio}}}")
    near = []
    for d1 in range(1, 400):
        if getattr(Lenet5(filters=d1, second_filters=1).layer_table(CIFAR), cost) > target:
            break
        # The cost is linear in d2.
        start, step = (
            getattr(Lenet5(filters=d1, second_filters=d2).layer_table(CIFAR), cost) for d2 in (1, 2)
        )
        guess = max(1, round(1 + (target - start) / (step - start)))
        near.append((d1, min(range(max(1, guess - 2), guess + 3), key=lambda d2, d1=d1: distance(d1, d2))))
    assert pair == min(near, key=lambda pair: abs(log(pair[1] / pair[0] / ratio)))


def test_the_1998_network_has_its_own_cost_and_the_published_ratio(tmp_path):
    assert pairs(tmp_path, "{type: lenet5, macs: 651720}") == [(6, 16)]
    assert pairs(tmp_path, "{type: lenet5, macs: 258596520}") == [(192, 512)]


def test_second_filters_follow_from_given_filters(tmp_path):
    grid = "{type: lenet5, macs: 651720, filters: [2, 3, 4, 5, 6, 7, 8, 9]}"
    assert pairs(tmp_path, grid) == [(2, 65), (3, 44), (4, 31), (5, 22), (6, 16), (7, 11), (8, 7), (9, 4)]
    assert pairs(tmp_path, "{type: lenet5, macs: 651720, second_filters: [4, 16]}") == [(9, 4), (6, 16)]


def test_every_architecture_accepts_a_cost_and_images_matter(tmp_path):
    (tree,) = cells(tmp_path, "{type: tree3, parameters: 60258}")
    assert tree.architecture == Tree3(filters=6)
    (vgg,) = cells(tmp_path, "{type: vgg, depth: 16, parameters: 14728266}")
    assert vgg.architecture.filters == 64
    (single,) = cells(tmp_path, "{type: lenet5, convolutions: 1, macs: 1000000}")
    assert single.architecture.second_filters == 0
    grey, colour = (
        pairs_of[0]
        for pairs_of in (
            cells(tmp_path, "{type: lenet5, macs: 651720}", dataset=d) for d in ("mnist", "cifar10")
        )
    )
    assert grey.architecture != colour.architecture


def test_ids_include_filters_and_neither_ratio_nor_cost(tmp_path):
    by_cost, plain = cells(
        tmp_path, "{type: lenet5, macs: 651720, ratio: 2.8}", "{type: lenet5, filters: 6, second_filters: 16}"
    )
    assert by_cost.run(3).id == plain.run(3).id
    assert by_cost.entry == {"type": "lenet5", "filters": 6, "second_filters": 16}
    assert by_cost.architecture.macs == 651_720
    assert plain.architecture.macs is None
    assert by_cost.with_filters(12).architecture.macs is None


def test_ratio_study_has_the_expected_pairs(tmp_path):
    study = load_study(Path(__file__).parents[2] / "configs" / "ratio.yaml", data=tmp_path)
    numbers = [(cell.architecture.filters, cell.architecture.second_filters) for cell in study.cells]
    assert numbers == [(9, 4), (8, 7), (7, 11), (6, 16), (5, 22), (4, 31), (3, 44), (2, 65)]
    assert all(abs(cell.layer_table().macs / 651_720 - 1) < 0.015 for cell in study.cells)


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (
            "{type: lenet5, macs: 1000}",
            "macs: expected at least 75,220, the macs of the narrowest such network, got 1,000",
        ),
        ("{type: lenet5, macs: [651720, 1.5]}", "macs[1]: expected an integer, got 1.5"),
        ("{type: lenet5, macs: 651720, parameters: 62006}", "parameters: give macs or parameters, not both"),
        ("{type: tree3, macs: 651720, filters: [3]}", "macs: give filters or macs, not both"),
        (
            "{type: lenet5, macs: 651720, filters: 6, ratio: 2}",
            "macs: follows from filters and ratio; leave one of the three out",
        ),
        (
            "{type: lenet5, macs: 651720, filters: 30}",
            "macs: expected at least 1,852,920, the macs of the narrowest such network, got 651,720",
        ),
        (
            "{type: lenet5, macs: 651720, ratio: 2, second_filters: 6}",
            "give ratio or second_filters, not both",
        ),
        (
            "{type: lenet5, macs: 651720, ratio: [2, 1.6]}",
            "ratio[1]: gives the same network as architectures[0].ratio[0], the nearest of this cost; "
            "remove one of them",
        ),
        ("{type: lenet5, macs: null}", "filters: is missing"),
    ],
)
def test_impossible_entry_is_named(tmp_path, entry, problem):
    with pytest.raises(ConfigError) as error:
        cells(tmp_path, entry)
    (line,) = error.value.problems
    assert line.removeprefix("architectures[0].").removeprefix("architectures[0]: ") == problem
