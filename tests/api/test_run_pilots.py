"""Pilot runs train first, their choices next, and no fit, table or figure counts a pilot as a final run."""

from __future__ import annotations

import csv
from math import inf

import pytest

from scaling import api
from scaling.errors import StoreError, UsageError
from scaling.plan.packs import make_packs
from scaling.plan.time_estimate import pack_seconds
from tests.api.simulated_training import STUDY, TUNED, SimulatedTraining

WIDTHS = (1, 2, 3, 4, 6, 12)


@pytest.fixture
def run(training, workspace):
    return lambda config, **options: api.run(config, workspace, in_process=True, **options)


def rates(plan) -> dict[int, tuple[float, ...]]:
    return {row.cell.architecture.filters: row.learning_rates for row in plan.rows() if not row.cell.is_pilot}


def test_one_command_trains_pilots_and_then_the_runs_that_wait_for_them(run, study, workspace, training):
    config = study(TUNED)
    before = api.plan(config, workspace)
    assert (before.new, before.pending) == (6 * 8, 6 * 8)
    outcome = run(config)
    assert (outcome.trained, outcome.missing, outcome.failures) == (6 * 16, 0, ())
    plan = api.plan(config, workspace)
    assert (plan.new, plan.pending, len(plan.done)) == (0, 0, 6 * 16)
    assert (
        rates(plan)
        == rates(outcome.latest_plan)
        == {width: (pytest.approx(SimulatedTraining.best(width)),) for width in WIDTHS}
    )
    assert training.attempts.total() == 12  # for each width, one pack of pilots and one pack of seeds
    assert run(config).trained == 0


def test_pending_runs_are_planned_at_their_cost(study, workspace):
    config = study(TUNED)
    before = api.plan(config, workspace)
    whole = [row.core_s for row in before.rows()]
    assert before.core_s == pytest.approx(sum(whole))
    assert [row.cell.is_pilot for row in before.rows()] == [True, False] * 6
    finals = make_packs(
        api.plan(study(STUDY.replace("size: 50", "size: 100"), "other.yaml"), workspace).wanted
    )
    assert sum(whole[1::2]) == pytest.approx(sum(pack_seconds(pack, before.speed) for pack in finals))


def test_an_interruption_keeps_all_finished_runs(run, study, workspace, training):
    config = study(TUNED)
    for stop in (3, 8, 13):
        training.failing = lambda pack, attempt, stop=stop: (
            KeyboardInterrupt() if training.attempts.total() == stop else None
        )
        with pytest.raises(KeyboardInterrupt):
            run(config)
    training.failing = lambda pack, attempt: None
    assert run(config).missing == 0
    assert training.attempts.total() == 12 + 3
    assert rates(api.plan(config, workspace)) == {
        width: (pytest.approx(SimulatedTraining.best(width)),) for width in WIDTHS
    }


def test_networks_whose_pilots_fail_stay_pending_and_the_others_are_trained(run, study, workspace, training):
    config = study(TUNED.replace("validation: 50", "validation: 50, learning_rates: [0.2, 0.4]"))
    training.failing = lambda pack, attempt: (
        RuntimeError("no luck") if pack.cell.is_pilot and pack.cell.architecture.filters == 3 else None
    )
    outcome = run(config)
    assert (outcome.trained, outcome.missing) == (5 * 10, 10)
    assert [failure.pack.label for failure in outcome.failures] == [
        "tree3 3 pilots of 2 learning rates, seed 0"
    ]
    results = api.load_results(config, workspace)
    assert (results.plan.new, results.plan.pending) == (2, 8)
    assert set(results.final_runs["filters"].to_pylist()) == set(WIDTHS) - {3}
    (fit,) = api.fit(str(config), workspace)
    assert "Partial: 40 of 48 wanted runs." in fit.notes
    assert fit.points.widths.tolist() == [1, 2, 4, 6, 12]
    page = api.report(config, workspace).path.read_text()
    assert "Partial: 40 of 48 wanted runs." in page
    # Each of two rates is at an edge of the grid.
    assert "tree3, filters 1: the chosen learning rate, 0.4, is the largest that was tried;" in page
    assert "tree3, filters 12: the chosen learning rate, 0.2, is the smallest that was tried;" in page
    with pytest.raises(UsageError, match="10 of 60 runs are not trained yet"):
        api.suggest(config, api.Target(half_width=0.02), workspace)


