"""A run's id is the hash of what its numbers depend on, and of nothing else."""

from __future__ import annotations

import json
import re
from hashlib import sha256
from random import Random
from typing import Annotated, Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from scaling.architectures import Lenet5, Tree3
from scaling.config import Data, Recipe, Run, flatten_settings, load_study
from scaling.config.cell_index import SEED_AND_ORDER
from scaling.config.recipe import (
    Adam,
    AdamW,
    Affine,
    Augmentation,
    Constant,
    Cosine,
    OneCycle,
    Piecewise,
    Sgd,
    Step,
)
from scaling.settings import FROM_IDENTITY, ConfigModel, IdentityDefault, NotInIdentity
from tests.config.identity_settings import nested_models

DATA = Data(type="mnist", fingerprint="f" * 64)
RUN = Run(data=DATA, architecture=Lenet5(filters=6), recipe=Recipe(), seed=11, order=1)
CANONICAL = (
    '{"architecture":{"filters":6,"second_filters":16,"type":"lenet5"},'
    f'"data":{{"fingerprint":"{"f" * 64}","type":"mnist"}},"order":1,'
    '"recipe":{"batch_size":100,"epochs":8,"learning_rate":0.05,'
    '"optimizer":{"momentum":0.9,"nesterov":true,"type":"sgd"},'
    '"precision":"bf16","schedule":{"type":"one_cycle","warmup":0.3}},"seed":11,"training_version":2}'
)

SEED_NAMES = {"seed", "order"}

whole = st.integers(0, 2**53 - 1)
share = st.just(0.0) | st.floats(1e-12, 1, exclude_max=True)
positive = st.floats(1e-12, 1e6)
betas: dict[str, Any] = {"beta1": share, "beta2": share, "epsilon": positive}
schedules = (
    st.builds(Constant)
    | st.builds(Cosine)
    | st.builds(OneCycle, warmup=st.floats(0.1, 0.9))
    | st.builds(Step, every=st.integers(1, 9), factor=st.floats(0.1, 1))
    | st.dictionaries(st.integers(1, 20), st.floats(0.01, 1), min_size=1, max_size=4).map(
        lambda factors: Piecewise(epochs=tuple(sorted(factors)), factors=tuple(factors.values()))
    )
)
recipes = st.builds(
    Recipe,
    optimizer=st.builds(Sgd, momentum=st.floats(0.1, 0.9), nesterov=st.booleans())
    | st.builds(Adam, **betas)
    | st.builds(AdamW, **betas),
    learning_rate=positive,
    weight_decay=share,
    schedule=schedules,
    epochs=st.integers(1, 1000),
    loss=st.sampled_from(["cross_entropy", "mse"]),
    precision=st.sampled_from(["fp32", "bf16"]),
    augmentation=st.builds(
        Augmentation,
        crop=st.integers(0, 4),
        flip=st.booleans(),
        shift=st.integers(0, 4),
        affine=st.builds(
            Affine, translation=share.map(lambda x: 5 * x), scale=share, squeeze=share, shear=share
        ),
    ),
    targets=st.sampled_from([(0.0, 1.0), (-1.0, 1.0)]),
    input_range=st.sampled_from([None, (0.0, 1.0), (-0.1, 1.175)]),
)
networks = (
    st.builds(
        Lenet5,
        filters=st.integers(1, 500),
        ratio=st.floats(0.1, 9),
        hidden=st.lists(st.integers(1, 99), max_size=3).map(tuple),
    )
    | st.builds(
        Lenet5,
        filters=st.integers(1, 500),
        convolutions=st.just(1),
        pooling=st.sampled_from(["max", "average"]),
    )
    | st.builds(
        Tree3,
        filters=st.integers(1, 500),
        branches=st.integers(1, 99),
        rows=st.integers(1, 9),
        biases=st.booleans(),
    )
)
datas = st.builds(
    Data,
    type=st.text("abcdefghijklmnopqrstuvwxyz0123456789_", min_size=1),
    fingerprint=st.text("0123456789abcdef", min_size=1),
    labels=st.none() | st.integers(2, 256),
    labels_draw=whole,
    train_images=st.none() | st.integers(1, 10**9),
    validation=whole,
)
runs = st.builds(Run, data=datas, architecture=networks, recipe=recipes, seed=whole, order=whole)


