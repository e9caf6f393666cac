"""table, fit, report, merge: what was trained, read again."""

from __future__ import annotations

import html
import json
import re
import shlex

import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest

from scaling.store import open_store

READERS = {"parquet": pq.read_table, "csv": pc.read_csv}


@pytest.mark.parametrize("kind", READERS)
def test_a_table_has_the_runs_and_every_leaf_of_their_configuration(scaling, study, store, tmp_path, kind):
    out = tmp_path / "deep" / f"runs.{kind}"
    typed = scaling("table", study, "--store", store, "--out", out)
    assert (typed.code, typed.out, typed.err) == (0, f"{out}: 10 runs\n", "")
    rows = READERS[kind](out).to_pylist()
    assert {row["id"] for row in rows} == open_store(store).ids()
    for row in rows:
        leaves = {
            "data.type": "synthetic",
            "architecture.branches": 2,
            "architecture.filters": row["filters"],
            "recipe.schedule.type": "one_cycle",
            "recipe.schedule.warmup": 0.3,
            "recipe.epochs": 2,
            "recipe.learning_rate": 0.3,
            "recipe.augmentation.flip": False,
            "seed": row["seed"],
        }
        assert {name: row[name] for name in leaves} == leaves
        assert "config_json" not in row


def test_a_table_of_part_of_the_study_has_that_part(scaling, study, store, tmp_path):
    scaling(
        "table", study, "--store", store, "--set", "architectures[0].filters=[2]", "--out", tmp_path / "x.csv"
    )
    assert pc.read_csv(tmp_path / "x.csv")["filters"].to_pylist() == [2, 2]


@pytest.mark.parametrize("source", ["study", "store", "parquet", "csv"])
def test_a_fit_is_the_same_from_every_source(scaling, study, store, tmp_path, source):
    table = tmp_path / f"runs.{source}"
    if source in READERS:
        scaling("table", study, "--store", store, "--out", table)
    name = {"study": study, "store": store}.get(source, table)
    (fitted,) = json.loads(scaling("fit", name, "--store", store, "--json").out)
    (expected,) = json.loads(scaling("fit", study, "--store", store, "--json").out)
    assert {**fitted, "group": None} == {**expected, "group": None}


def test_a_fit_says_what_it_found(scaling, study, store):
    typed = scaling("fit", study, "--store", store)
    assert (typed.code, typed.err) == (0, "")
    assert "tree3" in typed.out
    power = scaling("fit", study, "--store", store, "--form", "power", "--x", "parameters", "--json")
    (fitted,) = json.loads(power.out)
    assert list(fitted["laws"]) == ["power"]


@pytest.mark.parametrize("form", ["power", "floor"])
def test_one_form_is_shown_with_the_verdict_between_both(scaling, study, store, form):
    both = json.loads(scaling("fit", study, "--store", store, "--json").out)[0]
    (one,) = json.loads(scaling("fit", study, "--store", store, "--form", form, "--json").out)
    assert one["laws"] == {form: both["laws"][form]}
    assert one["verdict"] == both["verdict"]
    assert one["verdict"]["evidence"]
    typed = scaling("fit", study, "--store", store, "--form", form)
    assert f"tree3: {both['verdict']['choice']} ({both['verdict']['evidence']})" in typed.out


def test_a_form_that_no_group_has_is_a_failure_that_says_where_to_look(scaling, tmp_path):
    points = tmp_path / "points.csv"
    points.write_text(
        "filters,test_error\n" + "".join(f"{x},{0.5 / x + k}\n" for x in (1, 2) for k in (0, 0.01))
    )
    typed = scaling("fit", points, "--form", "floor")
    assert (typed.code, typed.out) == (1, "")
    assert typed.err == "--form floor: no group has such a law; --form auto shows what there is, and why\n"


@pytest.mark.parametrize("source", ["study", "store"])
def test_images_can_count_as_a_sample(scaling, study, store, source):
    name = {"study": study, "store": store}[source]
    (fitted,) = json.loads(scaling("fit", name, "--store", store, "--population", "--json").out)
    (given,) = json.loads(scaling("fit", name, "--store", store, "--json").out)
    assert (fitted["points"], given["estimand"]) == (
        given["points"],
        "mean error over seeds, on this test set",
    )
    assert fitted["estimand"] == "mean error over seeds and over images like those of this test set"
    exponents = [each["laws"]["power"]["parameters"]["exponent"] for each in (fitted, given)]
    assert exponents[0]["estimate"] == exponents[1]["estimate"]
    assert exponents[0] != exponents[1]


def test_images_cannot_count_where_nothing_says_which_are_erred_on(scaling, study, store, tmp_path):
    bare = tmp_path / "bare"
    scaling("merge", study, "--store", store, "--into", bare)
    scaling("table", study, "--store", store, "--out", tmp_path / "runs.csv")
    for words, problem in (
        (("fit", study, "--store", bare), "10 of 10 runs have no predictions here"),
        (("fit", tmp_path / "runs.csv"), "--population: "),
        (("fit", study, "--store", store, "--y", "wall_s"), "y must be test_error, not wall_s"),
    ):
        typed = scaling(*words, "--population")
        assert (typed.code, typed.out) == (2, "")
        assert problem in typed.err


def test_laws_foretell_sizes_that_are_asked_for(scaling, study, store):
    typed = scaling("fit", study, "--store", store, "--predict", "96,192")
    assert (typed.code, typed.err) == (0, "")
    assert "predictions along filters" in typed.out
    (fitted,) = json.loads(scaling("fit", study, "--store", store, "--predict", "96,192", "--json").out)
    assert [(made["form"], made["x"]) for made in fitted["predictions"]] == [
        (form, x) for form in fitted["laws"] for x in (96, 192)
    ]


