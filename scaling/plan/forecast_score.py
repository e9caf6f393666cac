"""Scores of forecasts: each forecast beside the mean of the runs that were trained after it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from math import inf, isfinite
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.special import ndtri

from scaling.config import RateChoice
from scaling.config.cell_index import SEED_AND_ORDER
from scaling.fit import Interval
from scaling.fit.interval import CONFIDENCE_LEVEL
from scaling.plan.forecast import CurveForecast, Forecast, TargetCell, TargetForecast

SCORE_COLUMNS = ("id", "config_json", "test_error", "val_error", "diverged", "created_at")
"""Columns of the store's runs that a score needs."""


class Outcome(StrEnum):
    """Outcome of a forecast at one size."""

    HIT = "hit"
    """The observed mean lies in the predicted interval."""
    MISS = "miss"
    OPEN = "open"
    """Some of the runs are not trained yet."""
    NOT_BLIND = "not blind"
    """A run or a pilot run of this network is older than the forecast. Such a forecast does not count."""
    DIVERGED = "diverged"
    """All runs diverged, so that there is no mean."""


@dataclass(frozen=True, kw_only=True)
class TargetScore:
    """A forecast at one size beside the observed mean; what cannot be computed is None."""

    label: str
    """Label of the curve."""
    form: str
    """Name of the form that predicted."""
    filters: int
    extrapolation: float
    """Number of filters over that of the widest fitted network."""
    outcome: Outcome
    predicted: Interval
    """Predicted mean of the runs that have an error; of all runs while the forecast is open."""
    observed: Interval | None
    """Mean of the runs with Student's interval."""
    wanted: int
    """Number of runs that the forecast is compared with."""
    trained: int
    """Number of these runs that a store has."""
    runs: int
    """Number of trained runs that have an error; the others diverged."""
    relative_error: float | None
    """Observed over predicted mean - 1: above 0 if the networks are worse than predicted."""
    z: float | None
    """Distance of the observed mean from the predicted one, in units of the predicted standard deviation on
    its side of the interval: +-1.96 at the ends."""
    runs_inside: int | None
    """Number of runs whose error lies in the predicted interval of one run."""

    @property
    def counts(self) -> bool:
        """Return whether the outcome is a hit or a miss."""
        return self.outcome in (Outcome.HIT, Outcome.MISS)


@dataclass(frozen=True, kw_only=True)
class ForecastScore:
    """Score of one forecast."""

    id: str
    """Id of the forecast: the hash of its file."""
    forecast: Forecast
    targets: tuple[TargetScore, ...]
    """Scores by curve and size."""

    @property
    def is_open(self) -> bool:
        """Return whether some target is not trained yet."""
        return any(target.outcome is Outcome.OPEN for target in self.targets)

    def to_dict(self) -> dict[str, Any]:
        """Return the forecast and its score as JSON values."""
        return {
            "id": self.id,
            "forecast": self.forecast.model_dump(mode="json"),
            "score": [{**asdict(target), "outcome": target.outcome.value} for target in self.targets],
        }


def score_forecast(forecast_id: str, forecast: Forecast, runs: pa.Table) -> ForecastScore:
    """Compare a forecast with the runs of its targets.

    Args:
        forecast_id: id of the forecast.
        forecast: the forecast.
        runs: rows of the stores' runs, with the columns ``SCORE_COLUMNS``.
    """
    return ForecastScore(
        id=forecast_id,
        forecast=forecast,
        targets=tuple(
            _score_target(curve, target, runs, forecast=forecast)
            for curve in forecast.curves
            for target in curve.targets
        ),
    )


def select_target_runs(runs: pa.Table, cells: Sequence[TargetCell]) -> pa.Table:
    """Return the runs of some cells with any seed, and their pilot runs.

    Args:
        runs: rows of the stores' runs, with the columns ``id`` and ``config_json``.
        cells: the cells.
    """
    identities = pc.replace_substring_regex(runs["config_json"], SEED_AND_ORDER, "")
    pilot_ids = [run_id for cell in cells for run_id in cell.pilot_ids]
    of_cell = pc.is_in(identities, pa.array([cell.identity for cell in cells], pa.string()))
    return runs.filter(pc.or_(of_cell, pc.is_in(runs["id"], pa.array(pilot_ids, pa.string()))))


