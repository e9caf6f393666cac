"""Files of forecasts: what is written is read, and scores follow from the definition of each number."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from math import inf, isnan

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import norm, t

from scaling.architectures import Tree3
from scaling.config import Data, Recipe, Run
from scaling.errors import StoreError
from scaling.fit import Interval
from scaling.plan.forecast import CurveForecast, Forecast, TargetCell, TargetForecast, decode_forecasts
from scaling.plan.forecast_score import Outcome, score_forecast, select_target_runs

CREATED = datetime(2026, 1, 2, tzinfo=UTC)
MEANS = tuple(Interval(estimate=0.2, low=0.2 - 0.06 / n, high=0.2 + 0.09 / n) for n in (1, 2, 3, 4))
RATES = (0.1, 0.2)


def run(seed: int, *, rate: float = RATES[0], filters: int = 48) -> Run:
    return Run(
        data=Data(type="synthetic", fingerprint="0" * 64),
        architecture=Tree3(filters=filters, rows=1, branches=2),
        recipe=Recipe(learning_rate=rate),
        seed=seed,
        order=seed // 8,
    )


def target_cell(rate: float, *pilot_ids: str) -> TargetCell:
    whole = json.loads(run(0, rate=rate).config_json)
    del whole["seed"], whole["order"]
    identity = json.dumps(whole, sort_keys=True, separators=(",", ":"))
    ids = tuple(run(seed, rate=rate).id for seed in range(4))
    return TargetCell(learning_rate=rate, identity=identity, run_ids=ids, pilot_ids=pilot_ids)


FIXED = (target_cell(RATES[0]),)
TUNED = tuple(target_cell(rate, f"pilot {rate}") for rate in RATES)


def forecast(cells: tuple[TargetCell, ...] = FIXED, **fields: object) -> Forecast:
    target = TargetForecast(
        filters=48,
        extrapolation=4.0,
        mean=Interval(estimate=0.2, low=0.19, high=inf),
        means_of_runs=MEANS,
        cells=cells,
    )
    curve = CurveForecast(
        label="tree3",
        x="filters",
        y="test_error",
        estimand="mean error over seeds, on this test set",
        verdict="floor needed",
        form="floor",
        formula="A x^-rho + E",
        status="usable",
        reason="",
        parameters={"exponent": Interval(estimate=0.5, low=0.4, high=inf)},
        fitted_sizes=(1.0, 12.0),
        run_ids=("a", "b"),
        targets=(target,),
    )
    defaults = {
        "study": "planted",
        "created_at": CREATED,
        "commit": None,
        "dirty": None,
        "versions": {"python": "3.12", "ray": None},
        "host": "here",
        "overrides": (),
        "training_overrides": ("seeds=4",),
        "curves": (curve,),
    }
    return Forecast.model_validate(defaults | fields)


def runs_table(
    errors: dict[int, float | None],
    *,
    rate: float = RATES[0],
    pilots: dict[str, float] | None = None,
    days: dict[int, float] | None = None,
) -> pa.Table:
    """Return rows of runs with these errors by seed; a run without an error diverged."""
    rows = [
        {
            "id": run(seed, rate=rate).id,
            "config_json": run(seed, rate=rate).config_json,
            "test_error": error,
            "val_error": None,
            "diverged": error is None,
            "created_at": CREATED + timedelta(days=(days or {}).get(seed, 1)),
        }
        for seed, error in errors.items()
    ]
    rows += [
        {
            "id": name,
            "config_json": "{}",
            "test_error": 0.5,
            "val_error": error,
            "diverged": False,
            "created_at": CREATED + timedelta(days=1),
        }
        for name, error in (pilots or {}).items()
    ]
    types = [pa.string(), pa.string(), pa.float64(), pa.float64(), pa.bool_(), pa.timestamp("us", tz="UTC")]
    names = ["id", "config_json", "test_error", "val_error", "diverged", "created_at"]
    return pa.Table.from_pylist(rows, pa.schema(list(zip(names, types, strict=True))))


def score(runs: pa.Table, cells: tuple[TargetCell, ...] = FIXED):
    (target,) = score_forecast("id", forecast(cells), runs).targets
    return target


def test_a_forecast_is_read_as_it_was_written():
    written = forecast()
    assert Forecast.decode(written.encode(), "id") == written
    assert written.encode() == Forecast.decode(written.encode(), "id").encode()
    parameters = json.loads(written.encode())["curves"][0]["parameters"]
    assert parameters["exponent"]["high"] == "Infinity"


def test_the_forecasts_of_a_study_are_read_by_their_time():
    contents = {
        "a": forecast(created_at=CREATED + timedelta(days=1)).encode(),
        "b": forecast().encode(),
        "c": forecast(study="other").encode(),
    }
    assert list(decode_forecasts(contents, "planted")) == ["b", "a"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"schema_version": 2}, "schema_version"),
        ({"new": 1}, "new"),
        ({"created_at": "2026-01-02T00:00:00"}, "created_at"),
    ],
)
def test_a_forecast_of_a_newer_version_is_refused_with_the_field(change, field):
    data = json.dumps(json.loads(forecast().encode()) | change).encode()
    with pytest.raises(StoreError, match=f"forecast id: this version cannot read {field} .*upgrade with"):
        Forecast.decode(data, "id")


def test_what_is_no_forecast_is_refused():
    with pytest.raises(StoreError, match="forecast id: this version cannot read it"):
        Forecast.decode(b"[", "id")


@pytest.mark.parametrize(
    ("shift", "outcome"), [(0.0, Outcome.HIT), (0.03, Outcome.MISS), (-0.02, Outcome.MISS)]
)
def test_the_mean_of_the_runs_is_compared_with_the_interval_of_so_many_runs(shift, outcome):
    errors = np.array([0.19, 0.2, 0.21, 0.204]) + shift
    target = score(runs_table(dict(enumerate(errors))))
    assert target.outcome is outcome
    assert target.counts
    assert (target.predicted, target.wanted, target.trained, target.runs) == (MEANS[3], 4, 4, 4)
    assert target.observed.estimate == pytest.approx(errors.sum() / 4)
    half = t.ppf(0.975, 3) * errors.std(ddof=1) / 2
    assert target.observed.high - target.observed.estimate == pytest.approx(half)
    assert target.relative_error == pytest.approx(errors.sum() / 4 / 0.2 - 1)
    assert target.runs_inside == sum(0.14 <= error <= 0.29 for error in errors)


@pytest.mark.parametrize(("end", "sign"), [(MEANS[3].low, -1), (MEANS[3].high, 1)])
def test_z_at_an_end_of_the_interval_is_the_quantile_of_the_normal_distribution(end, sign):
    assert score(runs_table(dict.fromkeys(range(4), end))).z == pytest.approx(sign * norm.ppf(0.975))


def test_z_and_relative_error_are_none_where_they_have_no_meaning():
    means = tuple(Interval(estimate=0.0, low=0.0, high=inf) for _ in range(4))
    (curve,) = forecast().curves
    (target,) = curve.targets
    curve = curve.model_copy(update={"targets": (target.model_copy(update={"means_of_runs": means}),)})
    changed = forecast(curves=(curve,))
    (result,) = score_forecast("id", changed, runs_table(dict.fromkeys(range(4), 0.1))).targets
    assert (result.z, result.relative_error, result.outcome) == (None, None, Outcome.HIT)


def test_runs_that_diverge_have_no_error_and_the_interval_is_for_fewer_runs():
    target = score(runs_table({0: 0.2, 1: None, 2: 0.21, 3: None}))
    assert (target.trained, target.runs, target.predicted) == (4, 2, MEANS[1])
    assert target.observed.estimate == pytest.approx(0.205)
    single = score(runs_table({0: 0.2, 1: None, 2: None, 3: None}))
    assert single.outcome is Outcome.HIT
    assert isnan(single.observed.low)
    assert score(runs_table(dict.fromkeys(range(4)))).outcome is Outcome.DIVERGED


def test_a_forecast_is_open_until_all_runs_are_trained():
    target = score(runs_table({0: 0.5, 1: 0.5, 2: 0.5}))
    assert (target.outcome, target.trained, target.observed) == (Outcome.OPEN, 3, None)
    assert (target.z, target.relative_error, target.runs_inside) == (None, None, None)
    assert target.predicted == MEANS[3]


def test_a_run_that_is_older_than_the_forecast_makes_it_not_blind():
    errors = dict.fromkeys(range(4), 0.2)
    assert score(runs_table(errors, days={2: -1})).outcome is Outcome.NOT_BLIND
    assert score(runs_table({2: 0.2}, days={2: -1})).outcome is Outcome.NOT_BLIND
    other_seed = score(runs_table({**errors, 17: 0.2}, days={17: -1}))
    assert other_seed.outcome is Outcome.NOT_BLIND
    assert other_seed.runs == 4
    assert not other_seed.counts
    assert score(runs_table({**errors, 17: 0.2})).outcome is Outcome.HIT


@pytest.mark.parametrize(("pilots", "rate"), [((0.3, 0.4), RATES[0]), ((0.4, 0.3), RATES[1])])
def test_the_runs_at_the_learning_rate_that_pilot_runs_choose_count(pilots, rate):
    tried = dict(zip(("pilot 0.1", "pilot 0.2"), pilots, strict=True))
    errors = dict.fromkeys(range(4), 0.2)
    assert score(runs_table(errors, rate=rate, pilots=tried), TUNED).outcome is Outcome.HIT
    other = RATES[1] if rate == RATES[0] else RATES[0]
    assert score(runs_table(errors, rate=other, pilots=tried), TUNED).outcome is Outcome.OPEN
    assert score(runs_table(errors, rate=rate, pilots={"pilot 0.1": 0.3}), TUNED).outcome is Outcome.OPEN


def test_the_runs_of_a_network_are_found_by_their_configuration_and_the_pilots_by_their_ids():
    table = pa.concat_tables(
        [
            runs_table({0: 0.1, 30: 0.2}, pilots={"pilot 0.1": 0.3, "elsewhere": 0.3}),
            runs_table({0: 0.1}, rate=0.7),
        ]
    )
    found = select_target_runs(table, TUNED)["id"].to_pylist()
    assert found == [run(0).id, run(30).id, "pilot 0.1"]
