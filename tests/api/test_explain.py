"""Differences between the settings of two runs."""

from __future__ import annotations

from scaling.api._explain import Difference, compare_settings
from scaling.architectures import Lenet5, Tree3
from scaling.config import Data, Recipe, Run
from scaling.config.recipe import Adam

DATA = Data(type="mnist", fingerprint="0" * 64)


TREE = Tree3(filters=2)


def run(architecture=TREE, seed: int = 0, **recipe) -> Run:
    return Run(data=DATA, architecture=architecture, recipe=Recipe(**recipe), seed=seed, order=seed // 8)


def test_equal_runs_have_no_differences():
    assert compare_settings(run(), run()) == ()


def test_one_setting_differs():
    assert compare_settings(run(epochs=3), run(epochs=5)) == (
        Difference(setting="recipe.epochs", first=3, second=5),
    )


def test_seeds_of_different_blocks_have_different_orders():
    assert {found.setting for found in compare_settings(run(seed=7), run(seed=8))} == {"seed", "order"}


def test_a_setting_that_one_run_lacks_is_none():
    found = {
        item.setting: (item.first, item.second) for item in compare_settings(run(), run(optimizer=Adam()))
    }
    assert found["recipe.optimizer.type"] == ("sgd", "adam")
    assert found["recipe.optimizer.momentum"] == (0.9, None)
    assert found["recipe.optimizer.beta1"] == (None, 0.9)


def test_differences_are_antisymmetric():
    one, other = run(seed=1), run(Lenet5(filters=3), epochs=2)
    back = {item.setting: item for item in compare_settings(other, one)}
    for item in compare_settings(one, other):
        assert back.pop(item.setting) == Difference(
            setting=item.setting, first=item.second, second=item.first
        )
    assert not back
