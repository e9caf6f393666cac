"""How far to trust a law: computed, each time with its reasons."""

from __future__ import annotations

from scaling.fit.forms import Form
from scaling.fit.points import Points
from scaling.fit.result import Interval, Status
from scaling.fit.solve import STEEPEST

WIDTHS, SPAN, SEEDS = 6, 10.0, 4
"""Fewer widths, a smaller factor between the ends, or fewer runs a width than these ask for a look."""


def judge(form: Form, points: Points, parameters: dict[str, Interval]) -> tuple[Status, str]:
    """The status of a law, and why; the reason is empty for a usable one."""
    widths, span, seeds = len(points.widths), points.widths[-1] / points.widths[0], points.counts.min()
    exponent = parameters["exponent"]
    if widths < len(form.parameters) + 1:
        return Status.REFUSE, f"{widths} widths for {len(form.parameters)} parameters: any data would fit"
    reasons = []
    if widths < WIDTHS:
        reasons.append(f"fewer than {WIDTHS} widths")
    if span < SPAN:
        reasons.append(f"{points.x_name} spans a factor of {span:.3g}, less than {SPAN:g}")
    if seeds < SEEDS:
        reasons.append(f"fewer than {SEEDS} runs at a width")
    if exponent.low <= 0 <= exponent.high:
        reasons.append("the exponent's interval holds 0")
    if exponent.low <= -STEEPEST or exponent.high >= STEEPEST:
        reasons.append(f"the exponent's interval reaches the end of the search, {STEEPEST:g}")
    if form.floored and parameters["floor"].low <= 0:
        reasons.append("the floor's interval reaches its bound, 0")
    return (Status.LOOK if reasons else Status.USABLE), "; ".join(reasons)