def test_id_is_the_hash_of_canonical_json():
    assert RUN.config_json == CANONICAL
    assert RUN.id == sha256(CANONICAL.encode()).hexdigest()[:20]


@given(runs, st.randoms(), whole, whole)
def test_run_is_parsed_from_its_identity_with_keys_in_any_order(run, random, seed, order):
    """Three statements about one run, because most of the time goes into drawing it."""
    again = Run.from_json(run.config_json)
    assert again == run
    assert (again.id, again.config_json, flatten_settings(again)) == (
        run.id,
        run.config_json,
        flatten_settings(run),
    )
    assert hash(again) == hash(run)
    check_order_of_keys(run, random)
    check_identity_without_seed_and_order(run, run.model_copy(update={"seed": seed, "order": order}))


def check_order_of_keys(run: Run, random: Random) -> None:
    """Check that the order of the keys in an identity does not matter."""

    def shuffled(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {name: shuffled(value[name]) for name in random.sample(sorted(value), len(value))}

    identity = shuffled(json.loads(run.config_json))
    assert rfc8785.dumps(identity).decode() == run.config_json
    assert Run.from_json(json.dumps(identity)).id == run.id


def check_identity_without_seed_and_order(run: Run, other: Run) -> None:
    """Check that two runs of a cell have one identity without seed and order."""
    assert re.sub(SEED_AND_ORDER, "", run.config_json) == re.sub(SEED_AND_ORDER, "", other.config_json)
    assert json.loads(re.sub(SEED_AND_ORDER, "", run.config_json)) == {
        name: value for name, value in json.loads(run.config_json).items() if name not in SEED_NAMES
    }


@pytest.mark.parametrize(
    "changed",
    [
        {"data": DATA.model_copy(update={"train_images": 1000})},
        {"data": DATA.model_copy(update={"validation": 1000})},
        {"data": DATA.model_copy(update={"labels": 5})},
        {"data": DATA.model_copy(update={"labels": 5, "labels_draw": 1})},
        {"data": DATA.model_copy(update={"fingerprint": "e" * 64})},
        {"architecture": Lenet5(filters=6, second_filters=15)},
        {"architecture": Lenet5(filters=6, hidden=(84, 120))},
        {"architecture": Tree3(filters=6)},
        {"recipe": Recipe(learning_rate=0.05000000000000001)},
        {"recipe": Recipe(weight_decay=1e-12)},
        {"recipe": Recipe(optimizer=Adam())},
        {"recipe": Recipe(augmentation=Augmentation(flip=True))},
        {"recipe": Recipe(augmentation=Augmentation(affine=Affine(shear=0.1)))},
        {"recipe": Recipe(input_range=(0.0, 1.0))},
        {"recipe": Recipe(loss="mse", targets=(-1.0, 1.0))},
        {"recipe": Recipe(schedule=Piecewise(epochs=(2,), factors=(0.5,)))},
        {"seed": 12},
        {"order": 0},
        {"training_version": 3},
    ],
    ids=lambda changed: "-".join(changed),
)
def test_changed_setting_changes_the_id(changed):
    assert RUN.model_copy(update=changed).id != RUN.id


def test_adam_and_adamw_with_equal_settings_have_different_ids():
    one, other = (RUN.model_copy(update={"recipe": Recipe(optimizer=rule)}).id for rule in (Adam(), AdamW()))
    assert one != other


def test_ratio_and_its_second_filters_are_the_same_run():
    ratio, written, default = (
        RUN.model_copy(update={"architecture": Lenet5(filters=6, **settings)})
        for settings in ({"ratio": 2.6}, {"second_filters": 16}, {})
    )
    assert ratio.id == written.id == default.id
    assert ratio == written == default
    assert not any("ratio" in name for name in flatten_settings(ratio))


def test_added_setting_with_its_identity_default_changes_no_id():
    class LaterNetwork(Lenet5):
        dropout: Annotated[float, IdentityDefault(0.0)] = 0.0

    class LaterRecipe(Recipe):
        clip: Annotated[float | None, IdentityDefault(None)] = 1.0
        """Its default has changed since; its identity default has not."""

    class LaterRun(Run):
        architecture: LaterNetwork
        recipe: LaterRecipe

    def later(**recipe: Any) -> LaterRun:
        return LaterRun(
            data=DATA, architecture=LaterNetwork(filters=6), recipe=LaterRecipe(**recipe), seed=11, order=1
        )

    assert later(clip=None).id == RUN.id
    assert later(clip=1.0).id == later().id != RUN.id
    assert LaterRun.from_json(RUN.config_json) == later(clip=None)


def test_omitted_setting_is_its_identity_default_and_not_its_default():
    class Group(ConfigModel):
        inner: Annotated[Augmentation, IdentityDefault(Augmentation(crop=4))] = Augmentation()
        help: Annotated[int, NotInIdentity()] = 3

    assert Group().identity == '{"inner":{}}'
    assert Group(inner=Augmentation(crop=4), help=5).identity == "{}"
    assert Group.model_validate({}, context=FROM_IDENTITY).inner.crop == 4
    assert Group.model_validate({}).inner.crop == 0
    assert Group(help=1) == Group(help=2)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_no_setting_accepts_a_number_that_json_cannot_represent(number):
    real = [
        (group, name)
        for group in nested_models(Run)
        for name, field in group.model_fields.items()
        if field.annotation is float
    ]
    assert len(real) >= 10
    for group, name in real:
        with pytest.raises(ValidationError) as refused:
            group.model_validate({name: number})
        assert "finite_number" in [
            problem["type"] for problem in refused.value.errors() if problem["loc"] == (name,)
        ]


@pytest.mark.parametrize("setting", ["seed", "order"])
def test_seeds_are_integers_that_json_represents_exactly(setting):
    largest = RUN.model_copy(update={setting: 2**53 - 1})
    assert Run.from_json(largest.config_json) == largest
    with pytest.raises(ValidationError):
        RUN.model_copy(update={setting: 2**53})


@given(st.lists(runs, min_size=2, max_size=4), whole)
def test_runs_that_share_models_have_the_ids_of_runs_that_do_not(mixed, seed):
    """Each model caches its canonical text, so a run's text is built from cached texts of other runs.

    Ids of the drawn runs are equal exactly if the runs are.
    """
    assert (mixed[0].id == mixed[-1].id) == (mixed[0] == mixed[-1])
    data, network, recipe = (
        getattr(run, name)
        for run, name in zip(mixed[:1] * 2 + mixed[-1:], ("data", "architecture", "recipe"), strict=True)
    )
    shared = Run(data=data, architecture=network, recipe=recipe, seed=seed, order=seed // 8)
    alone = Run.from_json(json.dumps(json.loads(shared.config_json)))
    assert shared.config_json == alone.config_json == rfc8785.dumps(json.loads(shared.config_json)).decode()


def test_no_other_setting_is_named_seed_or_order():
    assert set(Run.setting_names()) >= SEED_NAMES
    assert not [
        group for group in nested_models(Run) if group is not Run and SEED_NAMES & set(group.setting_names())
    ]


def test_copy_has_its_own_id():
    """The id is cached; a copy with another seed must not inherit it."""
    assert RUN.id
    other = RUN.model_copy(update={"seed": 12})
    assert (
        other.id
        == Run(data=DATA, architecture=Lenet5(filters=6), recipe=Recipe(), seed=12, order=1).id
        != RUN.id
    )


def test_flattened_settings_include_defaults():
    settings = flatten_settings(RUN)
    assert settings["recipe.augmentation.crop"] == 0
    assert settings["architecture.hidden"] == [120, 84]
    assert settings["data.train_images"] is None
    assert set(settings) >= {
        "seed",
        "order",
        "training_version",
        "recipe.optimizer.type",
        "architecture.second_filters",
    }


def test_naming_all_training_images_changes_no_id(tmp_path):
    study = (
        "study: s\ndataset: {type: mnist5k, train_images: [1000, 4000]}\n"
        "architectures: [{type: lenet5, filters: 1}]\n"
    )
    (tmp_path / "counted.yaml").write_text(study)
    (tmp_path / "all.yaml").write_text(study.replace(", train_images: [1000, 4000]", ""))
    fewer, counted = (cell.run(0).id for cell in load_study(tmp_path / "counted.yaml", data=tmp_path).cells)
    (every,) = (cell.run(0).id for cell in load_study(tmp_path / "all.yaml", data=tmp_path).cells)
    assert counted == every != fewer
