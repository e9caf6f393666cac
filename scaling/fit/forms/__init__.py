"""Forms of a scaling law, the simpler ones first. A new form is a file in this folder and a line in
``FORMS``.
"""

from __future__ import annotations

from scaling.fit.forms.base import MAX_EXPONENT, Form, NonlinearForm, ParametricForm
from scaling.fit.forms.broken import BrokenForm
from scaling.fit.forms.floor import FloorForm
from scaling.fit.forms.joint import JOINT, JOINT_POWER, JointPowerForm
from scaling.fit.forms.m4 import M4Form
from scaling.fit.forms.power import PowerForm

__all__ = [
    "BENT_FORMS",
    "BROKEN",
    "BROKEN_FORMS",
    "FLOOR",
    "FORMS",
    "JOINT",
    "JOINT_POWER",
    "M4",
    "MAX_EXPONENT",
    "POWER",
    "BrokenForm",
    "Form",
    "JointPowerForm",
    "NonlinearForm",
    "ParametricForm",
]

POWER, FLOOR, BROKEN, M4 = PowerForm(), FloorForm(), BrokenForm(), M4Form()

FORMS: dict[str, Form] = {form.name: form for form in (POWER, FLOOR, BROKEN, M4)}
"""All forms of one size by name; ``JOINT`` and ``JOINT_POWER`` are those of two sizes."""
BENT_FORMS = (BROKEN, M4)
"""Forms for curves that neither a power law nor a floor describes, in the order in which they are tried."""
BROKEN_FORMS = (BROKEN, BrokenForm(smoothness=0.5), BrokenForm(smoothness=1.0))
"""Two power laws that meet in a sharp bend, and in smoother ones; the last is nearly as smooth as a floor."""
