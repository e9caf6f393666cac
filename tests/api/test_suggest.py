"""What to train next, of a study in a store: what is proposed, what it costs, and a patch that loads."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scaling import api
from scaling.config import load_study
from scaling.errors import FitError, UsageError
from scaling.plan.packs import make_packs
from scaling.plan.time_estimate import pack_seconds
from tests.api.simulated_training import STUDY, TWO


@pytest.fixture
def suggest(training, workspace):
    """Trains a study as it is written and suggests."""

    def ask(
        config, target: float = 0.02, of: str = "prediction@2x", budget_s: float = float("inf"), overrides=()
    ) -> api.Suggestion:
        api.run(config, workspace, overrides=overrides, in_process=True)
        return api.suggest(
            config,
            api.Target(half_width=target, quantity=of, budget_s=budget_s),
            workspace,
            overrides=overrides,
        )

    return ask


def patched(config, made: api.Suggestion, workspace):
    """The study with its architectures replaced by the patch, read from its file."""
    text, head = config.read_text(), config.with_name("patched.yaml")
    before, _, after = text.partition("architectures:\n")
    head.write_text(before + made.patch + after[after.index("\nrecipe:") + 1 :])
    return load_study(head, data=workspace.data)


@pytest.mark.parametrize("text", [STUDY, TWO], ids=["one curve", "two curves"])
@pytest.mark.parametrize("of", ["prediction@2x", "exponent", "floor"])
def test_the_patch_is_the_study_with_exactly_what_is_proposed(suggest, study, workspace, text, of):
    config = study(text)
    made = suggest(config, 0.03, of)
    written = {run.id for _, run in made.plan.wanted}
    grown = {run.id for _, run in patched(config, made, workspace).runs()}
    proposed = {
        cell.run(seed).id for curve in made.curves for cell in curve.cells for seed in range(cell.seeds)
    }
    assert grown == proposed
    assert grown > written


def test_what_is_proposed_costs_what_its_packs_cost(suggest, study, workspace):
    config = study()
    made = suggest(config, 0.02)
    new = [
        (cell, run) for cell, run in patched(config, made, workspace).runs() if run.id not in made.plan.done
    ]
    assert made.core_s == pytest.approx(
        made.curves[0].time_ratio * sum(pack_seconds(each, made.plan.speed) for each in make_packs(new))
    )
    assert all(len(each.runs) == each.size for each in make_packs(new))  # whole packs


def test_a_budget_is_kept_and_more_of_it_buys_a_narrower_interval(suggest, study):
    config = study()
    free = suggest(config, 0.005)
    expected = [free.curves[0].proposal.expected_half_width]
    for share in (0.8, 0.4, 0.1, 0.0):
        made = suggest(config, 0.005, budget_s=share * free.core_s)
        assert made.core_s <= share * free.core_s
        expected.append(made.curves[0].proposal.expected_half_width)
    assert expected == sorted(expected)
    assert expected[-1] == made.curves[0].proposal.half_width


def test_sizes_are_the_studys_own_and_round_ones_up_to_four_times_the_widest(suggest, study):
    made = suggest(study(STUDY.replace("4, 6, 12]", "5, 7, 12]")))
    assert [cell.architecture.filters for cell in made.curves[0].candidates] == [
        1,
        2,
        3,
        4,
        5,
        6,
        7,
        8,
        12,
        16,
        24,
        32,
        48,
    ]


def test_memory_bounds_the_sizes(suggest, study):
    made = suggest(study(STUDY + "resources: {memory_gib: 0.71}\n"))
    widths = [cell.architecture.filters for cell in made.curves[0].candidates]
    assert set(widths) >= {1, 2, 3, 4, 6, 12}


def test_narrower_sizes_are_there_where_a_decade_is_not(suggest, study):
    made = suggest(study(STUDY.replace("[1, 2, 3, 4, 6, 12]", "[4, 6, 8, 12]")), 0.5)
    widths = [cell.architecture.filters for cell in made.curves[0].cells]
    assert len(widths) >= 6
    assert max(widths) >= 10 * min(widths)


def test_a_target_that_is_reached_asks_for_nothing(suggest, study):
    made = suggest(study(), 0.9)
    assert made.is_reached
    assert made.core_s == 0
    assert made.curves[0].proposal.expected_half_width == made.curves[0].proposal.half_width


def test_seeds_of_an_architectures_own_are_what_it_has_now(suggest, study):
    config = study(STUDY.replace("rows: 1", "seeds: 16, rows: 1"))
    made = suggest(config, 0.9)
    assert {cell.seeds for cell in made.curves[0].cells} == {16}
    assert len(made.plan.wanted) == 6 * 16


def test_curves_of_one_grid_grow_apart(suggest, study, workspace):
    """Learning rates of the study and branches of the network: four curves, each an entry of its own in the patch."""
    text = STUDY.replace("branches: 2", "branches: [1, 2]").replace(
        "epochs: 1", "epochs: 1, learning_rate: [0.1, 0.2]"
    )
    config = study(text)
    made = suggest(config, 0.03)
    assert len(made.curves) == 4
    grown = {run.id for _, run in patched(config, made, workspace).runs()}
    assert grown == {cell.run(seed).id for cell in made.cells for seed in range(cell.seeds)}


def test_widths_with_recipes_of_their_own_get_seeds_and_no_neighbours(suggest, study, workspace):
    entries = "".join(
        f"  - {{type: tree3, rows: 1, branches: 2, filters: {f}, recipe: {{learning_rate: {0.1 * f:g}}}}}\n"
        for f in (1, 2, 3, 4, 6, 12)
    )
    config = study(
        STUDY.replace("  - {type: tree3, rows: 1, branches: 2, filters: [1, 2, 3, 4, 6, 12]}\n", entries)
    )
    made = suggest(config, 0.01)
    (curve,) = made.curves
    assert [cell.architecture.filters for cell in curve.candidates] == [1, 2, 3, 4, 6, 12]
    assert [cell.recipe.learning_rate for cell in patched(config, made, workspace).cells] == pytest.approx(
        [0.1, 0.2, 0.3, 0.4, 0.6, 1.2]
    )


def test_a_grid_of_data_is_refused_by_its_name(suggest, study):
    config = study(STUDY.replace("size: 50", "size: 50, train_images: [25, 50]"))
    with pytest.raises(UsageError, match=r"dataset\.train_images is a grid.*--set dataset\.train_images="):
        suggest(config)
    assert suggest(config, 0.9, overrides=["dataset.train_images=25"]).is_reached


def test_widths_at_which_all_runs_diverged_are_kept_and_get_no_seeds(suggest, study, training, workspace):
    training.diverges = lambda filters: filters == 3
    config = study(STUDY.replace("6, 12]", "6, 8, 12]"))
    made = suggest(config, 0.02)
    assert 3 not in [cell.architecture.filters for cell in made.curves[0].candidates]
    assert {cell.seeds for cell in made.curves[0].cells if cell.architecture.filters == 3} == {8}
    assert {run.id for _, run in made.plan.wanted} <= {
        run.id for _, run in patched(config, made, workspace).runs()
    }


def test_where_all_diverged_it_is_said_what_to_train_first(suggest, study, training):
    training.diverges = lambda filters: True
    with pytest.raises(FitError, match="first train at least 6 sizes over a factor of 10 with 4 seeds each"):
        suggest(study())


def test_too_few_widths_say_what_to_train_first(suggest, study):
    with pytest.raises(
        FitError, match=r"tree3: .* rejected .*; first train at least 6 sizes over a factor of 10"
    ):
        suggest(study(STUDY.replace("[1, 2, 3, 4, 6, 12]", "[1, 2, 4]")))


def test_runs_that_are_not_trained_yet_come_first(suggest, study, workspace):
    config = study()
    suggest(config, 0.9)
    with pytest.raises(UsageError, match="48 of 96 runs are not trained yet; first: scaling run"):
        api.suggest(config, api.Target(half_width=0.02), workspace, overrides=["seeds=16"])


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ({"half_width": 0.0}, "above 0"),
        ({"half_width": float("nan")}, "above 0"),
        ({"quantity": "error"}, "must be exponent"),
    ],
)
def test_an_invalid_target_is_refused(target, problem):
    with pytest.raises(UsageError, match=problem):
        api.Target(**{"half_width": 0.02} | target)


def test_the_same_store_suggests_the_same(suggest, study, workspace):
    config = study()
    first = suggest(config, 0.02)
    again = api.suggest(config, api.Target(half_width=0.02), replace(workspace))
    assert first.patch == again.patch
