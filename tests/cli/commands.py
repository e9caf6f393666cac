"""Commands and options that several tests use."""

from __future__ import annotations

import json

PILOTS = (
    "--set",
    "recipe.learning_rate=auto",
    "--set",
    "pilots={learning_rates: [0.1, 0.3], validation: 50}",
)
"""Options for a study whose learning rates are chosen by pilot runs."""


def plan_json(scaling, *words: object) -> dict:
    """Return the plan that ``scaling plan --json`` prints."""
    result = scaling("plan", *words, "--json")
    assert (result.code, result.err) == (0, "")
    return json.loads(result.out)
