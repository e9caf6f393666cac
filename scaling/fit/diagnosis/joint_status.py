"""Status of a joint law of two sizes: usable, caution or rejected, with the reasons."""

from __future__ import annotations

from scaling.fit.data.joint_points import JointPoints
from scaling.fit.data.variance import Dispersion
from scaling.fit.diagnosis.sensitivity import is_identifiable
from scaling.fit.diagnosis.status import MIN_SEEDS, MIN_SPAN, Assessment, misfit_reasons
from scaling.fit.forms import JOINT, MAX_EXPONENT
from scaling.fit.interval import Interval
from scaling.fit.joint_result import JointEstimate, JointHeldOut

MIN_JOINT_VALUES = 4
"""Number of values of a size below which a joint law is used with caution."""
DOUBTED_COLLINEARITY = 0.9
"""Squared correlation of the logarithms of both sizes above which a joint law is used with caution."""
MAX_HELD_OUT_BIAS = 0.1
"""Bias of a prediction of held-out sizes above which a joint law is used with caution."""
_MIN_DOF = 20
"""Degrees of freedom of the dispersion from which cells with few runs are enough."""
_SMALLEST_FLOOR = 1e-6
"""Floor, over the smallest mean, below which it is 0 up to the tolerance of the search."""


def assess_joint(points: JointPoints, estimate: JointEstimate) -> Assessment:
    """Assess the joint law that was fitted to some points.

    Args:
        points: the runs.
        estimate: the fitted law.
    """
    n_cells, n_parameters = len(points.widths), len(JOINT.parameters)
    if n_cells < n_parameters + 1:
        return Assessment.rejected(f"{n_cells} cells for {n_parameters} parameters: any data would fit")
    surface = estimate.predict(points.sizes)
    flat = not is_identifiable(JOINT, points, parameters=estimate.estimates)
    return Assessment.from_reasons(
        [
            *_design_reasons(points, estimate.dispersion),
            *_parameter_reasons(points, estimate.parameters),
            *(["the likelihood is flat along a combination of the parameters"] if flat else []),
            *_held_out_reasons(points, estimate.held_out),
            *misfit_reasons(points, surface, n_parameters=n_parameters, name="surface", x="cell"),
        ]
    )


def _design_reasons(points: JointPoints, dispersion: Dispersion) -> list[str]:
    reasons = []
    for name, values in zip(points.names, points.cell_sizes.T, strict=True):
        span = values.max() / values.min()
        if len(set(values.tolist())) < MIN_JOINT_VALUES:
            reasons.append(f"fewer than {MIN_JOINT_VALUES} values of {name}")
        if span < MIN_SPAN:
            reasons.append(f"{name} spans a factor of {span:.3g}, less than {MIN_SPAN:g}")
    if points.collinearity > DOUBTED_COLLINEARITY:
        reasons.append(f"{' and '.join(points.names)} are nearly collinear (R^2 = {points.collinearity:.3f})")
    if points.counts.min() < MIN_SEEDS and points.known_std is None and dispersion.dof < _MIN_DOF:
        reasons.append(f"fewer than {MIN_SEEDS} runs at a cell")
    return reasons


def _parameter_reasons(points: JointPoints, parameters: dict[str, Interval]) -> list[str]:
    reasons = []
    for name, exponent in zip(
        points.names, (parameters["exponent_n"], parameters["exponent_d"]), strict=True
    ):
        if exponent.low <= 0 <= exponent.high:
            reasons.append(f"the interval of the exponent of {name} contains 0")
        if exponent.low <= -MAX_EXPONENT or exponent.high >= MAX_EXPONENT:
            reasons.append(
                f"the interval of the exponent of {name} reaches the limit of the search, {MAX_EXPONENT:g}"
            )
        if exponent.high < 0:
            reasons.append(f"{points.y_name} rises with {name}")
    if parameters["floor"].low <= _SMALLEST_FLOOR * points.means.min():
        reasons.append("the floor's interval reaches its bound, 0")
    return reasons


def _held_out_reasons(points: JointPoints, held_out: tuple[JointHeldOut, ...]) -> list[str]:
    """Return a reason for each size whose largest values the law of the others misses."""
    reasons = []
    for name in points.names:
        biases = [held.bias for held in held_out if held.column == name]
        worst = max(biases, key=abs, default=0.0)
        if abs(worst) > MAX_HELD_OUT_BIAS:
            reasons.append(f"the law of smaller {name} misses the largest by {100 * worst:+.1f} %")
    return reasons
