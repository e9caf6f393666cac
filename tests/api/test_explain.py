"""Two runs differ in leaves, listed from the first to the second."""

from __future__ import annotations

from scaling.api._explain import Difference, differences
from scaling.architectures import Lenet5, Tree3
from scaling.config import Data, Recipe, Run
from scaling.config.recipe import Adam

DATA = Data(type="mnist", fingerprint="0" * 64)


TREE = Tree3(filters=2)


def run(architecture=TREE, seed: int = 0, **recipe) -> Run:
    return Run(data=DATA, architecture=architecture, recipe=Recipe(**recipe), seed=seed, order=seed // 8)


def test_equal_runs_have_none():
    assert differences(run(), run()) == ()


def test_one_leaf():
    assert differences(run(epochs=3), run(epochs=5)) == (Difference("recipe.epochs", 3, 5),)


def test_a_seed_of_another_block_has_another_order():
    assert {found.leaf for found in differences(run(seed=7), run(seed=8))} == {"seed", "order"}


def test_leaves_of_one_run_only_stand_beside_nothing():
    found = {item.leaf: (item.first, item.second) for item in differences(run(), run(optimizer=Adam()))}
    assert found["recipe.optimizer.type"] == ("sgd", "adam")
    assert found["recipe.optimizer.momentum"] == (0.9, None)
    assert found["recipe.optimizer.beta1"] == (None, 0.9)


def test_the_way_back_is_the_mirror_image():
    one, other = run(seed=1), run(Lenet5(filters=3), epochs=2)
    back = {item.leaf: item for item in differences(other, one)}
    for item in differences(one, other):
        assert back.pop(item.leaf) == Difference(item.leaf, item.second, item.first)
    assert not back
