"""Suggestions for a stored study: proposed runs, their cost, and a patch that loads."""

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
    """Function that trains a study as written and suggests further runs."""

    def train_and_suggest(
        config, target: float = 0.02, of: str = "prediction@2x", budget_s: float = float("inf"), overrides=()
    ) -> api.Suggestion:
        api.run(config, workspace, overrides=overrides, in_process=True)
        return api.suggest(
            config,
            api.Target(half_width=target, quantity=of, budget_s=budget_s),
            workspace,
            overrides=overrides,
        )

    return train_and_suggest


def load_patched(config, suggestion: api.Suggestion, workspace):
    """Return the study with its architectures replaced by the patch, loaded from a file."""
    text, patched = config.read_text(), config.with_name("patched.yaml")
    before, _, after = text.partition("architectures:\n")
    patched.write_text(before + suggestion.patch + after[after.index("\nrecipe:") + 1 :])
    return load_study(patched, data=workspace.data)


@pytest.mark.parametrize("text", [STUDY, TWO], ids=["one curve", "two curves"])
@pytest.mark.parametrize("of", ["prediction@2x", "exponent", "floor"])
def test_the_patch_is_the_study_with_exactly_the_proposed_runs(suggest, study, workspace, text, of):
    config = study(text)
    suggestion = suggest(config, 0.03, of)
    written = {run.id for _, run in suggestion.plan.wanted}
    grown = {run.id for _, run in load_patched(config, suggestion, workspace).runs()}
    proposed = {
        cell.run(seed).id for curve in suggestion.curves for cell in curve.cells for seed in range(cell.seeds)
    }
    assert grown == proposed
    assert grown > written


def test_the_cost_is_that_of_the_new_packs(suggest, study, workspace):
    config = study()
    suggestion = suggest(config, 0.02)
    new = [
        wanted
        for wanted in load_patched(config, suggestion, workspace).runs()
        if wanted.run.id not in suggestion.plan.done
    ]
    assert suggestion.core_s == pytest.approx(
        suggestion.curves[0].time_ratio
        * sum(pack_seconds(pack, suggestion.plan.speed) for pack in make_packs(new))
    )
    assert all(len(pack.runs) == pack.size for pack in make_packs(new))  # whole packs


def test_the_budget_is_kept_and_a_larger_budget_gives_a_narrower_interval(suggest, study):
    config = study()
    free = suggest(config, 0.005)
    expected = [free.curves[0].proposal.expected_half_width]
    for share in (0.8, 0.4, 0.1, 0.0):
        suggestion = suggest(config, 0.005, budget_s=share * free.core_s)
        assert suggestion.core_s <= share * free.core_s
        expected.append(suggestion.curves[0].proposal.expected_half_width)
    assert expected == sorted(expected)
    assert expected[-1] == suggestion.curves[0].proposal.half_width


def test_candidates_are_the_studys_widths_and_round_widths_up_to_four_times_the_widest(suggest, study):
    suggestion = suggest(study(STUDY.replace("4, 6, 12]", "5, 7, 12]")))
    assert [cell.architecture.filters for cell in suggestion.curves[0].candidates] == [
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


def test_memory_limits_the_candidates(suggest, study):
    suggestion = suggest(study(STUDY + "resources: {memory_gib: 0.74}\n"))
    widths = [cell.architecture.filters for cell in suggestion.curves[0].candidates]
    assert set(widths) >= {1, 2, 3, 4, 6, 12}


def test_narrower_widths_are_candidates_if_the_study_spans_less_than_a_decade(suggest, study):
    suggestion = suggest(study(STUDY.replace("[1, 2, 3, 4, 6, 12]", "[4, 6, 8, 12]")), 0.5)
    widths = [cell.architecture.filters for cell in suggestion.curves[0].cells]
    assert len(widths) >= 6
    assert max(widths) >= 10 * min(widths)


def test_nothing_is_proposed_if_the_target_is_reached(suggest, study):
    suggestion = suggest(study(), 0.9)
    assert suggestion.is_reached
    assert suggestion.core_s == 0
    assert suggestion.curves[0].proposal.expected_half_width == suggestion.curves[0].proposal.half_width


def test_an_architectures_own_number_of_seeds_counts(suggest, study):
    config = study(STUDY.replace("rows: 1", "seeds: 16, rows: 1"))
    suggestion = suggest(config, 0.9)
    assert {cell.seeds for cell in suggestion.curves[0].cells} == {16}
    assert len(suggestion.plan.wanted) == 6 * 16


def test_curves_of_one_grid_grow_separately(suggest, study, workspace):
    """Two learning rates times two numbers of branches are four curves, each with its own patch entry."""
    text = STUDY.replace("branches: 2", "branches: [1, 2]").replace(
        "epochs: 1", "epochs: 1, learning_rate: [0.1, 0.2]"
    )
    config = study(text)
    suggestion = suggest(config, 0.03)
    assert len(suggestion.curves) == 4
    grown = {run.id for _, run in load_patched(config, suggestion, workspace).runs()}
    assert grown == {cell.run(seed).id for cell in suggestion.cells for seed in range(cell.seeds)}


def test_widths_with_their_own_recipes_get_seeds_but_no_new_widths(suggest, study, workspace):
    entries = "".join(
        f"  - {{type: tree3, rows: 1, branches: 2, filters: {f}, recipe: {{learning_rate: {0.1 * f:g}}}}}\n"
        for f in (1, 2, 3, 4, 6, 12)
    )
    config = study(
        STUDY.replace("  - {type: tree3, rows: 1, branches: 2, filters: [1, 2, 3, 4, 6, 12]}\n", entries)
    )
    suggestion = suggest(config, 0.01)
    (curve,) = suggestion.curves
    assert [cell.architecture.filters for cell in curve.candidates] == [1, 2, 3, 4, 6, 12]
    assert [
        cell.recipe.learning_rate for cell in load_patched(config, suggestion, workspace).cells
    ] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.6, 1.2])


