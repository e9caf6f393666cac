"""Table of laws: one flat row for each group and form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scaling.fit.forms import FORMS
from scaling.fit.result import Fit


def tabulate_laws(fits: Sequence[Fit]) -> list[dict[str, Any]]:
    """Return one row for each group and form, all with the same keys.

    A parameter that a form does not have is None. The held-out columns are those of the set with the most
    held-out widths.

    Args:
        fits: laws of the groups.
    """
    names = dict.fromkeys(name for form in FORMS.values() for name in form.parameters)
    limits = (("", "estimate"), ("_low", "low"), ("_high", "high"))
    return [
        {
            "label": fit.label,
            "x": fit.points.x_name,
            "y": fit.points.y_name,
            "form": form,
            "formula": law.form.formula,
            **{
                name + suffix: getattr(law.parameters[name], limit) if name in law.parameters else None
                for name in names
                for suffix, limit in limits
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
        for form, law in fit.laws.items()
    ]
