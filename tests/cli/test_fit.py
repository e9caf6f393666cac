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
    text = " ".join(result.out.split())
    assert f"tree3: {both['verdict']['choice']}, 5 widths, 10 runs" in text
    assert both["verdict"]["evidence"] in text


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
    assert list(fitted["laws"]) == ["floor", "power", "broken"]
    assert fitted["laws"]["power"]["dispersion"]["source"] == "the known standard deviations"
    assert {profile["form"] for profile in fitted["profiles"]} == set(fitted["laws"])
    assert (
        "--std se: known standard deviations exclude"
        in scaling(*words, "--error-counts", "n", "--image-counts", "n").err
    )
    table.write_text("n,loss,se\n1,2,0.1\n2,1.5,0\n4,1.1,0.1\n")
    assert "se: row 2 has 0, but a standard deviation is a number above 0" in scaling(*words).err


def steps_table(folder, name="steps.csv"):
    """Write a table with three steps of each run; the last steps follow 0.8 width^-0.5."""
    rows = [
        f"{width},{seed},{step},{0.8 * width**-0.5 * (1 + 20 / step - 0.2) * (1 + 0.002 * seed)}"
        for width in (1, 2, 4, 8, 16, 32)
        for seed in (-2, -1, 1, 2)
        for step in (10, 20, 100)
    ]
    file = folder / name
    file.write_text("width,seed,step,loss\n" + "\n".join(rows) + "\n")
    return file


def test_steps_of_runs_are_named_with_the_flag_that_keeps_the_last(scaling, tmp_path):
    words = ("fit", steps_table(tmp_path), "--x", "width", "--y", "loss")
    (fitted,) = json.loads(scaling(*words, "--json").out)["fits"]
    assert {law["status"] for law in fitted["laws"].values()} == {"caution"}
    (note,) = [note for note in fitted["notes"] if "steps of one run" in note]
    assert (
        "Keep the last row of each run with --last-of step, or keep one step with --where step=VALUE" in note
    )
    for choice in (("--last-of", "step"), ("--last-of", "step", "--run", "seed"), ("--where", "step=100")):
        (fitted,) = json.loads(scaling(*words, *choice, "--json").out)["fits"]
        assert fitted["laws"]["power"]["status"] == "usable", choice
        assert fitted["laws"]["power"]["parameters"]["exponent"]["estimate"] == pytest.approx(0.5)
        assert fitted["points"]["runs"] == [4] * 6
    result = scaling(*words, "--run", "seed")
    assert (result.code, result.err) == (2, "--run seed: tells runs apart for --last-of; add it\n")
    result = scaling(*words, "--where", "step")
    assert (result.code, result.err) == (2, "--where step: expected COLUMN=VALUE, such as lr=0.1\n")


def test_a_wide_table_is_named_and_melted(scaling, tmp_path):
    chart = tmp_path / "chart.csv"
    runs = [(width, seed) for width in (1, 2, 4, 8, 16, 32) for seed in range(4)]
    last = [f"{0.8 * width**-0.5 * (1 + 0.01 * seed)}" for width, seed in runs]
    chart.write_text(
        ",".join(["Step", *(f"width={width} seed={seed} - val_loss" for width, seed in runs)])
        + f"\n1{',1' * len(runs)}\n2,{','.join(last)}\n"
    )
    words = ("fit", chart, "--x", "width", "--y", "val_loss")
    result = scaling(*words)
    assert (result.code, result.out) == (2, "")
    assert "has one column for each of 24 runs, such as 'width=1 seed=0 - val_loss'" in result.err
    assert "--wide melts it" in result.err
    (fitted,) = json.loads(scaling(*words, "--wide", "--last-of", "Step", "--json").out)["fits"]
    assert fitted["laws"]["power"]["parameters"]["exponent"]["estimate"] == pytest.approx(0.5)
    assert fitted["laws"]["power"]["status"] == "usable"


def test_the_best_of_two_settings_is_chosen_jointly(scaling, tmp_path):
    table = tmp_path / "grid.tsv"
    rows = [
        (n, lr, bs, seed, n**-0.5 * (1 + abs(lr - bs)) * (1 + seed / 1000))
        for n in (1, 2, 4, 8, 16, 32)
        for lr in (1, 2, 3)
        for bs in (2, 3)
        for seed in range(3)
    ]
    table.write_text(
        "n\tlr\tbs\tseed\tloss\tval\n"
        + "".join("\t".join(map(str, (*row, row[-1] + row[1] / 1000))) + "\n" for row in rows)
    )
    words = ("fit", table, "--x", "n", "--y", "loss", "--validation", "val", "--json")
    (fitted,) = json.loads(scaling(*words, "--best-over", "lr", "--best-over", "bs").out)["fits"]
    assert fitted["points"]["mean"] == pytest.approx([1.001 * n**-0.5 for n in (1, 2, 4, 8, 16, 32)])
    assert any(
        note.startswith("Selected lr and bs by the mean val: 2 and 2 at 1") for note in fitted["notes"]
    )


@pytest.mark.parametrize(
    ("words", "flag"),
    [
        (("fit", "a.csv", "--x", "n", "--x", "m"), "--x"),
        (("fit", "a.csv", "--validation", "a", "--validation=b"), "--validation"),
        (("suggest", "a.yaml", "--budget", "1h", "--budget", "2h"), "--budget"),
        (("store", "verify", "--store", "a", "--store", "b"), "--store"),
    ],
)
def test_an_option_that_takes_one_value_is_refused_twice(scaling, words, flag):
    result = scaling(*words)
    assert (result.code, result.out) == (2, "")
    assert result.err == f"{flag} is given 2 times, and takes one value; leave out one\n"


def test_texts_use_the_name_of_what_is_fitted(scaling, tmp_path):
    words = ("fit", steps_table(tmp_path), "--x", "width", "--y", "loss", "--where", "step=100")
    out = scaling(*words, "--for-error", "0.1").out
    assert "loss against width" in out
    assert "width for a given loss" in out
    assert "error" not in out.replace("not error counts", "").replace("error counts", "")
    out = scaling(
        "fit", steps_table(tmp_path), "--x", "width", "--accuracy", "loss", "--where", "step=100"
    ).out
    assert "1 - loss against width" in out


def test_a_size_that_is_never_reached_is_a_word_in_json(scaling, tmp_path):
    table = tmp_path / "floor.csv"
    table.write_text(
        "n,loss\n"
        + "".join(
            f"{n},{(0.5 + n**-1.0) * (1 + k)}\n" for n in (1, 2, 4, 8, 16, 32, 64) for k in (-0.01, 0, 0.01)
        )
    )
    words = ("fit", table, "--x", "n", "--y", "loss", "--for-error", "0.3", "--json")
    (fitted,) = json.loads(scaling(*words).out)["fits"]
    (floor,) = [size for size in fitted["required_sizes"] if size["form"] == "floor"]
    assert (floor["estimate"], floor["low"], floor["high"]) == ("never", "never", "never")
    (power,) = [size for size in fitted["required_sizes"] if size["form"] == "power"]
    assert power["estimate"] > 64
