"""Tests of ``scaling init``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from scaling.config.yaml_reader import parse_yaml


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--dataset", "mnist", "--architecture", "lenet5,tree3"),
        ("--dataset", "cifar10", "--architecture", "vgg"),
        ("--dataset", "usps", "--architecture", "zipcode1989,net1_1989,knn"),
        ("--dataset", "mnist5k", "--architecture", "svm"),
        ("--dataset", "synthetic", "--architecture", "lenet5"),
    ],
)
def test_the_written_study_is_valid_and_can_be_planned(scaling, options):
    result = scaling("init", "my first.yaml", *options)
    assert (result.code, result.err) == (0, "")
    text = Path("my first.yaml").read_text()
    schema = json.loads(Path("study.schema.json").read_text())
    assert list(Draft202012Validator(schema).iter_errors(parse_yaml(text, "study"))) == []
    plan = json.loads(scaling("plan", "my first.yaml", "--json").out)
    assert plan["study"] == "my_first"
    assert plan["new"] + plan["pending"] > 0
    assert max(map(len, text.splitlines())) <= 110


def test_no_file_is_overwritten(scaling):
    assert scaling("init").code == 0
    Path("study.yaml").write_text("mine")
    Path("study.schema.json").write_text("{}")
    result = scaling("init")
    assert (result.code, result.out) == (2, "")
    assert result.err == "study.yaml: exists already, and is left as it is; choose another name\n"
    assert Path("study.yaml").read_text() == "mine"
    assert "was there already" in scaling("init", "other.yaml").out
    assert Path("study.schema.json").read_text() == "{}"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--dataset", "minst"), "--dataset minst: no such type; did you mean mnist?"),
        (("--architecture", "lenet5,tree"), "--architecture tree: no such type; did you mean tree3?"),
        (("--dataset", "usps", "--architecture", "vgg"), "needs images of at least 32x32, and the images of"),
        (("--architecture", "lenet5,module"), "--architecture module: also needs module; write its entry by"),
        (("study.txt",), "study.txt: expected a name that ends in .yaml, such as study.yaml"),
    ],
)
def test_what_does_not_fit_is_named(scaling, words, message):
    result = scaling("init", *words)
    assert result.code == 2
    assert message in result.err
    assert not list(Path().iterdir())


@pytest.mark.parametrize(
    ("dataset", "message"),
    [("npz", "needs the path or the name of the data"), ("MNIST", "did you mean mnist?")],
)
def test_a_data_set_that_needs_a_path_and_a_misspelt_one(scaling, tmp_path, dataset, message):
    result = scaling("init", tmp_path / "new.yaml", "--dataset", dataset)
    assert result.code == 2
    assert message in result.err
    assert not (tmp_path / "new.yaml").exists()


def test_type_that_is_named_twice_is_refused(scaling):
    result = scaling("init", "--architecture", "lenet5,lenet5")
    assert (result.code, result.err) == (2, "--architecture lenet5: is named twice; name each type once\n")
