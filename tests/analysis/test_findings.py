"""Findings: what the error of a curve does, in words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from analysis.findings import describe_findings
from scaling.fit import EstimationOptions, FormChoice, Points, Status, Verdict, fit
from scaling.fit.forms import FORMS

WIDTHS = np.array([1.0, 2, 4, 8, 16, 32])
OPTIONS = EstimationOptions(resamplings=200)


def points(y, *, test_images=None, **names) -> Points:
    names = {"x_name": "filters", "y_name": "test_error"} | names
    return Points(x=WIDTHS, y=y, test_images=test_images, **names)


@pytest.fixture(scope="module")
def fitted():
    return fit(points(0.3 / WIDTHS + 0.05, test_images=1000), OPTIONS)


@pytest.mark.parametrize(
    ("choice", "text"),
    [
        (
            FormChoice.FLOOR,
            "It levels off at 5.000000 [5.000000, 5.000000] %; the part above the floor falls with the",
        ),
        (FormChoice.POWER, "Each doubling of filters multiplies it by 0."),
        (
            FormChoice.UNCLEAR,
            "These runs cannot tell whether it levels off: a law with a floor has the exponent",
        ),
    ],
)
def test_a_sentence_states_the_law_that_the_verdict_names(fitted, choice, text):
    (finding,) = describe_findings([replace(fitted, verdict=Verdict(choice=choice))])
    assert finding.sentence.startswith(
        f"The test error falls from 35.0 % at 1 filter to 5.94 % at 32 filters. {text}"
    )
    assert finding.verdict is choice
    assert finding.basis.startswith("6 runs at 6 sizes; ")


@pytest.mark.parametrize(("form", "floor"), [("broken", ""), ("m4", " and the floor 0.04999")])
def test_a_law_that_bends_is_called_so(form, floor):
    widths = np.geomspace(1, 64, 12)
    curve = Points(
        x_name="x", y_name="loss", x=widths, y=0.05 + 0.9 / (1 + (widths / 8) ** 0.6), test_images=None
    )
    law = fit(curve, EstimationOptions(resamplings=50, forms=("power", "floor", form)))
    (finding,) = describe_findings([replace(law, verdict=Verdict(choice=FormChoice.BENDS, bend_form=form))])
    assert f"The curve bends: {FORMS[form].formula}, with the exponent" in finding.sentence
    assert floor in finding.sentence
    assert "cannot tell" not in finding.sentence


def test_a_power_law_in_the_place_of_a_rejected_law_is_called_so(fitted):
    rejected = replace(fitted.laws["floor"], status=Status.REJECTED, reason="the floor is not identified")
    law = replace(
        fitted,
        verdict=Verdict(choice=FormChoice.FLOOR),
        laws=fitted.laws | {"floor": rejected},
    )
    (finding,) = describe_findings([law])
    exponent = law.laws["power"].parameters["exponent"].estimate
    assert finding.sentence.endswith(
        f"The law that the verdict names is not usable; a power law has the exponent ρ = {exponent:.2f}"
        f" [{law.laws['power'].parameters['exponent'].low:.2f},"
        f" {law.laws['power'].parameters['exponent'].high:.2f}]."
    )


def test_a_factor_of_a_doubling_is_that_of_the_exponent():
    law = fit(points(0.4 * WIDTHS**-0.5, test_images=1000), OPTIONS)
    (finding,) = describe_findings([replace(law, verdict=Verdict(choice=FormChoice.POWER))])
    assert "multiplies it by 0.70710" in finding.sentence  # 2^-0.5
    assert "ρ = 0.5" in finding.sentence


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({"x_name": "parameters"}, "falls from 0.35 at 1 parameter to 0.0594 at 32 parameters."),
        (
            {"x_name": "width", "y_name": "loss"},
            "The loss falls from 0.35 at width = 1 to 0.0594 at width = 32.",
        ),
        ({"y_name": "test_loss"}, "The test loss falls from 0.35 at 1 filter"),
        ({"y": 0.3 * WIDTHS**0.1}, "The test error rises from 0.3 at 1 filter"),
    ],
)
def test_quantities_and_sizes_have_their_names(names, expected):
    law = fit(points(**{"y": 0.3 / WIDTHS + 0.05, **names}), OPTIONS)
    (finding,) = describe_findings([law])
    assert expected in finding.sentence


def test_a_curve_without_a_law_has_no_finding(fitted):
    rejected = {name: replace(law, status=Status.REJECTED) for name, law in fitted.laws.items()}
    assert describe_findings([replace(fitted, laws=rejected)]) == []


def test_a_finding_as_text_says_how_far_to_trust_the_law(fitted):
    law = {name: replace(law, status=Status.CAUTION, reason="planted") for name, law in fitted.laws.items()}
    (finding,) = describe_findings([replace(fitted, laws=law)])
    assert f"({fitted.verdict.choice}; caution" in str(finding)
    assert ": planted; 6 runs at 6 sizes" in str(finding)
