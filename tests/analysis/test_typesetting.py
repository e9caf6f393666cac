"""Formulas of laws in HTML."""

from __future__ import annotations

import pytest

from analysis.typesetting import keep_intervals_together, typeset_formulas
from scaling.fit.forms import FORMS


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("A x^-rho", "<var>A</var> <var>x</var><sup>−ρ</sup>"),
        ("A x^-ρ + E.", "<var>A</var> <var>x</var><sup>−ρ</sup> + <var>E</var>."),
        (
            "E + A N^-alpha + B D^-beta",
            "<var>E</var> + <var>A</var> <var>N</var><sup>−α</sup> + <var>B</var> <var>D</var><sup>−β</sup>",
        ),
        ("^-rho", "<sup>−ρ</sup>"),
        ("NASA x, + E and E + A", "NASA x, + E and E + A"),
    ],
)
def test_letters_are_italic_and_exponents_are_raised(text, html):
    assert typeset_formulas(text) == html


@pytest.mark.parametrize("form", FORMS.values(), ids=str)
def test_every_form_keeps_its_letters(form):
    html = typeset_formulas(form.formula)
    plain = form.formula
    assert "^" not in html
    for tag in ("<var>", "</var>", "</sup>"):
        html = html.replace(tag, "")
    for sign, letters in {"<sup>": "^", "−": "-", "ρ": "rho", "α": "alpha", "′": "'"}.items():
        html = html.replace(sign, letters)
    assert html == plain


def test_no_interval_is_broken_into_lines():
    together = keep_intervals_together("46 [38, 13,900]; 2.1 [1.9, 2.4] % at 12 filters")
    assert together.split(" ") == [
        "46",
        "[38,\xa013,900];",
        "2.1",
        "[1.9,\xa02.4]\xa0%",
        "at",
        "12",
        "filters",
    ]
