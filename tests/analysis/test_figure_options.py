"""Options of figures: lengths, formats, fonts, and what is refused."""

from __future__ import annotations

import pytest

from analysis.figure_options import WIDTH, FigureOptions
from scaling.errors import UsageError


@pytest.mark.parametrize(
    "text", ["3.25in", "3.25", "8.255cm", "82.55 mm", "234.8775pt", "312px", " 3.25 IN ", "3.250in"]
)
def test_one_width_in_every_unit(text):
    assert FigureOptions.parse(width=text).width == pytest.approx(3.25)


@pytest.mark.parametrize(
    "text", ["wide", "3,25in", "-3in", "3 parsec", "in", "1e400in", "nan", "inf", "3in4"]
)
def test_what_is_no_length_is_refused_by_name(text):
    with pytest.raises(UsageError) as refused:
        FigureOptions.parse(width=text)
    assert refused.value.option == "width"
    assert str(refused.value).startswith(f"width: {text}: expected a number with a unit (in, cm, mm, pt, px)")


@pytest.mark.parametrize("text", ["1mm", "0", "400in", "9999999px"])
def test_an_impossible_width_is_refused_with_the_limits(text):
    with pytest.raises(UsageError, match=r"width: .* in: expected 2 to 20 inches"):
        FigureOptions.parse(width=text)


def test_formats_are_a_list_without_repetitions():
    assert FigureOptions.parse(formats="pdf,PNG, pdf").formats == ("pdf", "png")
    for text, named in (("pdf,tiff", "tiff"), (",", "no format"), ("pdf,,", "no format")):
        with pytest.raises(UsageError, match=f"formats: {named}: expected svg, png, pdf"):
            FigureOptions.parse(formats=text)


def test_a_font_is_found_whatever_its_case_and_another_is_refused_with_the_nearest():
    assert FigureOptions(font="dejavu serif").font == "DejaVu Serif"
    with pytest.raises(UsageError, match="font: DejaVuSerif: matplotlib finds no such font") as refused:
        FigureOptions(font="DejaVuSerif")
    assert "nearest are DejaVu Serif, " in str(refused.value)


def test_empty_texts_are_the_defaults():
    options = FigureOptions.parse()
    assert options.are_default
    assert (options.formats, options.width, options.font) == (("svg", "png"), WIDTH, None)
    assert not FigureOptions(width=3.25).are_default
