"""Rows that are no replicates: planted ones are named, and honest tables raise no alarm."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from scaling.fit import EstimationOptions, Status, fit_table
from scaling.fit.data.replicates import NonReplicates, find_non_replicates
from scaling.fit.data.roles import is_outcome, is_setting, is_state, may_be_setting, short_name

WIDTHS = (1, 2, 4, 8, 16, 32)
SEEDS = 4


def rows(
    levels: dict[str, list[object]] | None = None,
    *,
    effect: float = 0.3,
    seeds: int = SEEDS,
    noise: float = 0.02,
) -> dict[str, list[object]]:
    """Return columns with a run for each width, seed and level of one column, in which y differs by level."""
    rng = np.random.default_rng(0)
    name, values = next(iter((levels or {"": [0]}).items()))
    columns: dict[str, list[object]] = {"width": [], "seed": [], name: [], "loss": [], "wall_s": []}
    for width in WIDTHS:
        for seed in range(seeds):
            for index, value in enumerate(values):
                mean = width**-0.5 * (1 + effect * index)
                row = (width, seed, value, float(mean * np.exp(noise * rng.standard_normal())), rng.random())
                for column, cell in zip(columns.values(), row, strict=True):
                    column.append(cell)
    return {key: column for key, column in columns.items() if key}


def found(columns: dict[str, list[object]], y: str = "loss") -> tuple[NonReplicates, ...]:
    return find_non_replicates(pa.table(columns), x="width", y=y)


def named(columns: dict[str, list[object]], y: str = "loss") -> list[str]:
    return [problem.columns[0] if problem.columns else "copies" for problem in found(columns, y)]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("lr", [0.01, 0.1]),
        ("bs", [32, 64]),
        ("config/lr", [0.01, 0.1]),
        ("optimizer.learning_rate", [0.01, 0.1]),
        ("params_weight_decay", [0.0, 0.1]),
        ("Learning Rate", [0.01, 0.1]),
        ("batchSize", [32, 64]),
        ("dataset", ["a", "b"]),
        ("corpus", ["a", "b"]),
        ("pretrained", [False, True]),
        ("eta0", [0.1, 0.2, 0.4]),
        ("D", [1e6, 1e7, 1e8]),
    ],
)
@pytest.mark.parametrize("has_seeds", [True, False])
def test_a_column_that_explains_the_differences_of_one_size_is_named(name, values, has_seeds):
    columns = rows({name: values})
    if not has_seeds:
        del columns["seed"]
    (problem,) = found(columns)
    assert problem.columns == (name,)
    assert f"`by` {name}" in problem.note
    assert f"`where` {name}=VALUE" in problem.note


def test_a_second_size_without_replicates_is_named():
    assert named(rows({"D": [1e6, 1e7, 1e8, 1e9]}, seeds=1)) == ["D"]


def test_curves_that_cross_are_named_without_replicates():
    """Four models of one run at each width, whose mean differences over the widths are 0."""
    columns = rows({"model": ["a", "b", "c", "d"]}, effect=0.0, seeds=1)
    columns["loss"] = [
        loss * (width / 6) ** (0.1 * "abcd".index(model))
        for loss, width, model in zip(columns["loss"], columns["width"], columns["model"], strict=True)
    ]
    assert named(columns) == ["model"]


def test_a_setting_that_was_drawn_at_random_is_named():
    columns = rows()
    columns["config/eta"] = list(10 ** np.random.default_rng(1).uniform(-3, -1, len(columns["loss"])))
    assert named(columns) == []  # a name alone is no evidence, as long as the setting explains nothing
    columns["loss"] = [
        loss * (1 + 0.2 * np.log10(lr / 0.01))
        for loss, lr in zip(columns["loss"], columns["config/eta"], strict=True)
    ]
    assert named(columns) == ["config/eta"]


@pytest.mark.parametrize(("name", "is_named"), [("layer_gradients", False), ("layer_settings", True)])
def test_numbers_by_layer_in_one_text_are_outcomes_if_their_name_is_one(name, is_named):
    columns = rows({name: ['{"conv1": 0.5}', '{"conv1": 0.25}']})
    del columns["seed"]
    assert named(columns) == ([name] if is_named else [])


def test_columns_that_vary_together_are_one_problem():
    columns = rows({"dataset": ["a", "b"]})
    columns["data.type"] = columns["dataset"]
    columns["fingerprint"] = [f"hash of {name}" for name in columns["dataset"]]
    (problem,) = found(columns)
    assert set(problem.columns) == {"dataset", "data.type", "fingerprint"}


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        ({"seed"}, "width, seed"),
        ({"trial_id"}, "width, trial_id"),
        ({"run"}, "width, run"),
        (set(), "width"),
    ],
)
@pytest.mark.parametrize("step", ["step", "epoch", "training_iteration", "_step", "trainer/global_step"])
def test_steps_of_one_run_are_named(ids, expected, step):
    columns = rows({step: [1, 2, 3]}, effect=-0.2)
    columns["trial_id"] = [f"{w}_{s}" for w, s in zip(columns["width"], columns["seed"], strict=True)]
    columns["run"] = columns["seed"]
    (problem,) = found(
        {name: column for name, column in columns.items() if name not in {"seed", "trial_id", "run"} - ids}
    )
    assert problem.columns == (step,)
    assert f"Rows with equal {expected} differ in {step}" in problem.note
    assert f"`last_of` {step}" in problem.note


def test_a_step_at_which_a_run_ended_is_no_step_of_it():
    columns = rows()
    columns["epoch"] = list(np.random.default_rng(0).integers(20, 40, len(columns["loss"])))
    assert named(columns) == []
    del columns["seed"]
    assert named(columns) == []


def test_a_repeated_trial_and_a_repeated_seed_are_named():
    columns = rows()
    columns["trial_id"] = list(columns["width"])
    assert named(columns) == ["trial_id"]
    columns = rows()
    columns["seed"] = [seed // 2 for seed in columns["seed"]]
    (problem,) = found(columns)
    assert problem.columns == ("seed",)
    assert "12 of 24 rows repeat the width and the seed" in problem.note


@pytest.mark.parametrize("copies", [2, 8])
@pytest.mark.parametrize("names", [("width", "seed", "loss", "wall_s"), ("width", "loss")])
def test_copies_of_rows_are_found(copies, names):
    columns = {name: column * copies for name, column in rows().items() if name in names}
    problems = found(columns)
    assert problems[0].columns == ()
    assert f"{24 * (copies - 1)} of {24 * copies} rows are equal to another row" in problems[0].note


@pytest.mark.parametrize("copies", [2, 8])
def test_copies_of_one_run_of_each_size_are_found(copies):
    columns = {name: column * copies for name, column in rows(seeds=1).items() if name in ("width", "loss")}
    (problem,) = found(columns)
    assert problem.columns == ()
    assert f"{6 * (copies - 1)} of {6 * copies} rows are equal to another row" in problem.note


def test_equal_small_counts_at_every_size_are_no_copies():
    columns = {"width": [1, 1, 2, 2, 4, 4], "error": [0.003, 0.003, 0.002, 0.002, 0.001, 0.001]}
    assert named(columns, "error") == []


def test_a_repeated_seed_names_the_column_in_which_the_runs_differ():
    (problem,) = found(rows({"variant": ["a", "b"]}, effect=0.0))
    assert problem.columns == ("seed",)
    assert (
        "24 of 48 rows repeat the width and the seed of another row, and differ in variant." in problem.note
    )
    assert "variant" in str(problem.note.hints)


def test_equal_counts_of_few_images_are_no_copies():
    rng = np.random.default_rng(0)
    for _ in range(50):
        widths = np.repeat(WIDTHS, 8)
        columns = {"width": widths.tolist(), "error": (rng.binomial(200, 0.4 * widths**-0.5) / 200).tolist()}
        assert named(columns, "error") == []


def honest_table(rng: np.random.Generator, *, widths: tuple[int, ...], seeds: int, scatter: str) -> pa.Table:
    """Return replicates with columns that trackers add: outcomes, hosts, dates, an index of replicates."""
    width = np.repeat(widths, seeds).astype(float)
    mean, n = 0.5 * width**-0.4, len(width)
    factor = {
        "normal": 1 + 0.05 * rng.standard_normal(n),
        "heavy tails": np.exp(0.03 * np.clip(rng.standard_t(3, n), -20, 20)),
        "counts": rng.binomial(1000, mean) / 1000 / mean,
    }[scatter]
    loss = mean * factor
    columns = {
        "width": width,
        "loss": loss,
        "wall_s": width + rng.exponential(1, n),
        "train_loss": loss * rng.uniform(0.7, 0.9, n),
        "accuracy": np.round(1 - loss, 3),
        "quality": np.round(1 - loss, 2),
        "wrong": np.round(1000 * loss),
        "predicted": mean,
        "epoch": rng.integers(20, 40, n),
        "host": rng.choice(["a", "b"], n),
        "gpu_index": rng.integers(0, 4, n),
        "stopped_early": rng.random(n) < 0.5,
        "created": [f"2025-01-01 {second}" for second in range(n)],
        "member": np.tile(np.arange(seeds), len(widths)),
    }
    return pa.table(columns)


@pytest.mark.parametrize("has_seeds", [True, False])
@pytest.mark.parametrize(
    ("scatter", "widths", "seeds"),
    [("normal", WIDTHS, 2), ("heavy tails", WIDTHS, 4), ("counts", WIDTHS[:4], 8)],
)
def test_honest_tables_raise_few_alarms(scatter, widths, seeds, has_seeds):
    """The levels promise alarms in at most 1.1 % of tables; four standard errors are 4.2 % of 100 tables."""
    rng = np.random.default_rng(0)
    alarms = 0
    for _ in range(100):
        table = honest_table(rng, widths=widths, seeds=seeds, scatter=scatter)
        if has_seeds:
            table = table.append_column("seed", table["member"]).drop_columns("member")
        alarms += bool(find_non_replicates(table, x="width", y="loss"))
    assert alarms <= 100 * (0.011 + 0.042)


def test_no_law_of_such_rows_is_usable_and_the_note_names_the_column():
    options = EstimationOptions(resamplings=50)
    (honest,) = fit_table(pa.table(rows()), options, x="width", y="loss", by=())
    assert "replicates" not in honest.laws["power"].reason
    (fitted,) = fit_table(pa.table(rows({"eta": [0.1, 1.0]})), options, x="width", y="loss", by=())
    assert {law.status for law in (*fitted.laws.values(), *fitted.robust.values())} <= {
        Status.CAUTION,
        Status.REJECTED,
    }
    assert (
        "the means are over rows that differ in eta, which are no replicates" in fitted.laws["power"].reason
    )
    assert any(note.startswith("Runs of one width differ in eta, which explains") for note in fitted.notes)
    separate = fit_table(pa.table(rows({"eta": [0.1, 1.0]})), options, x="width", y="loss", by=("eta",))
    assert not any("replicates" in fit.laws["power"].reason for fit in separate)


def test_settings_of_a_tidy_table_have_the_role_of_their_last_name():
    for name in ("recipe_optimizer_momentum", "recipe_schedule_warmup", "architecture_activation"):
        assert is_setting(name), name
    for name in ("recipe_augmentation_affine_shear", "recipe_loss", "architecture_hidden"):
        assert may_be_setting(name), name
    assert short_name("recipe_optimizer_type") == "optimizer_type"


def test_names_of_many_tools_have_one_role():
    for name in ("lr", "config/lr", "params_lr", "optimizer.lr", "Learning Rate", "learningRate", "hp_lr"):
        assert is_setting(name), name
    for name in ("val_loss", "time_this_iter_s", "trainAccuracy", "Runtime", "images_per_s", "test/error"):
        assert is_outcome(name), name
        assert not is_setting(name), name
    assert may_be_setting("config/anything")
    assert not may_be_setting("anything")
    assert is_state("State")
    assert short_name("trainer/globalStep") == "global_step"
