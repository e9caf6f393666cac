"""Forecast the errors of networks that are not trained yet, and score the forecasts afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from scaling.api._convergence import find_unfinished_training
from scaling.api._load import CURVE_COLUMN
from scaling.api._results import load_trained
from scaling.api._suggest import fit_curves, label_runs
from scaling.api._workspace import Workspace
from scaling.config import StudySource, load_study
from scaling.errors import FitError, UsageError
from scaling.store import collect_provenance, paths

if TYPE_CHECKING:
    from scaling.config import Cell
    from scaling.config.study_curves import StudyCurve
    from scaling.fit import Fit, Law
    from scaling.plan.forecast import CurveForecast, Forecast, TargetForecast
    from scaling.plan.forecast_score import ForecastScore


@dataclass(frozen=True, kw_only=True)
class WrittenForecast:
    """A forecast in a store."""

    id: str
    """Id of the forecast: the hash of its file."""
    file: str
    """Full name of the file."""
    forecast: Forecast


def forecast(
    config: StudySource,
    at: Sequence[int],
    workspace: Workspace | None = None,
    *,
    overrides: Sequence[str] = (),
    curves: Sequence[str] = (),
) -> WrittenForecast:
    """Write what the laws of a study predict for widths that are not trained yet.

    Args:
        config: YAML file of the study, or its settings.
        at: numbers of filters outside the fitted widths.
        workspace: stores and folders; the forecast goes to the first store.
        overrides: changed settings, such as ``recipe.epochs=5``.
        curves: labels of the curves; by default all.

    Raises:
        UsageError: a store has a run of a forecast network, a width lies within the fitted ones, or the study
            has no such network.
        FitError: the law that the verdict names is missing or rejected.
    """
    from scaling.plan.candidate_widths import extendable_curves
    from scaling.plan.forecast import Forecast
    from scaling.plan.forecast_targets import training_overrides

    workspace = workspace or Workspace()
    widths = sorted(set(at))
    if not widths or widths[0] < 1:
        raise UsageError("expected at least one number of filters above 0, such as 96", option="at")
    results = load_trained(config, workspace, overrides=overrides)
    study = results.plan.study
    chosen = _choose_curves(extendable_curves(study), curves)
    runs = label_runs(results)
    forecaster = _Forecaster(runs, _fit(runs, workspace), workspace)
    curve_forecasts = [forecaster.forecast_curve(curve, widths) for curve in chosen]
    provenance = collect_provenance()
    content = Forecast(
        study=study.name,
        # The time comes last: a run that is published before this time is older than the forecast.
        created_at=datetime.now(UTC),
        commit=provenance.commit,
        dirty=provenance.dirty,
        versions=dict(provenance.versions),
        host=provenance.host,
        overrides=tuple(overrides),
        training_overrides=training_overrides(study, forecaster.cells, overrides),
        curves=tuple(curve_forecasts),
    )
    return _write(content, workspace)


def score(
    config: StudySource, workspace: Workspace | None = None, *, overrides: Sequence[str] = ()
) -> list[ForecastScore]:
    """Compare each forecast of a study with the runs that were trained after it, the oldest forecast first.

    Args:
        config: YAML file of the study, or its settings.
        workspace: stores and folders.
        overrides: changed settings, such as ``study=other``.

    Raises:
        ConfigError: the study is invalid.
        StoreError: a store cannot be read, or this version cannot read a forecast.
    """
    workspace = workspace or Workspace()
    return score_study(load_study(config, data=workspace.data, overrides=overrides).name, workspace)


def score_study(study: str, workspace: Workspace) -> list[ForecastScore]:
    """Compare each forecast of a study with the stored runs of its networks.

    Args:
        study: name of the study.
        workspace: stores and folders.
    """
    from scaling.plan.forecast import decode_forecasts
    from scaling.plan.forecast_score import SCORE_COLUMNS, score_forecast

    stores = workspace.stores()
    forecasts = decode_forecasts(stores.forecasts(), study)
    if not forecasts:
        return []
    runs = stores.runs(SCORE_COLUMNS)
    return [score_forecast(name, content, runs) for name, content in forecasts.items()]


def _choose_curves(curves: Sequence[StudyCurve], labels: Sequence[str]) -> list[StudyCurve]:
    existing = [curve.label for curve in curves]
    if unknown := [label for label in labels if label not in existing]:
        raise UsageError(
            f"{unknown[0]}: no such curve; expected one of {', '.join(existing)}", option="curves"
        )
    return [curve for curve in curves if not labels or curve.label in labels]


def _fit(runs: pa.Table, workspace: Workspace) -> dict[str, Fit]:
    """Return the fit of each curve, with the same status as in a report."""
    from scaling.fit.diagnosis.caution import add_caution

    fits = list(fit_curves(runs).values())
    unfinished = find_unfinished_training(workspace, runs, x="filters", by=(CURVE_COLUMN,))
    return {fit.group[CURVE_COLUMN]: fit for fit in add_caution(fits, unfinished)}


class _Forecaster:
    """Forecasts of the curves of a study.

    Args:
        runs: final runs of the study with their curves.
        fits: fits by the label of the curve.
        workspace: stores that must have no run of a target.
    """

    def __init__(self, runs: pa.Table, fits: dict[str, Fit], workspace: Workspace) -> None:
        self.runs, self.fits, self.workspace = runs, fits, workspace
        self.stored = workspace.stores().runs(["id", "config_json"])
        self.cells: list[Cell] = []
        """Cells of all targets so far."""

    def forecast_curve(self, curve: StudyCurve, widths: Sequence[int]) -> CurveForecast:
        """Return the forecast of a curve at some widths."""
        from scaling.plan.forecast import CurveForecast

        targets = [self._target(curve, width) for width in widths]
        fit = _require_law(curve.label, self.fits.get(curve.label))
        law = fit.laws[fit.verdict.form]
        fitted = fit.points.widths
        if inside := [width for width in widths if fitted[0] <= width <= fitted[-1]]:
            raise UsageError(
                f"{inside[0]}: lies within the fitted widths of {curve.label}, {fitted[0]:g} to"
                f" {fitted[-1]:g}; a forecast is for a width outside",
                option="at",
            )
        self.cells += targets
        has_error = pc.and_kleene(pc.is_finite(self.runs["test_error"]), pc.invert(self.runs["diverged"]))
        used = self.runs.filter(pc.and_kleene(pc.equal(self.runs[CURVE_COLUMN], curve.label), has_error))
        return CurveForecast(
            label=curve.label,
            x=fit.points.x_name,
            y=fit.points.y_name,
            estimand=fit.estimand,
            verdict=fit.verdict.choice.value,
            form=law.form.name,
            formula=law.form.formula,
            status=law.status.value,
            reason=law.reason,
            parameters=law.parameters,
            fitted_sizes=tuple(fitted.tolist()),
            run_ids=tuple(sorted(used["id"].to_pylist())),
            targets=tuple(_forecast_target(fit, law, cell) for cell in targets),
        )

    def _target(self, curve: StudyCurve, filters: int) -> Cell:
        """Return the cell of a target, of which no store may have a run."""
        from scaling.plan.forecast_score import select_target_runs
        from scaling.plan.forecast_targets import candidate_runs, target_cell

        cell = target_cell(curve, filters)
        if existing := select_target_runs(self.stored, candidate_runs(cell)).num_rows:
            stores = ", ".join([self.workspace.store, *self.workspace.also])
            raise UsageError(
                f"{filters}: {stores} has runs of this network of {curve.label} already ({existing}, pilot"
                " runs included); forecast a width that no run has",
                option="at",
            )
        return cell


def _require_law(label: str, fit: Fit | None) -> Fit:
    """Return the fit of a curve if the law that its verdict names can predict.

    Raises:
        FitError: the law is missing or rejected.
    """
    from scaling.fit import Status
    from scaling.fit.quantity import TRAIN_FIRST

    law = fit.laws.get(fit.verdict.form) if fit else None
    if fit is None or law is None:
        raise FitError(f"{label}: has no law to forecast with; {TRAIN_FIRST}")
    if law.status is Status.REJECTED:
        raise FitError(
            f"{label}: its law {law.form.formula} is rejected ({law.reason}), so it is no forecast;"
            f" {TRAIN_FIRST}"
        )
    return fit


def _forecast_target(fit: Fit, law: Law, cell: Cell) -> TargetForecast:
    from scaling.fit.prediction import predict, predict_means
    from scaling.plan.forecast import TargetForecast
    from scaling.plan.forecast_targets import candidate_runs

    filters, form = cell.architecture.filters, law.form.name
    prediction = next(found for found in predict(fit, [filters]) if found.form == form)
    return TargetForecast(
        filters=filters,
        extrapolation=prediction.extrapolation,
        mean=prediction.mean,
        means_of_runs=predict_means(fit, form, filters, max_runs=cell.seeds),
        cells=candidate_runs(cell),
    )


def _write(content: Forecast, workspace: Workspace) -> WrittenForecast:
    store = workspace.stores().first
    name = store.put_forecast(content.encode())
    file = store.backend.full_name(paths.forecast_file(name))
    return WrittenForecast(id=name, file=file, forecast=content)
