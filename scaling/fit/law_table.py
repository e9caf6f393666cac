"""Laws as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scaling.fit.forms import FORMS
from scaling.fit.result import Fit


def tabulate_laws(fits: Sequence[Fit]) -> list[dict[str, Any]]:
    """One flat row a group and form, all with the same keys: None for a parameter that a form lacks. Of what is held out the most is told."""
    return [
        {
            "label": fit.label,
            "x": fit.points.x_name,
            "y": fit.points.y_name,
            "form": name,
            "formula": law.form.formula,
            **{
                name + suffix: getattr(law.parameters[name], end) if name in law.parameters else None
                for name in dict.fromkeys(name for form in FORMS.values() for name in form.parameters)
                for suffix, end in (("", "estimate"), ("_low", "low"), ("_high", "high"))
            },
            "rmse_log": law.rmse_log,
            "held_out_rmse_log": law.held_out[-1].rmse_log if law.held_out else None,
            "held_out_bias": law.held_out[-1].bias if law.held_out else None,
            "left_out": ", ".join(f"{x:g}" for x in law.held_out[-1].left_out) if law.held_out else None,
            "aicc": law.aicc,
            "widths": len(fit.points.widths),
            "runs": len(fit.points.y),
            "estimand": fit.estimand,
            "status": law.status.value,
            "reason": law.reason,
            "verdict": fit.verdict.choice.value,
        }
        for fit in fits
        for name, law in fit.laws.items()
    ]