def test_pilots_are_only_in_the_figure_of_learning_rates(run, study, workspace):
    config = study(TUNED)
    run(config)
    (fit,) = api.fit(str(config), workspace)
    assert fit.points.counts.tolist() == [8] * 6
    report = api.report(config, workspace)
    assert report.fits[0].points.counts.tolist() == [8] * 6
    with (report.path.parent / "figures" / "learning_rates.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 6 * 8
    chosen = {int(row["filters"]): float(row["learning_rate"]) for row in rows if row["chosen"] == "true"}
    assert chosen == {width: pytest.approx(SimulatedTraining.best(width)) for width in WIDTHS}
    assert (
        "tree3: the learning rate with the lowest validation error is 0.4 at filters 1 and 2, 0.2 at filters"
        in report.path.read_text()
    )


def test_pilots_alone_give_no_report(run, study, workspace, training):
    config = study(TUNED)
    training.failing = lambda pack, attempt: None if pack.cell.is_pilot else RuntimeError("no luck")
    assert run(config).missing == 6 * 8
    with pytest.raises(StoreError, match="holds no run of this study except 48 pilot runs; to train what"):
        api.report(config, workspace)


def test_diverged_pilots_have_an_infinite_error(run, study, workspace, training):
    training.diverges = lambda filters: filters == 3
    outcome = run(study(TUNED))
    warnings = {
        row.cell.architecture.filters: row.warning for row in outcome.latest_plan.rows() if row.cell.choice
    }
    assert warnings == dict.fromkeys(WIDTHS, "") | {3: "every rate diverged"}
    (three,) = (
        row for row in outcome.latest_plan.rows() if row.cell.choice and row.cell.architecture.filters == 3
    )
    assert (three.learning_rates, three.cell.choice.means) == ((0.0125,), (inf,) * 8)


def test_a_merged_store_has_the_chosen_rates(run, study, workspace, tmp_path):
    config = study(TUNED)
    run(config)
    assert api.store_merge(config, str(tmp_path / "merged"), workspace).added == 6 * 16
    other = api.Workspace(store=str(tmp_path / "merged"), data=tmp_path)
    assert rates(api.plan(config, other)) == rates(api.plan(config, workspace))


def test_suggestions_include_pilots_for_new_widths(run, study, workspace):
    config = study(TUNED)
    run(config)
    suggestion = api.suggest(config, api.Target(half_width=0.01), workspace)
    new = [cell for curve in suggestion.curves for cell in curve.cells if cell.pending]
    assert new
    grown = study(
        TUNED.split("architectures:")[0] + suggestion.patch + TUNED[TUNED.index("recipe:") :], "patched.yaml"
    )
    plan = api.plan(grown, workspace)
    assert plan.pending == sum(cell.seeds for cell in new)
    assert suggestion.core_s == pytest.approx(suggestion.curves[0].time_ratio * plan.core_s)


def test_iterations_train_pilots_of_new_widths_first(run, study, workspace):
    iterations: list[api.Iteration] = []
    result = api.run_until(
        study(TUNED), api.Target(half_width=0.02), workspace, in_process=True, on_iteration=iterations.append
    )
    assert len(iterations) > 1
    assert result.last.suggestion.is_reached
    results = api.load_results(result.study, workspace)
    plan, runs = results.plan, results.runs
    assert (plan.new, plan.pending) == (0, 0)
    assert max(rates(plan)) > 12
    assert rates(plan) == {width: (pytest.approx(SimulatedTraining.best(width)),) for width in rates(plan)}
    # A plain loop over all runs, pilots included, that the study as written does not contain.
    # Each of the eight runs of a pack stores the time of the pack.
    own = {run.id for _, run in api.plan(study(TUNED), workspace).wanted}
    assert iterations[0].extra_s == 0
    assert iterations[-1].extra_s == pytest.approx(
        sum(row["wall_s"] / 8 for row in runs.to_pylist() if row["id"] not in own)
    )


def test_why_and_diff_accept_pilot_runs(run, study, workspace):
    config = study(TUNED)
    run(config)
    pilot, final = (
        next(run for cell, run in api.plan(config, workspace).wanted if cell.is_pilot == kind)
        for kind in (True, False)
    )
    settings = {difference.setting for difference in api.diff(pilot.id, final.id, workspace)}
    assert {"data.validation", "recipe.learning_rate"} <= settings
    assert api.why(pilot.id, workspace).is_stored
    other = next(
        run
        for cell, run in api.plan(config, workspace, overrides=["recipe.epochs=2"]).wanted
        if cell.is_pilot
    )
    wider = study(TUNED.replace("epochs: 1", "epochs: 2"), "longer.yaml")
    reason = api.why(other.id, workspace, configs=[wider])
    assert (reason.is_stored, [difference.setting for difference in reason.differences]) == (
        False,
        ["recipe.epochs"],
    )
