"""What the command line does, for Python: plan, run, read, fit, report. Each file is imported when a name of it is first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scaling.api._bench import bench
    from scaling.api._compare import compare, comparison_text
    from scaling.api._ensemble import draw_ensembles, ensemble, ensemble_rows, ensembles_text
    from scaling.api._explain import Difference, Reason, diff, why
    from scaling.api._fit import (
        finite,
        fit_source,
        further,
        laws_text,
        predict,
        predictions_text,
        reach_text,
    )
    from scaling.api._inspect import Inspection, look
    from scaling.api._models import catalogue, fetch, inventory
    from scaling.api._optimum import draw_optima, optima_text, optimum
    from scaling.api._plan import Timing, plan, timings
    from scaling.api._report import figures, finals, merge, report, results, tidy, write_table
    from scaling.api._run import Failure, Outcome, run
    from scaling.api._run_until import Iteration, SequentialResult, run_until
    from scaling.api._suggest import CurveSuggestion, Suggestion, Target, suggest
    from scaling.api._workspace import Workspace

__all__ = [
    "CurveSuggestion",
    "Difference",
    "Failure",
    "Inspection",
    "Iteration",
    "Outcome",
    "Reason",
    "SequentialResult",
    "Suggestion",
    "Target",
    "Timing",
    "Workspace",
    "bench",
    "catalogue",
    "compare",
    "comparison_text",
    "diff",
    "draw_ensembles",
    "draw_optima",
    "ensemble",
    "ensemble_rows",
    "ensembles_text",
    "fetch",
    "figures",
    "finals",
    "finite",
    "fit_source",
    "further",
    "inventory",
    "laws_text",
    "look",
    "merge",
    "optima_text",
    "optimum",
    "plan",
    "predict",
    "predictions_text",
    "reach_text",
    "report",
    "results",
    "run",
    "run_until",
    "suggest",
    "tidy",
    "timings",
    "why",
    "write_table",
]

FILES = (
    "_workspace",
    "_plan",
    "_derived_counts",
    "_report",
    "_load",
    "_fit",
    "_compare",
    "_ensemble",
    "_optimum",
    "_explain",
    "_inspect",
    "_models",
    "_run",
    "_bench",
    "_suggest",
    "_run_until",
)
"""Where these names are looked for. None may be called like a file: an import of the file would hide it."""


def __getattr__(name: str) -> object:
    if name in __all__:
        for file in FILES:
            names = vars(import_module(f"{__name__}.{file}"))
            if name in names:
                return globals().setdefault(name, names[name])
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
