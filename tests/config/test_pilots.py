"""Learning rates that are ``auto``: pilot runs are ordinary runs, and run ids include the chosen rate."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaling.config.pilots import DEFAULT_LEARNING_RATES, RateChoice
from scaling.config.yaml_file import architecture_entries, yaml_text

HEAD = "study: example\ndataset: {type: cifar10}\n"
NETWORKS = (
    "architectures:\n  - {type: lenet5, filters: [3, 6]}\n"
    "  - {type: tree3, filters: [3, 6], recipe: {weight_decay: 0.001}}\n"
    "  - {type: vgg, depth: [6, 11], filters: 4}\n"
)
RECIPE = "recipe: {epochs: 6, learning_rate: auto, augmentation: {crop: 4, flip: true}}\n"
AUTO = HEAD + NETWORKS + RECIPE + "seeds: 3\n"


def ids(runs) -> list[str]:
    return sorted(run.id for _, run in runs)


def pilot_errors(study, error) -> dict[str, float]:
    """Return a validation error for each pilot run."""
    return {run.id: error(run) for _, run in study.pilot_runs()}


def best_at(rate: float):
    """Return an error that is lowest at one learning rate."""
    return lambda run: abs(run.recipe.learning_rate - rate)


def test_pilot_runs_equal_the_runs_of_an_explicit_grid(load):
    written = load(
        "study: explicit\ndataset: {type: cifar10, validation: 5000}\nseeds: 1\n"
        + NETWORKS
        + RECIPE.replace("auto", "[0.0125, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6]")
    )
    assert ids(load(AUTO).pilot_runs()) == ids(written.runs())


def test_final_runs_have_the_chosen_rate_and_no_id_includes_auto(load):
    study = load(AUTO)
    assert not list(study.final_runs())
    assert len(list(study.pending_runs())) == 6 * 3
    resolved = study.with_learning_rates(pilot_errors(study, best_at(0.2)))
    assert not list(resolved.pending_runs())
    assert ids(resolved.final_runs()) == ids(load(AUTO.replace("auto", "0.2")).runs())
    assert ids(resolved.pilot_runs()) == ids(study.pilot_runs())
    assert len(ids(resolved.runs())) == 6 * (3 + len(DEFAULT_LEARNING_RATES))
    assert not any("auto" in run.config_json for _, run in resolved.runs())


def test_each_network_has_its_own_choice_and_is_pending_until_its_own_pilots_are_done(load):
    study = load(AUTO)
    errors = pilot_errors(study, lambda run: best_at(0.05 if run.architecture.filters == 3 else 0.4)(run))
    one = next(
        run.id
        for _, run in study.pilot_runs()
        if run.architecture.type == "vgg" and run.architecture.depth == 11
    )
    del errors[one]
    rates = [cell.choice and cell.recipe.learning_rate for cell in study.with_learning_rates(errors).cells]
    assert rates == [0.05, 0.4, 0.05, 0.4, 0.4, None]
    assert [cell.pending for cell in study.with_learning_rates(errors).cells] == [False] * 5 + [True]


def test_chosen_rate_does_not_separate_curves(load):
    text = AUTO.replace("epochs: 6", "epochs: 6, weight_decay: [0.0, 0.001]").replace(
        ", recipe: {weight_decay: 0.001}", ""
    )
    study = load(text)
    resolved = study.with_learning_rates(
        pilot_errors(study, lambda run: best_at(0.1 if run.recipe.weight_decay else 0.4)(run))
    )
    assert resolved.curve_labels() == study.curve_labels()
    assert study.curve_labels()[:2] == ("lenet5, weight decay 0.0", "lenet5, weight decay 0.001")


def test_settings_of_pilots(load):
    study = load(AUTO + "pilots: {learning_rates: [0.3, 0.1, 1], seeds: 2, validation: 1000}\n")
    cell = study.cells[0]
    assert [pilot.recipe.learning_rate for pilot in cell.pilots] == [0.1, 0.3, 1.0]
    assert {(pilot.seeds, pilot.dataset.validation, pilot.is_pilot) for pilot in cell.pilots} == {
        (2, 1000, True)
    }
    assert len(list(study.pilot_runs())) == 6 * 3 * 2


@pytest.mark.parametrize(
    ("settings", "validation", "train_size"),
    [
        ("", 5000, 45_000),
        (", validation: 7000", 7000, 43_000),
        (", train_images: 2000", 5000, 2000),
        (", train_images: 48000", 5000, 45_000),
    ],
)
def test_validation_images_are_taken_out_of_the_training_images(load, settings, validation, train_size):
    for cell in load(AUTO.replace("cifar10", "cifar10" + settings)).cells:
        assert {
            (pilot.dataset.validation, pilot.dataset.train_size(pilot.info)) for pilot in cell.pilots
        } == {(validation, train_size)}


def test_pilot_run_on_the_studys_own_data_is_also_a_final_run(load):
    study = load(AUTO.replace("cifar10", "cifar10, validation: 5000"))
    resolved = study.with_learning_rates(pilot_errors(study, best_at(0.2)))
    assert len(set(ids(resolved.pilot_runs())) & set(ids(resolved.final_runs()))) == 6
    assert len(ids(resolved.runs())) == 6 * (len(DEFAULT_LEARNING_RATES) + 2)


def test_cell_of_another_width_has_its_own_pilots(load):
    study = load(AUTO)
    cell = study.with_learning_rates(pilot_errors(study, best_at(0.2))).cells[0].with_filters(24, seeds=2)
    assert (cell.pending, cell.seeds) == (True, 2)
    (again,) = load(HEAD + RECIPE + yaml_text({"architectures": architecture_entries([cell])})).cells
    assert [pilot.run(0).id for pilot in again.pilots] == [pilot.run(0).id for pilot in cell.pilots]


def test_own_rate_or_auto_replaces_the_studys(load):
    text = (
        HEAD
        + "architectures:\n  - {type: lenet5, filters: 3}\n"
        + "  - {type: tree3, filters: 3, recipe: {learning_rate: %s}}\n%s"
    )
    assert [bool(cell.pilots) for cell in load(text % ("0.3", RECIPE)).cells] == [True, False]
    assert [bool(cell.pilots) for cell in load(text % ("auto", "")).cells] == [False, True]


def test_override_can_set_auto(load):
    assert ids(load(AUTO.replace("auto", "0.1"), "recipe.learning_rate=auto").pilot_runs()) == ids(
        load(AUTO).pilot_runs()
    )


errors = st.lists(st.lists(st.floats(0, 1) | st.just(inf), min_size=2, max_size=2), min_size=2, max_size=6)


@given(errors)
def test_rate_of_the_lowest_mean_is_chosen_and_the_smallest_of_equals(errors):
    rates = tuple(0.1 * 2**n for n in range(len(errors)))
    choice = RateChoice(rates=rates, errors=tuple(map(tuple, errors)))
    means = [sum(pair) / 2 for pair in errors]
    assert choice.rate == rates[means.index(min(means))]


@pytest.mark.parametrize(
    ("errors", "rate", "warning"),
    [
        ((0.5, 0.3, 0.4), 0.2, ""),
        ((0.3, 0.3, 0.4), 0.1, "the smallest that was tried"),
        ((0.5, 0.4, 0.3), 0.4, "the largest that was tried"),
        ((0.5, 0.4, inf), 0.2, ""),
        ((inf, inf, inf), 0.1, "every rate diverged"),
    ],
)
def test_choice_at_an_edge_has_a_warning(errors, rate, warning):
    choice = RateChoice(rates=(0.1, 0.2, 0.4), errors=tuple((error,) for error in errors))
    assert (choice.rate, choice.warning) == (rate, warning)
