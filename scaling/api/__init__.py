"""What the command line does, for Python: plan, run, read, fit, report. Each file is imported when a name of it is first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scaling.api.available import catalogue, fetch, inventory
    from scaling.api.comparing import compare, comparison_text
    from scaling.api.ensembling import draw_ensembles, ensemble, ensemble_rows, ensembles_text
    from scaling.api.explain import Difference, Reason, diff, why
    from scaling.api.fitting import finite, fit_source, foretell, further, laws_text, predictions_text, reach_text
    from scaling.api.looking import Looked, look
    from scaling.api.measuring import bench
    from scaling.api.optima import draw_optima, optima_text, optimum
    from scaling.api.reading import figures, finals, merge, report, results, tidy, write_table
    from scaling.api.rounds import Round, Until, run_until
    from scaling.api.running import Failure, Outcome, run
    from scaling.api.settings import Settings
    from scaling.api.studies import Timing, plan, timings
    from scaling.api.suggesting import Aim, Suggested, Suggestion, suggest

__all__ = [
    "Aim",
    "Difference",
    "Failure",
    "Looked",
    "Outcome",
    "Reason",
    "Round",
    "Settings",
    "Suggested",
    "Suggestion",
    "Timing",
    "Until",
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
    "foretell",
    "further",
    "inventory",
    "laws_text",
    "look",
    "merge",
    "optima_text",
    "optimum",
    "plan",
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
    "settings",
    "studies",
    "counting",
    "reading",
    "sources",
    "fitting",
    "comparing",
    "ensembling",
    "optima",
    "explain",
    "looking",
    "available",
    "running",
    "measuring",
    "suggesting",
    "rounds",
)
"""Where these names are looked for. None may be called like a file: an import of the file would hide it."""


def __getattr__(name: str) -> object:
    if name in __all__:
        for file in FILES:
            names = vars(import_module(f"{__name__}.{file}"))
            if name in names:
                return globals().setdefault(name, names[name])
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
