"""Forecasts of planted studies: written before the training, scored after it, and refused where not blind."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pytest

from scaling import api
from scaling.config import load_study
from scaling.errors import FitError, StoreDamageWarning, UsageError
from scaling.plan.forecast_score import Outcome
from scaling.store import open_store
from tests.api.simulated_training import STUDY, TUNED, TWO, SimulatedTraining


@pytest.fixture
def train(training, workspace):
    """Function that trains a study, or the targets of a forecast of the study."""

    def train_in(config, forecast=None, store=None, **options) -> int:
        place = replace(workspace, store=store or workspace.store)
        if forecast:
            options["overrides"] = forecast.forecast.training_overrides
        return api.run(config, place, in_process=True, **options).trained

    return train_in


def outcomes(config, workspace) -> list[list[Outcome]]:
    return [[target.outcome for target in scored.targets] for scored in api.score(config, replace(workspace))]


def target_ids(written: api.WrittenForecast) -> set[str]:
    return {
        run_id
        for curve in written.forecast.curves
        for target in curve.targets
        for cell in target.cells
        for run_id in cell.run_ids
    }


def test_a_forecast_is_open_until_its_networks_are_trained_and_then_a_hit(train, study, workspace):
    config = study()
    train(config)
    fitted_ids = open_store(workspace.store).ids()
    written = api.forecast(config, [96, 48, 48], workspace)
    (curve,) = written.forecast.curves
    assert [target.filters for target in curve.targets] == [48, 96]
    assert [target.extrapolation for target in curve.targets] == [4, 8]
    assert set(curve.run_ids) == fitted_ids
    assert curve.fitted_sizes == (1, 2, 3, 4, 6, 12)
    assert outcomes(config, workspace) == [[Outcome.OPEN, Outcome.OPEN]]

    assert train(config, written) == 16
    assert open_store(workspace.store).ids() == fitted_ids | target_ids(written)
    assert outcomes(config, workspace) == [[Outcome.HIT, Outcome.HIT]]
    (scored,) = api.score(config, replace(workspace))
    runs = open_store(workspace.store).runs(["id", "test_error"]).to_pylist()
    for target, forecast in zip(scored.targets, curve.targets, strict=True):
        errors = [row["test_error"] for row in runs if row["id"] in forecast.cells[0].run_ids]
        assert target.observed.estimate == pytest.approx(np.mean(errors))
        assert target.predicted == forecast.means_of_runs[7]
        assert (target.wanted, target.trained, target.runs) == (8, 8, 8)
        assert abs(target.z) < 1.96


def test_the_forecast_is_that_of_the_law_that_the_verdict_names(train, study, workspace):
    config = study()
    train(config)
    written = api.forecast(config, [48], workspace)
    (fitted,) = api.fit(str(config), replace(workspace))
    (curve,) = written.forecast.curves
    law = fitted.laws[fitted.verdict.form]
    assert (curve.verdict, curve.form, curve.status) == (fitted.verdict.choice, law.form.name, law.status)
    assert curve.parameters == law.parameters
    (prediction,) = [found for found in api.predict(fitted, [48]) if found.form == law.form.name]
    (target,) = curve.targets
    assert (target.mean, target.new_run) == (prediction.mean, prediction.new_run)
    widths = [interval.high - interval.low for interval in target.means_of_runs]
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] > target.mean.high - target.mean.low


def test_networks_that_are_worse_than_the_law_are_a_miss(train, study, workspace, training):
    config = study()
    train(config)
    written = api.forecast(config, [48], workspace)
    training.excess = lambda filters: 0.1 * (filters == 48)
    train(config, written)
    (scored,) = api.score(config, replace(workspace))
    (target,) = scored.targets
    assert target.outcome is Outcome.MISS
    assert target.relative_error > 0.3
    assert target.z > 1.96


def test_networks_that_diverge_are_left_out(train, study, workspace, training):
    config = study()
    train(config)
    written = api.forecast(config, [48], workspace)
    training.diverges = lambda filters: filters == 48
    train(config, written)
    (scored,) = api.score(config, replace(workspace))
    assert [target.outcome for target in scored.targets] == [Outcome.DIVERGED]


def test_a_file_of_a_forecast_says_what_produced_it(train, study, workspace):
    config = study()
    train(config)
    written = api.forecast(config, [48], workspace)
    content = json.loads(Path(written.file).read_bytes())
    assert Path(written.file).name == f"{written.id}.json"
    assert {"commit", "dirty", "versions", "host", "created_at"} <= content.keys()
    assert content["versions"]["python"]
    (cell,) = content["curves"][0]["targets"][0]["cells"]
    identity = json.loads(cell["identity"])
    assert identity["architecture"]["filters"] == 48
    assert not {"seed", "order"} & identity.keys()


def test_two_forecasts_stand_side_by_side(train, study, workspace):
    config = study()
    train(config)
    first = api.forecast(config, [48], workspace)
    train(config, overrides=["seeds=16"])
    second = api.forecast(config, [48, 96], workspace, overrides=["seeds=16"])
    train(config, second)
    scores = api.score(config, replace(workspace))
    assert [scored.id for scored in scores] == [first.id, second.id]
    assert [[target.wanted for target in scored.targets] for scored in scores] == [[8], [16, 16]]
    assert not {Outcome.OPEN, Outcome.NOT_BLIND} & {target.outcome for s in scores for target in s.targets}
    assert api.score(study(STUDY.replace("grown", "other"), "other.yaml"), replace(workspace)) == []


@pytest.mark.parametrize(
    ("at", "options", "problem"),
    [
        ([48], {}, "at: 48: .*store has runs of this network of tree3 already .8,"),
        ([8], {}, "at: 8: lies within the fitted widths of tree3, 1 to 12"),
        ([96, 5], {}, "at: 5: lies within"),
        ([], {}, "at: expected at least one number of filters above 0"),
        ([0], {}, "at: expected"),
        ([96], {"curves": ["vgg"]}, "curves: vgg: no such curve; expected one of tree3"),
    ],
)
def test_a_forecast_is_refused(train, study, workspace, at, options, problem):
    config = study()
    train(config)
    train(config, overrides=["architectures[0].filters=[48]"])
    with pytest.raises(UsageError, match=problem):
        api.forecast(config, at, workspace, **options)
    assert open_store(workspace.store).forecasts() == {}


def test_a_run_in_any_store_is_enough_to_refuse(train, study, workspace, tmp_path):
    config, other = study(), str(tmp_path / "other")
    train(config)
    train(config, store=other, overrides=["architectures[0].filters=[48]", "seeds=1"])
    with pytest.raises(UsageError, match=r"has runs of this network of tree3 already .1,"):
        api.forecast(config, [48], replace(workspace, also=(other,)))


def test_a_rejected_law_does_not_forecast(train, study, workspace):
    config = study(STUDY.replace("[1, 2, 3, 4, 6, 12]", "[1, 2, 4]"))
    train(config)
    with pytest.raises(FitError, match=r"tree3: .* rejected .*first train at least 6 sizes"):
        api.forecast(config, [48], workspace)


def test_networks_that_differ_in_more_than_their_width_have_no_further_width(train, study, workspace):
    entries = "".join(
        f"  - {{type: tree3, rows: 1, branches: 2, filters: {f}, recipe: {{learning_rate: {0.1 * f:g}}}}}\n"
        for f in (1, 2, 3, 4, 6, 12, 48)
    )
    text = STUDY.replace("  - {type: tree3, rows: 1, branches: 2, filters: [1, 2, 3, 4, 6, 12]}\n", entries)
    config = study(text)
    narrower = study(text.replace(entries.splitlines()[-1] + "\n", ""), "narrower.yaml")
    train(narrower)
    with pytest.raises(UsageError, match="96: the networks of tree3 differ in more than their width"):
        api.forecast(config, [96], workspace)
    written = api.forecast(config, [48], workspace)  # the study has this width
    assert written.forecast.training_overrides == ()
    assert train(config, written) == 8
    assert outcomes(config, workspace) == [[Outcome.HIT]]


def test_runs_that_another_store_had_before_the_forecast_are_not_blind(train, study, workspace, tmp_path):
    config, other = study(), str(tmp_path / "other")
    train(config)
    targets = ["architectures[0].filters=[48]"]
    train(config, store=other, overrides=targets)
    api.forecast(config, [48, 96], workspace)
    api.store_merge(config, workspace.store, replace(workspace, store=other), overrides=targets)
    assert outcomes(config, workspace) == [[Outcome.NOT_BLIND, Outcome.OPEN]]


def test_a_changed_forecast_is_found(train, study, workspace):
    config = study()
    train(config)
    written = api.forecast(config, [48], workspace)
    kept = api.forecast(config, [96], workspace)
    file = Path(written.file)
    file.write_bytes(file.read_bytes().replace(b'"filters": 48', b'"filters": 49'))
    with pytest.warns(StoreDamageWarning, match="1 file of forecasts is damaged and left out"):
        assert [scored.id for scored in api.score(config, replace(workspace))] == [kept.id]
    (damage,) = api.store_verify(workspace).damage
    assert damage.name == written.file
    assert api.store_repair(workspace).moved
    assert api.store_verify(workspace).damage == ()


def test_merging_copies_the_forecasts_of_the_study(train, study, workspace, tmp_path):
    config, copy = study(), str(tmp_path / "copy")
    train(config)
    written = api.forecast(config, [48], workspace)
    for added in (1, 0):
        assert api.store_merge(config, copy, replace(workspace)).forecasts == added
    assert open_store(copy).forecasts() == open_store(workspace.store).forecasts()
    train(config, written, store=copy)
    assert outcomes(config, replace(workspace, store=copy)) == [[Outcome.HIT]]
    other = study(STUDY.replace("grown", "other"), "other.yaml")
    assert api.store_merge(other, str(tmp_path / "third"), replace(workspace)).forecasts == 0


@pytest.mark.parametrize(
    "overrides", [[], ["recipe.learning_rate=[1e-5, 0.2]"], ["architectures[0].branches=1"]]
)
def test_the_training_overrides_give_exactly_the_networks(train, study, workspace, overrides):
    config = study(TWO)
    train(config, overrides=overrides)
    written = api.forecast(config, [48, 96], workspace, overrides=overrides)
    loaded = load_study(config, data=workspace.data, overrides=written.forecast.training_overrides)
    assert {run.id for _, run in loaded.runs()} == target_ids(written)
    assert len(written.forecast.curves) == (4 if "recipe" in str(overrides) else 2)


def test_one_curve_of_several_can_be_forecast(train, study, workspace):
    config = study(TWO)
    train(config)
    written = api.forecast(config, [48], workspace, curves=["lenet5"])
    assert [curve.label for curve in written.forecast.curves] == ["lenet5"]
    assert train(config, written) == 8


def test_pilot_runs_choose_the_runs_that_a_forecast_is_compared_with(train, study, workspace):
    config = study(TUNED)
    train(config)
    written = api.forecast(config, [48], workspace)
    (target,) = written.forecast.curves[0].targets
    assert len({cell.learning_rate for cell in target.cells}) == len(target.cells) == 8
    assert train(config, written) == 16  # pilots, and the runs at the rate that they chose
    assert outcomes(config, workspace) == [[Outcome.HIT]]
    stored = open_store(workspace.store).runs(["id", "learning_rate"])
    (chosen,) = [
        cell for cell in target.cells if cell.learning_rate == pytest.approx(SimulatedTraining.best(48))
    ]
    assert all(pc.index(stored["id"], run_id).as_py() >= 0 for run_id in chosen.run_ids)
    with pytest.raises(UsageError, match=r"48: .*of tree3 already .16, pilot runs included"):
        api.forecast(config, [48], replace(workspace))


def test_a_report_shows_the_forecasts(train, study, workspace):
    config = study()
    train(config)
    assert "Forecasts" not in api.report(config, replace(workspace)).path.read_text()
    written = api.forecast(config, [48, 96], workspace)
    train(config, overrides=["architectures[0].filters=[48]"])
    report = api.report(config, replace(workspace))
    page = report.path.read_text()
    assert "<h2>Forecasts</h2>" in page
    assert written.id[:8] in page
    assert [target.outcome for target in report.forecasts[0].targets] == [Outcome.HIT, Outcome.OPEN]
    assert "1 of 1 forecast hit" in page
    assert "1 forecast open" in page


def test_forecasts_in_a_bucket(train, study, workspace, s3_uri, tmp_path):
    config, workspace = study(), replace(workspace, store=s3_uri)
    train(config, store=s3_uri)
    written = api.forecast(config, [48], workspace)
    assert written.file == f"{s3_uri}/forecasts/{written.id}.json"
    train(config, written, store=s3_uri)
    assert api.store_compact(replace(workspace)).replaced == 7
    assert outcomes(config, workspace) == [[Outcome.HIT]]
    verification = api.store_verify(replace(workspace))
    assert (verification.forecasts, verification.damage) == (1, ())
    copy = str(tmp_path / "copy")
    assert api.store_merge(config, copy, replace(workspace)).forecasts == 1
    backend = open_store(s3_uri).backend
    content = backend.get(f"forecasts/{written.id}.json")
    backend.delete(f"forecasts/{written.id}.json")
    assert backend.put_if_absent(f"forecasts/{written.id}.json", content.replace(b"0", b"1"))
    (damage,) = api.store_verify(replace(workspace)).damage
    assert damage.name == written.file
