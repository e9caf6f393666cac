"""What the command line does, for Python: plan, run, read, fit, report. Heavy rooms are imported when they are first needed."""

from __future__ import annotations

from scaling.api.catalogue import catalogue, fetch, inventory
from scaling.api.explain import Difference, Reason, diff, why
from scaling.api.reading import fit_source, laws_text, merge, report, results, tidy, write_table
from scaling.api.running import Failure, Outcome, run
from scaling.api.settings import Settings
from scaling.api.studies import plan

__all__ = [
    "Difference",
    "Failure",
    "Outcome",
    "Reason",
    "Settings",
    "catalogue",
    "diff",
    "fetch",
    "fit_source",
    "inventory",
    "laws_text",
    "merge",
    "plan",
    "report",
    "results",
    "run",
    "tidy",
    "why",
    "write_table",
]
