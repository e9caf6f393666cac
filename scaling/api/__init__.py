"""Python interface to everything that the command line does.

Each name is imported when it is first used, so that importing this package is fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analysis.claims.page import render_claims
    from analysis.comparison_text import render_comparison
    from analysis.drawable_fit import FitList
    from analysis.ensemble import ensemble_rows, render_ensembles
    from analysis.figure_options import FigureOptions
    from analysis.forecasts import render_forecast, render_scores
    from analysis.history import render_history
    from analysis.joint_text import render_frontiers, render_joint_laws, render_joint_predictions
    from analysis.laws_text import render_laws, render_predictions, render_sizes_for_error
    from analysis.optimum import render_optima
    from analysis.power import render_power
    from analysis.pruning import render_pruning
    from analysis.rejection import render_rejection
    from analysis.separability import render_separability
    from analysis.shifts import render_shifts
    from scaling.api._bench import BenchResult, bench
    from scaling.api._bench_inference import InferenceResult, InferenceSpeed, bench_inference
    from scaling.api._bundle import Bundle, bundle
    from scaling.api._claims import claims, write_claims
    from scaling.api._classify import Classification, PictureClass, RefusedPicture, classify
    from scaling.api._compare import compare
    from scaling.api._data import check_datasets, download_datasets, list_datasets
    from scaling.api._ensemble import draw_ensemble, ensemble
    from scaling.api._explain import Difference, Reason, diff, why
    from scaling.api._export import export
    from scaling.api._figures import figure_folder
    from scaling.api._fit import FitDetails, RequiredSize, fit, fit_details
    from scaling.api._fit_options import BestOver, CountColumns, FitOptions, JointOptions, RowOptions
    from scaling.api._forecast import WrittenForecast, forecast, score
    from scaling.api._history import history, write_history
    from scaling.api._inspect import Inspection, inspect
    from scaling.api._joint import fit_joint
    from scaling.api._json import replace_nonfinite
    from scaling.api._load import is_external_table
    from scaling.api._models import list_models
    from scaling.api._optimum import draw_optimum, optimum
    from scaling.api._plan import plan
    from scaling.api._power import power
    from scaling.api._prune import PruningOutcome, draw_pruning, prune
    from scaling.api._push import PushedStudy, push
    from scaling.api._reject import draw_rejection, reject
    from scaling.api._report import report, report_table
    from scaling.api._results import StudyResults, load_results
    from scaling.api._retrain import RetrainedRun, retrain
    from scaling.api._run import RunOutcome, RunStart, run
    from scaling.api._run_until import Iteration, SequentialResult, run_until
    from scaling.api._schema import NewStudy, column_reference, init, schema_reference, schema_text
    from scaling.api._separable import separable
    from scaling.api._shift import draw_shifts, shift
    from scaling.api._status import CoreTime, PruningStatus, StudyStatus, status
    from scaling.api._store import store_compact, store_merge, store_repair, store_sweep, store_verify
    from scaling.api._study import Study
    from scaling.api._submit import submit
    from scaling.api._suggest import CurveSuggestion, Suggestion, suggest
    from scaling.api._sweep import PackFailure
    from scaling.api._table import RunTable, table, tidy_table, write_table
    from scaling.api._target import Target
    from scaling.api._tracking import TrackingOutcome
    from scaling.api._workspace import Workspace
    from scaling.architectures import CatalogueEntry
    from scaling.fit import predict, predict_joint
    from scaling.store import count_damage
    from scaling.sweep.submit import Job

_EXPORTS = {
    "BenchResult": "scaling.api._bench",
    "BestOver": "scaling.api._fit_options",
    "Bundle": "scaling.api._bundle",
    "CatalogueEntry": "scaling.architectures",
    "Classification": "scaling.api._classify",
    "CoreTime": "scaling.api._status",
    "CountColumns": "scaling.api._fit_options",
    "CurveSuggestion": "scaling.api._suggest",
    "Difference": "scaling.api._explain",
    "FigureOptions": "analysis.figure_options",
    "FitDetails": "scaling.api._fit",
    "FitList": "analysis.drawable_fit",
    "FitOptions": "scaling.api._fit_options",
    "InferenceResult": "scaling.api._bench_inference",
    "InferenceSpeed": "scaling.api._bench_inference",
    "Inspection": "scaling.api._inspect",
    "Iteration": "scaling.api._run_until",
    "Job": "scaling.sweep.submit",
    "JointOptions": "scaling.api._fit_options",
    "NewStudy": "scaling.api._schema",
    "PackFailure": "scaling.api._sweep",
    "PictureClass": "scaling.api._classify",
    "PruningOutcome": "scaling.api._prune",
    "PruningStatus": "scaling.api._status",
    "PushedStudy": "scaling.api._push",
    "Reason": "scaling.api._explain",
    "RefusedPicture": "scaling.api._classify",
    "RequiredSize": "scaling.api._fit",
    "RetrainedRun": "scaling.api._retrain",
    "RowOptions": "scaling.api._fit_options",
    "RunOutcome": "scaling.api._run",
    "RunStart": "scaling.api._run",
    "RunTable": "scaling.api._table",
    "SequentialResult": "scaling.api._run_until",
    "Study": "scaling.api._study",
    "StudyResults": "scaling.api._results",
    "StudyStatus": "scaling.api._status",
    "Suggestion": "scaling.api._suggest",
    "Target": "scaling.api._target",
    "TrackingOutcome": "scaling.api._tracking",
    "Workspace": "scaling.api._workspace",
    "WrittenForecast": "scaling.api._forecast",
    "bench": "scaling.api._bench",
    "bench_inference": "scaling.api._bench_inference",
    "bundle": "scaling.api._bundle",
    "check_datasets": "scaling.api._data",
    "claims": "scaling.api._claims",
    "classify": "scaling.api._classify",
    "column_reference": "scaling.api._schema",
    "compare": "scaling.api._compare",
    "count_damage": "scaling.store",
    "diff": "scaling.api._explain",
    "download_datasets": "scaling.api._data",
    "draw_ensemble": "scaling.api._ensemble",
    "draw_optimum": "scaling.api._optimum",
    "draw_pruning": "scaling.api._prune",
    "draw_rejection": "scaling.api._reject",
    "draw_shifts": "scaling.api._shift",
    "ensemble": "scaling.api._ensemble",
    "ensemble_rows": "analysis.ensemble",
    "export": "scaling.api._export",
    "figure_folder": "scaling.api._figures",
    "fit": "scaling.api._fit",
    "fit_details": "scaling.api._fit",
    "fit_joint": "scaling.api._joint",
    "forecast": "scaling.api._forecast",
    "history": "scaling.api._history",
    "init": "scaling.api._schema",
    "inspect": "scaling.api._inspect",
    "is_external_table": "scaling.api._load",
    "list_datasets": "scaling.api._data",
    "list_models": "scaling.api._models",
    "load_results": "scaling.api._results",
    "optimum": "scaling.api._optimum",
    "plan": "scaling.api._plan",
    "power": "scaling.api._power",
    "predict": "scaling.fit",
    "predict_joint": "scaling.fit",
    "prune": "scaling.api._prune",
    "push": "scaling.api._push",
    "reject": "scaling.api._reject",
    "render_claims": "analysis.claims.page",
    "render_comparison": "analysis.comparison_text",
    "render_ensembles": "analysis.ensemble",
    "render_forecast": "analysis.forecasts",
    "render_frontiers": "analysis.joint_text",
    "render_history": "analysis.history",
    "render_joint_laws": "analysis.joint_text",
    "render_joint_predictions": "analysis.joint_text",
    "render_laws": "analysis.laws_text",
    "render_optima": "analysis.optimum",
    "render_power": "analysis.power",
    "render_predictions": "analysis.laws_text",
    "render_pruning": "analysis.pruning",
    "render_rejection": "analysis.rejection",
    "render_scores": "analysis.forecasts",
    "render_separability": "analysis.separability",
    "render_shifts": "analysis.shifts",
    "render_sizes_for_error": "analysis.laws_text",
    "replace_nonfinite": "scaling.api._json",
    "report": "scaling.api._report",
    "report_table": "scaling.api._report",
    "retrain": "scaling.api._retrain",
    "run": "scaling.api._run",
    "run_until": "scaling.api._run_until",
    "schema_reference": "scaling.api._schema",
    "schema_text": "scaling.api._schema",
    "score": "scaling.api._forecast",
    "separable": "scaling.api._separable",
    "shift": "scaling.api._shift",
    "status": "scaling.api._status",
    "store_compact": "scaling.api._store",
    "store_merge": "scaling.api._store",
    "store_repair": "scaling.api._store",
    "store_sweep": "scaling.api._store",
    "store_verify": "scaling.api._store",
    "submit": "scaling.api._submit",
    "suggest": "scaling.api._suggest",
    "table": "scaling.api._table",
    "tidy_table": "scaling.api._table",
    "why": "scaling.api._explain",
    "write_claims": "scaling.api._claims",
    "write_history": "scaling.api._history",
    "write_table": "scaling.api._table",
}
"""Public names, and the module that defines each."""

__all__ = sorted(_EXPORTS)


def __getattr__(name: str) -> object:
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_EXPORTS[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
