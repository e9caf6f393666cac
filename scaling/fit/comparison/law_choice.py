"""Choice of the law by which a group is compared, and of the form that two groups share."""

from __future__ import annotations

from scaling.errors import FitError
from scaling.fit.forms import BROKEN, FLOOR, MAX_EXPONENT, POWER
from scaling.fit.result import Fit, FormChoice, Law, Status

_FORM_OF_VERDICT = {
    FormChoice.POWER: POWER.name,
    FormChoice.FLOOR: FLOOR.name,
    FormChoice.BENDS: BROKEN.name,
    FormChoice.UNCLEAR: FLOOR.name,  # a floor of 0 is possible
}


def preferred_law(fit: Fit) -> Law | None:
    """Return the law that the verdict selects; for `cannot tell`, the law with a floor.

    If that law is unusable, return the power law; if that one is unusable too, return None. A law is unusable
    if it is rejected, or if the interval of its exponent begins at the limit of the search.

    Args:
        fit: laws of the group.
    """
    names = dict.fromkeys((_FORM_OF_VERDICT[fit.verdict.choice], POWER.name))
    laws = (fit.laws[name] for name in names if _is_usable(fit, name))
    return next((law for law in laws if law.parameters["exponent"].low > -MAX_EXPONENT), None)


def choose_common_form(first: Fit, second: Fit) -> str | None:
    """Choose the form by which two groups are compared: with a floor if both verdicts need one.

    Args:
        first: laws of one group.
        second: laws of the other group.

    Returns:
        Name of the form; None if a group has no such law, or a rejected one.
    """
    both_need_floor = first.verdict.choice is second.verdict.choice is FormChoice.FLOOR
    name = FLOOR.name if both_need_floor else POWER.name
    return name if _is_usable(first, name) and _is_usable(second, name) else None


def require_law(fit: Fit, form: str) -> Law:
    """Return the law of a form.

    Raises:
        FitError: the fit has no law of this form.
    """
    if form not in fit.laws:
        raise FitError(f"{fit.label} has no law of the form {form}; it has {', '.join(fit.laws) or 'no law'}")
    return fit.laws[form]


def _is_usable(fit: Fit, form: str) -> bool:
    return form in fit.laws and fit.laws[form].status is not Status.REJECTED