def test_a_grid_of_data_sets_is_refused_with_its_name(suggest, study):
    config = study(STUDY.replace("size: 50", "size: 50, train_images: [25, 50]"))
    with pytest.raises(
        UsageError, match=r"dataset\.train_images has several values.*`overrides` dataset\.train_images="
    ):
        suggest(config)
    assert suggest(config, 0.9, overrides=["dataset.train_images=25"]).is_reached


def test_widths_of_which_all_runs_diverged_stay_and_get_no_seeds(suggest, study, training, workspace):
    training.diverges = lambda filters: filters == 3
    config = study(STUDY.replace("6, 12]", "6, 8, 12]"))
    suggestion = suggest(config, 0.02)
    assert 3 not in [cell.architecture.filters for cell in suggestion.curves[0].candidates]
    assert {cell.seeds for cell in suggestion.curves[0].cells if cell.architecture.filters == 3} == {8}
    assert {run.id for _, run in suggestion.plan.wanted} <= {
        run.id for _, run in load_patched(config, suggestion, workspace).runs()
    }


def test_the_message_says_what_to_train_first_if_all_runs_diverged(suggest, study, training):
    training.diverges = lambda filters: True
    with pytest.raises(FitError, match="first train at least 6 sizes over a factor of 10 with 4 seeds each"):
        suggest(study())


@pytest.mark.parametrize(("widths", "seeds"), [("[1, 2, 4]", 8), ("[6]", 8), ("[2, 4]", 1)])
def test_too_few_widths_or_seeds_are_completed_first_at_the_lowest_cost(
    suggest, study, workspace, widths, seeds
):
    text = STUDY.replace("[1, 2, 3, 4, 6, 12]", widths).replace("seeds: 8", f"seeds: {seeds}")
    config = study(text)
    suggestion = suggest(config)
    (curve,) = suggestion.curves
    assert not curve.has_law
    assert not suggestion.is_reached
    cells = load_patched(config, suggestion, workspace).cells
    trained = [cell.architecture.filters for cell in cells]
    assert len(trained) == 6
    assert max(trained) >= 10 * min(trained)
    assert {cell.seeds for cell in cells} == {8}
    assert suggestion.core_s > 0
    cheaper = suggest(config, budget_s=0.5 * suggestion.core_s)
    assert 0 < cheaper.core_s <= 0.5 * suggestion.core_s


def test_a_curve_with_a_law_and_a_curve_without_one_are_extended_together(suggest, study, workspace):
    config = study(TWO.replace("hidden: [], filters: [1, 2, 3, 4, 6, 12]", "hidden: [], filters: [2, 4]"))
    suggestion = suggest(config, 0.03)
    assert [curve.has_law for curve in suggestion.curves] == [True, False]
    assert all(curve.core_s for curve in suggestion.curves)
    load_patched(config, suggestion, workspace)


def test_missing_runs_must_be_trained_first(suggest, study, workspace):
    config = study()
    suggest(config, 0.9)
    with pytest.raises(UsageError, match="48 of 96 runs are not trained yet; to train what is missing"):
        api.suggest(config, api.Target(half_width=0.02), workspace, overrides=["seeds=16"])


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ({"half_width": 0.0}, "expected a number > 0"),
        ({"half_width": float("nan")}, "expected a number > 0"),
        ({"quantity": "error"}, "expected exponent"),
    ],
)
def test_an_invalid_target_is_refused(target, problem):
    with pytest.raises(UsageError, match=problem):
        api.Target(**{"half_width": 0.02} | target)


def test_suggestions_are_deterministic(suggest, study, workspace):
    config = study()
    first = suggest(config, 0.02)
    again = api.suggest(config, api.Target(half_width=0.02), replace(workspace))
    assert first.patch == again.patch
