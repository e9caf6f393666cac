"""Answers at the top of a comparison."""

from __future__ import annotations

from math import inf, nan

import pyarrow.compute as pc
import pytest

from analysis.answers import Answer, answer_mean_errors, answer_questions, judge_reached, round_up
from analysis.comparison import find_best_at_budgets
from analysis.formatting import format_interval, format_size
from analysis.laws import fit_laws
from analysis.means import mean_errors
from analysis.run_groups import group_runs
from analysis.style import amount_ticks
from scaling.fit import Interval, compare_sizes, preferred_law
from tests.analysis.planted_study import SHORT_RECIPE, lenets, plant_study, trees


@pytest.fixture(scope="module")
def fits():
    """Fits of two planted curves, by the axis."""
    runs, epochs = plant_study([*lenets(), *trees()], recipe=SHORT_RECIPE)
    grouped = group_runs(runs)
    return {
        axis: fit_laws(grouped, grouped.select_epochs(epochs), x=axis).fits
        for axis in ("filters", "parameters", "macs")
    }


@pytest.fixture(scope="module")
def questions(fits):
    return answer_questions(fits["filters"], find_best_at_budgets(fits))


def test_the_curve_with_the_larger_error_is_asked_about_the_other_one(fits, questions):
    lenet, tree = fits["filters"]
    error = lenet.points.means.min()
    assert error < tree.points.means.min()
    (row,) = questions[0].rows
    assert row.subject == f"tree3 to the {100 * error:.3g} % of lenet5"
    sizes = compare_sizes(tree, lenet, error=error).sizes
    assert row.value == format_size(sizes[0])
    assert row.verdict == judge_reached(sizes[0])


def test_filters_are_those_of_the_preferred_law_at_a_round_error_that_a_curve_reached(fits, questions):
    error = round_up(min(fit.points.means.min() for fit in fits["filters"]))
    assert questions[1].question == f"How many filters for an error of {100 * error:.3g} %?"
    for fit, row in zip(fits["filters"], questions[1].rows, strict=True):
        law = preferred_law(fit)
        size = law.derived_interval(lambda draws: draws.inverse(error))
        assert (row.subject, row.value) == (fit.label, format_size(size))


def test_errors_on_request_take_the_place_of_the_round_one(fits):
    asked = answer_questions(fits["filters"], {}, errors=(0.3, 0.04))
    assert [question.question for question in asked[1:3]] == [
        f"How many filters for an error of {percent} %?" for percent in (30, 4)
    ]


def test_the_verdict_and_the_status_of_each_law_answer_whether_it_is_a_power_law(fits, questions):
    assert questions[2].question.startswith("Is it a power law?")
    for fit, row in zip(fits["filters"], questions[2].rows, strict=True):
        law = preferred_law(fit)
        exponent = format_interval(law.parameters["exponent"])
        assert (row.subject, row.value) == (fit.label, f"{fit.verdict.choice}, ρ = {exponent}")
        assert row.verdict == law.status


def test_the_best_network_is_named_from_the_smallest_budget_to_the_largest(fits, questions):
    best = find_best_at_budgets(fits)["parameters"]
    rows = {row.subject: row for row in questions[3].rows}
    assert set(rows) == {"parameters", "multiply-adds"}
    named = [
        (label, amount)
        for label, _, amounts in (part.partition(": ") for part in rows["parameters"].value.split("; "))
        for amount in amounts.split(" to ")
    ]
    amounts = {amount_ticks()(entry.budget): entry.label for entry in best}
    assert all(amounts[amount] == label for label, amount in named)
    smallest, *_, largest = amounts
    assert {amount for _, amount in named} >= {smallest, largest}
    shares = [100 * entry.share_best for entry in best if entry.share_best is not None]
    assert f"{min(shares):.0f}" in rows["parameters"].verdict
    assert f"{max(shares):.0f}" in rows["parameters"].verdict


def test_one_curve_has_no_answers(fits):
    assert answer_questions(fits["filters"][:1], {}) == []


def test_mean_errors_of_networks_of_one_width_come_smallest_first():
    runs, _ = plant_study([*trees([4]), *lenets([4])], recipe=SHORT_RECIPE)
    means = mean_errors(group_runs(runs))
    (question,) = answer_mean_errors(means)
    assert [row.subject for row in question.rows] == ["lenet5", "tree3"]
    for row in question.rows:
        errors = runs.filter(pc.field("architecture") == row.subject)["test_error"].to_numpy()
        assert row.value == format_interval(Interval.of_mean(errors, at_least=0.0), percent=True)
        assert row.verdict.startswith("8 runs, ")


@pytest.mark.parametrize(
    ("low", "high", "answer"),
    [(3.0, 9.0, Answer.YES), (3.0, inf, Answer.UNCLEAR), (inf, inf, Answer.NO), (3.0, nan, Answer.UNCLEAR)],
)
def test_an_error_is_reached_if_the_interval_of_the_size_is_finite(low, high, answer):
    assert judge_reached(Interval(estimate=5.0, low=low, high=high)) is answer


@pytest.mark.parametrize(
    ("error", "rounded"), [(0.196, 0.2), (0.0231, 0.025), (0.2, 0.2), (0.61, 0.8), (0.9, 1.0), (0.001, 0.001)]
)
def test_round_errors_are_the_next_larger_ones(error, rounded):
    assert round_up(error) == pytest.approx(rounded)