def _score_target(
    curve: CurveForecast, target: TargetForecast, runs: pa.Table, *, forecast: Forecast
) -> TargetScore:
    related = select_target_runs(runs, target.cells)
    cell = _chosen_cell(target.cells, related)
    trained = _select(related, cell.run_ids) if cell else related.slice(0, 0)
    has_error = pc.and_kleene(pc.is_finite(trained["test_error"]), pc.invert(trained["diverged"]))
    errors = np.asarray(trained.filter(pc.fill_null(has_error, False))["test_error"], dtype=float)
    wanted, observed = len(target.means_of_runs), Interval.of_mean(errors) if len(errors) else None
    predicted = target.means_of_runs[(len(errors) or wanted) - 1]
    is_old = any(time < forecast.created_at for time in related["created_at"].to_pylist())
    outcome = _outcome(predicted, observed, is_old=is_old, is_complete=len(trained) == wanted)
    shown = observed if outcome is not Outcome.OPEN else None
    return TargetScore(
        label=curve.label,
        form=curve.form,
        filters=target.filters,
        extrapolation=target.extrapolation,
        outcome=outcome,
        predicted=predicted if shown else target.means_of_runs[-1],
        observed=shown,
        wanted=wanted,
        trained=len(trained),
        runs=len(errors),
        relative_error=_relative_error(predicted, shown),
        z=_z(predicted, shown),
        runs_inside=_count_inside(target.new_run, errors) if shown else None,
    )


def _chosen_cell(cells: Sequence[TargetCell], related: pa.Table) -> TargetCell | None:
    """Return the cell with the learning rate that pilot runs chose; None before they have chosen."""
    if len(cells) == 1:
        return cells[0]
    pilots = _select(related, [run_id for cell in cells for run_id in cell.pilot_ids])
    rows = zip(*(pilots[name].to_pylist() for name in ("id", "val_error", "diverged")), strict=True)
    errors = {
        run_id: inf if diverged or error is None or not isfinite(error) else error
        for run_id, error, diverged in rows
    }
    if any(run_id not in errors for cell in cells for run_id in cell.pilot_ids):
        return None
    choice = RateChoice(
        rates=tuple(cell.learning_rate for cell in cells),
        errors=tuple(tuple(errors[run_id] for run_id in cell.pilot_ids) for cell in cells),
    )
    return next(cell for cell in cells if cell.learning_rate == choice.rate)


def _select(runs: pa.Table, ids: Iterable[str]) -> pa.Table:
    return runs.filter(pc.is_in(runs["id"], pa.array(list(ids), pa.string())))


def _outcome(predicted: Interval, observed: Interval | None, *, is_old: bool, is_complete: bool) -> Outcome:
    if is_old:
        return Outcome.NOT_BLIND
    if not is_complete:
        return Outcome.OPEN
    if observed is None:
        return Outcome.DIVERGED
    return Outcome.HIT if predicted.low <= observed.estimate <= predicted.high else Outcome.MISS


def _relative_error(predicted: Interval, observed: Interval | None) -> float | None:
    return observed.estimate / predicted.estimate - 1 if observed and predicted.estimate > 0 else None


def _z(predicted: Interval, observed: Interval | None) -> float | None:
    """Return the distance in standard deviations; the two sides of an interval have their own."""
    if observed is None:
        return None
    distance = observed.estimate - predicted.estimate
    end = predicted.high if distance > 0 else predicted.low
    std = abs(end - predicted.estimate) / float(ndtri((1 + CONFIDENCE_LEVEL) / 2))
    return distance / std if 0 < std < inf else None


def _count_inside(predicted: Interval, errors: NDArray[np.float64]) -> int:
    return int(((predicted.low <= errors) & (errors <= predicted.high)).sum())
