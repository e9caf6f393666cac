"""The forms that a law may have, the simpler one first. A new form is a file here and a line in ``FORMS``."""

from __future__ import annotations

from scaling.fit.forms.base import Form
from scaling.fit.forms.broken import Broken
from scaling.fit.forms.floor import Floor
from scaling.fit.forms.m4 import M4
from scaling.fit.forms.power import Power

__all__ = ["BROKEN", "FLOOR", "FORMS", "M_FOUR", "POWER", "Form"]

POWER, FLOOR, BROKEN, M_FOUR = Power(), Floor(), Broken(), M4()

FORMS: dict[str, Form] = {form.name: form for form in (POWER, FLOOR, BROKEN, M_FOUR)}
"""By name."""
