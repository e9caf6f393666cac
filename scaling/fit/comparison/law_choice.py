"""Choice of the law by which a group is compared."""

from __future__ import annotations

from scaling.errors import FitError
from scaling.fit.forms import MAX_EXPONENT, POWER
from scaling.fit.result import Fit, Law, Status


def preferred_law(fit: Fit) -> Law | None:
    """Return the law that the verdict selects; for `cannot tell`, the law with a floor.

    If that law is unusable, return the power law; if that one is unusable too, return None. A law is unusable
    if it is rejected, or if the interval of its exponent begins at the limit of the search.

    Args:
        fit: laws of the group.
    """
    names = dict.fromkeys((fit.verdict.form, POWER.name))
    laws = (fit.laws[name] for name in names if _is_usable(fit, name))
    return next((law for law in laws if law.parameters["exponent"].low > -MAX_EXPONENT), None)


def require_law(fit: Fit, form: str | None = None) -> Law:
    """Return the law of a form, or the law that the verdict names.

    Raises:
        FitError: the fit has no such law.
    """
    if form is None:
        law = preferred_law(fit)
        if law is None:
            raise FitError(
                f"{fit.label} has no usable law to compare: each one is missing, rejected, or has no limit "
                "of its exponent; the notes of its fit say why"
            )
        return law
    if form not in fit.laws:
        raise FitError(f"{fit.label} has no law of the form {form}; it has {', '.join(fit.laws) or 'no law'}")
    return fit.laws[form]


def _is_usable(fit: Fit, form: str) -> bool:
    return form in fit.laws and fit.laws[form].status is not Status.REJECTED