def test_anyones_counts_can_be_fitted(scaling, tmp_path):
    points = tmp_path / "counts.csv"
    points.write_text(
        "n,wrong,of\n"
        + "".join(
            f"{n},{round(4000 * n**-0.5) + k},10000\n" for n in (1, 2, 4, 8, 16, 32) for k in (-20, 0, 20)
        )
    )
    (fitted,) = json.loads(
        scaling("fit", points, "--x", "n", "--errors", "wrong", "--of", "of", "--json").out
    )
    assert fitted["test_images"] == 10000
    assert fitted["laws"]["power"]["parameters"]["exponent"]["estimate"] == pytest.approx(0.5, abs=0.01)


def test_a_setting_is_not_chosen_by_what_is_fitted(scaling, tmp_path):
    points = tmp_path / "points.csv"
    points.write_text(
        "n,lr,error,held\n"
        + "".join(f"{n},{lr},{n**-0.5 * lr},{n**-0.5 / lr}\n" for n in (1, 2, 4, 8) for lr in (1, 2))
    )
    words = ("fit", points, "--x", "n", "--y", "error", "--best-over", "lr", "--form", "power", "--json")
    assert "the least of many error is small by chance" in scaling(*words, "--validation", "error").err
    (fitted,) = json.loads(scaling(*words, "--validation", "held").out)
    assert fitted["points"]["mean"][0] == pytest.approx(2.0)
    assert any(note.startswith("Selected lr by the mean held: ") for note in fitted["notes"])


def test_anyones_points_can_be_fitted(scaling, tmp_path):
    points = tmp_path / "points.csv"
    points.write_text("width,error\n" + "".join(f"{n},{0.8 * n**-0.5}\n" for n in (1, 2, 4, 8, 16, 32)))
    (fitted,) = json.loads(
        scaling("fit", points, "--x", "width", "--y", "error", "--form", "power", "--json").out
    )
    assert fitted["laws"]["power"]["parameters"]["exponent"]["estimate"] == pytest.approx(0.5)


def test_a_report_is_a_page_with_figures_and_their_numbers(scaling, study, store, tmp_path):
    typed = scaling("report", study, "--store", store)
    assert (typed.code, typed.err) == (0, "")
    folder = tmp_path / "artifacts" / "tiny"
    assert "report:  artifacts/tiny/report.html" in typed.out
    assert (
        "<svg" in (folder / "report.html").read_text() or "image/svg" in (folder / "report.html").read_text()
    )
    names = {file.stem: set() for file in (folder / "figures").iterdir()}
    for file in (folder / "figures").iterdir():
        names[file.stem].add(file.suffix)
    assert names
    assert all(kinds == {".svg", ".png", ".csv"} for kinds in names.values())


def test_the_command_on_a_page_draws_that_page(scaling, study, store, tmp_path):
    out, line = tmp_path / "a page", "architectures[0].filters=[1, 2, 3]"
    assert scaling("report", study, "--store", store, "--also", store, "--set", line, "--out", out).code == 0
    page = (out / "report.html").read_text()
    (command,) = re.findall(r"scaling report [^<]*", page)
    words = shlex.split(html.unescape(command))
    assert words == [
        "scaling",
        "report",
        str(study),
        *f"--store {store} --also {store}".split(),
        "--set",
        line,
        "--out",
        str(out),
    ]
    (out / "report.html").unlink()
    assert scaling(*words[1:]).code == 0
    assert (out / "report.html").read_text() == page


@pytest.mark.parametrize("place", ["file", "file/inside"])
def test_a_report_that_cannot_be_written_is_told_in_a_line(scaling, study, store, tmp_path, place):
    (tmp_path / "file").touch()
    typed = scaling("report", study, "--store", store, "--out", tmp_path / place)
    assert (typed.code, typed.out) == (2, "")
    assert f"{tmp_path / place}: cannot be written (" in typed.err
    assert "choose another --out" in typed.err
    assert len(typed.err.splitlines()) == 1


def test_a_merged_store_has_the_finished_runs_once(scaling, study, store, tmp_path):
    other = tmp_path / "other"
    words = ("merge", study, "--store", store, "--into", other)
    assert scaling(*words).out == f"{other}: 10 runs added\n"
    assert scaling(*words).out == f"{other}: 0 runs added\n"
    ids = open_store(store).ids()
    assert open_store(other).runs().equals(open_store(store).runs())
    assert open_store(other).epochs().equals(open_store(store).epochs())
    assert len(open_store(other).predictions(ids)) == 0
    assert scaling("merge", study, "--store", store, "--into", tmp_path / "whole", "--predictions").code == 0
    assert open_store(tmp_path / "whole").predictions(ids).equals(open_store(store).predictions(ids))


def test_stated_standard_deviations_and_another_form(scaling, tmp_path):
    table = tmp_path / "se.csv"
    table.write_text(
        "n,loss,se\n" + "".join(f"{n},{2 * n**-0.5 + 0.2:.4f},0.01\n" for n in (1, 2, 4, 8, 16, 32, 64))
    )
    words = ("fit", table, "--x", "n", "--y", "loss", "--std", "se")
    (told,) = json.loads(scaling(*words, "--form", "broken", "--json").out)
    assert list(told["laws"]) == ["power", "floor", "broken"]
    assert told["laws"]["power"]["dispersion"]["source"] == "the known standard deviations"
    assert {one["form"] for one in told["profiles"]} == set(told["laws"])
    assert (
        "--std se: standard deviations that are stated" in scaling(*words, "--errors", "n", "--of", "n").err
    )
    table.write_text("n,loss,se\n1,2,0.1\n2,1.5,0\n4,1.1,0.1\n")
    assert "se: row 2 has 0, but a standard deviation is a number above 0" in scaling(*words).err
