"""Effects of the verdict on the laws: the selection of a form is part of each interval and status.

The verdict ``power law`` permits a floor of up to a fifth of the error of the widest networks. A power law
without a floor has an interval that knows nothing of such a floor: with more seeds it becomes narrower, but
not more correct. The interval of the power law that the verdict names therefore covers the interval of the
law with a floor too, whose form contains the other one. For the same reason no other form is usable.

Neither ``power law`` nor ``cannot tell`` excludes a floor of 0, also if few resampled studies have a floor so
small. The law with a floor then covers the power law, and its floor begins at 0.

``floor needed`` excludes a power law, and not a bend to a smaller exponent. Where such a bend fits too and
soon predicts other means, the law with a floor is not usable.
"""

from __future__ import annotations

from dataclasses import replace

from scaling.fit.data.points import Points
from scaling.fit.diagnosis.status import assess
from scaling.fit.form_choice import FormChoice, Verdict
from scaling.fit.forms import BENT_FORMS, FLOOR, POWER
from scaling.fit.interval import cover_parameters
from scaling.fit.result import Law, Status

_OTHER_FORM_REASONS = {
    FormChoice.POWER: "",
    FormChoice.FLOOR: "a floor is needed",
    FormChoice.BENDS: "the curve bends",
    FormChoice.UNCLEAR: "a floor is neither shown nor excluded",
}
"""Reason for caution with a law that the verdict does not name."""
_TRUSTED_FACTOR = 2.0
"""Ratio to the widest size up to which a bend that fits too predicts the means of a usable floor."""
BEND_FITS_TOO = "a bend fits too, and its means differ"
"""Beginning of the reason for caution with a law with a floor that a bend soon leaves."""
_BEND_REASON = "beyond the measured sizes, other curves with a bend differ from this one"


def include_selection(points: Points, laws: dict[str, Law], verdict: Verdict) -> dict[str, Law]:
    """Return the laws with intervals and status that include the selection of their form.

    Args:
        points: the runs.
        laws: laws by the name of their form.
        verdict: the choice between the forms.
    """
    included = {name: _with_reason(law, _reason(name, verdict)) for name, law in laws.items()}
    if verdict.choice is FormChoice.POWER:
        included[POWER.name] = _include(points, laws[POWER.name], laws[FLOOR.name])
    if _permits_no_floor(verdict) and laws[FLOOR.name].parameters["floor"].low > 0:
        included[FLOOR.name] = _include(points, laws[FLOOR.name], laws[POWER.name])
    return included


def _permits_no_floor(verdict: Verdict) -> bool:
    """Return True if the verdict compared the forms and did not reject a floor of 0."""
    was_compared = verdict.floor_p is not None
    return was_compared and verdict.choice in (FormChoice.POWER, FormChoice.UNCLEAR)


def _reason(name: str, verdict: Verdict) -> str:
    if name in {form.name for form in BENT_FORMS}:
        return _BEND_REASON
    bend = verdict.possible_bend
    if name == verdict.form and bend is not None and bend.agrees_to < _TRUSTED_FACTOR:
        return f"{BEND_FITS_TOO} beyond {bend.agrees_to:.2g} times the widest size"
    return "" if name == verdict.form else _OTHER_FORM_REASONS[verdict.choice]


def _with_reason(law: Law, reason: str) -> Law:
    if not reason or law.status is Status.REJECTED:
        return law
    return replace(law, status=Status.CAUTION, reason="; ".join(filter(None, (law.reason, reason))))


def _include(points: Points, law: Law, other: Law) -> Law:
    """Return a law whose intervals cover those of another form; a form without a floor has a floor of 0."""
    parameters = cover_parameters(law.parameters, [other.parameters])
    assessment = assess(law.form, points, estimate=law.estimates, parameters=parameters)
    return replace(
        law,
        parameters=parameters,
        alternatives=other.draw_sets,
        status=assessment.status,
        reason=assessment.reason,
    )
