"""Tests of ``scaling fit``."""

from __future__ import annotations

import json

import pytest


def test_a_fit_is_the_same_from_every_source(scaling, study, store, tmp_path):
    tables = [tmp_path / f"runs.{kind}" for kind in ("parquet", "csv")]
    for table in tables:
        scaling("table", study, "--store", store, "--out", table)
    (expected,) = json.loads(scaling("fit", study, "--store", store, "--json").out)["fits"]
    for source in (store, *tables):
        (fitted,) = json.loads(scaling("fit", source, "--store", store, "--json").out)["fits"]
        assert {**fitted, "group": None} == {**expected, "group": None}, source


def test_fit_prints_the_laws(scaling, study, store):
    result = scaling("fit", study, "--store", store)
    assert (result.code, result.err) == (0, "")
    assert "tree3" in result.out
    power = scaling("fit", study, "--store", store, "--form", "power", "--x", "parameters", "--json")
    (fitted,) = json.loads(power.out)["fits"]
    assert list(fitted["laws"]) == ["power"]


@pytest.mark.parametrize("form", ["power", "floor"])
def test_one_form_is_printed_with_the_verdict_between_both(scaling, study, store, form):
    both = json.loads(scaling("fit", study, "--store", store, "--json").out)["fits"][0]
    (one,) = json.loads(scaling("fit", study, "--store", store, "--form", form, "--json").out)["fits"]
    assert one["laws"] == {form: both["laws"][form]}
    assert one["verdict"] == both["verdict"]
    assert one["verdict"]["evidence"]
    result = scaling("fit", study, "--store", store, "--form", form)
    assert f"tree3: {both['verdict']['choice']} ({both['verdict']['evidence']})" in " ".join(
        result.out.split()
    )


def test_a_form_that_no_curve_has_is_an_error_with_a_hint(scaling, tmp_path):
    points = tmp_path / "points.csv"
    points.write_text(
        "filters,test_error\n" + "".join(f"{x},{0.5 / x + k}\n" for x in (1, 2) for k in (0, 0.01))
    )
    result = scaling("fit", points, "--form", "floor")
    assert (result.code, result.out) == (1, "")
    assert result.err == "--form floor: no curve has such a law; --form auto shows all laws, and why\n"


@pytest.mark.parametrize("source", ["study", "store"])
def test_population_treats_the_test_images_as_a_sample(scaling, study, store, source):
    name = {"study": study, "store": store}[source]
    (fitted,) = json.loads(scaling("fit", name, "--store", store, "--population", "--json").out)["fits"]
    (given,) = json.loads(scaling("fit", name, "--store", store, "--json").out)["fits"]
    assert (fitted["points"], given["estimand"]) == (
        given["points"],
        "mean error over seeds, on this test set",
    )
    assert fitted["estimand"] == "mean error over seeds and over images like those of this test set"
    exponents = [each["laws"]["power"]["parameters"]["exponent"] for each in (fitted, given)]
    assert exponents[0]["estimate"] == exponents[1]["estimate"]
    assert exponents[0] != exponents[1]


def test_population_needs_predictions(scaling, study, store, tmp_path):
    bare = tmp_path / "bare"
    scaling("store", "merge", study, "--store", store, "--into", bare)
    scaling("table", study, "--store", store, "--out", tmp_path / "runs.csv")
    for words, problem in (
        (("fit", study, "--store", bare), "10 of 10 runs have no predictions here"),
        (("fit", tmp_path / "runs.csv"), "--population: "),
        (("fit", study, "--store", store, "--y", "wall_s"), "expected --y test_error, got wall_s"),
    ):
        result = scaling(*words, "--population")
        assert (result.code, result.out) == (2, "")
        assert problem in result.err


def test_fit_predicts_the_error_of_sizes(scaling, study, store):
    result = scaling("fit", study, "--store", store, "--predict", "96,192")
    assert (result.code, result.err) == (0, "")
    assert "Predictions along filters" in result.out
    (fitted,) = json.loads(scaling("fit", study, "--store", store, "--predict", "96,192", "--json").out)[
        "fits"
    ]
    assert [(made["form"], made["x"]) for made in fitted["predictions"]] == [
        (form, x) for form in fitted["laws"] for x in (96, 192)
    ]


def test_counts_of_an_external_table_can_be_fitted(scaling, tmp_path):
    points = tmp_path / "counts.csv"
    points.write_text(
        "n,wrong,of\n"
        + "".join(
            f"{n},{round(4000 * n**-0.5) + k},10000\n" for n in (1, 2, 4, 8, 16, 32) for k in (-20, 0, 20)
        )
    )
    (fitted,) = json.loads(
        scaling("fit", points, "--x", "n", "--error-counts", "wrong", "--image-counts", "of", "--json").out
    )["fits"]
    assert fitted["test_images"] == 10000
    assert fitted["laws"]["power"]["parameters"]["exponent"]["estimate"] == pytest.approx(0.5, abs=0.01)


def test_an_error_of_one_or_more_is_refused_for_counted_images(scaling, study, store):
    result = scaling("fit", study, "--store", store, "--for-error", "2,0.1")
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("--for-error 2,0.1: expected fractions of the test images, below 1")


def test_the_best_setting_is_not_chosen_by_the_fitted_error(scaling, tmp_path):
    points = tmp_path / "points.csv"
    points.write_text(
        "n,lr,error,held\n"
        + "".join(f"{n},{lr},{n**-0.5 * lr},{n**-0.5 / lr}\n" for n in (1, 2, 4, 8) for lr in (1, 2))
    )
    words = ("fit", points, "--x", "n", "--y", "error", "--best-over", "lr", "--form", "power", "--json")
    assert (
        "--validation error: is the fitted error or a test error"
        in scaling(*words, "--validation", "error").err
    )
    (fitted,) = json.loads(scaling(*words, "--validation", "held").out)["fits"]
    assert fitted["points"]["mean"][0] == pytest.approx(2.0)
    assert any(note.startswith("Selected lr by the mean held: ") for note in fitted["notes"])


def test_points_of_an_external_table_can_be_fitted(scaling, tmp_path):
    points = tmp_path / "points.csv"
    points.write_text("width,error\n" + "".join(f"{n},{0.8 * n**-0.5}\n" for n in (1, 2, 4, 8, 16, 32)))
    (fitted,) = json.loads(
        scaling("fit", points, "--x", "width", "--y", "error", "--form", "power", "--json").out
    )["fits"]
    assert fitted["laws"]["power"]["parameters"]["exponent"]["estimate"] == pytest.approx(0.5)


def test_known_standard_deviations_and_another_form(scaling, tmp_path):
    table = tmp_path / "se.csv"
    table.write_text(
        "n,loss,se\n" + "".join(f"{n},{2 * n**-0.5 + 0.2:.4f},0.01\n" for n in (1, 2, 4, 8, 16, 32, 64))
    )
    words = ("fit", table, "--x", "n", "--y", "loss", "--std", "se")
    (fitted,) = json.loads(scaling(*words, "--form", "broken", "--json").out)["fits"]
    assert list(fitted["laws"]) == ["power", "floor", "broken"]
    assert fitted["laws"]["power"]["dispersion"]["source"] == "the known standard deviations"
    assert {profile["form"] for profile in fitted["profiles"]} == set(fitted["laws"])
    assert (
        "--std se: known standard deviations exclude"
        in scaling(*words, "--error-counts", "n", "--image-counts", "n").err
    )
    table.write_text("n,loss,se\n1,2,0.1\n2,1.5,0\n4,1.1,0.1\n")
    assert "se: row 2 has 0, but a standard deviation is a number above 0" in scaling(*words).err
