"""Tests of ``scaling inspect``."""

from __future__ import annotations

import json

import pytest

from scaling.cli import main

STUDY = """\
study: weights
dataset: {type: synthetic, size: 100, test_size: 50, side: 12, channels: 3, noise: 0.6}
architectures:
  - {type: tree3, rows: 1, branches: 2, filters: 2}
  - {type: lenet5, kernel: 3, filters: 3}
recipe: {epochs: 1, batch_size: 25, learning_rate: 0.3}
seeds: 1
store: {weights: all}
"""


@pytest.fixture(scope="module")
def weights_study(tmp_path_factory):
    """Return the YAML file of a study with stored weights; the store is in the same folder."""
    file = tmp_path_factory.mktemp("weights") / "weights.yaml"
    file.write_text(STUDY)
    assert main(["run", str(file), "--in-process", "--quiet", "--store", str(file.parent / "store")]) == 0
    return file


@pytest.fixture
def ids(scaling, weights_study):
    runs = json.loads(scaling("plan", weights_study, "--json").out)["runs"]
    return {run["filters"]: run["id"] for run in runs}


def test_figures_are_written_and_named(scaling, weights_study, ids, tmp_path):
    for filters in (2, 3):
        result = scaling(
            "inspect",
            ids[filters][:8],
            "--store",
            weights_study.parent / "store",
            "--config",
            weights_study,
            "--image",
            49,
        )
        assert (result.code, result.err) == (0, "")
        first, *files = result.out.splitlines()
        assert first.startswith(f"run {ids[filters]}, test image 49 of synthetic patterns: class ")
        folder = tmp_path / "artifacts" / "inspect" / ids[filters]
        assert {tmp_path / file for file in files} == set(folder.iterdir())
        assert len(files) == 6


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--image", 50],
            "--image 50: expected an image of the test split of synthetic patterns, 0 to 49",
        ),
        (["--image", -1], "--image -1: expected an image"),
        (["--out", "file"], "file: cannot be written"),
    ],
)
def test_what_cannot_be_drawn_is_refused(scaling, weights_study, ids, tmp_path, words, message):
    (tmp_path / "file").write_text("")
    result = scaling(
        "inspect", ids[2], "--store", weights_study.parent / "store", "--config", weights_study, *words
    )
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(message)
    assert len(result.err.splitlines()) == 1


def test_an_undescribed_data_set_needs_a_study(scaling, weights_study, ids):
    result = scaling("inspect", ids[2], "--store", weights_study.parent / "store")
    assert result.code == 2
    assert result.err.startswith(
        f"run {ids[2]}: its data set (synthetic) is not a published one; name a study"
    )
    assert result.err.endswith("--config\n")


def test_an_unknown_run_is_refused(scaling, store):
    result = scaling("inspect", "zzz", "--store", store)
    assert (result.code, len(result.err.splitlines())) == (2, 1)
    assert result.err.startswith(f"zzz: no such run in {store}; ")
    assert "--config" in result.err


def test_a_run_without_stored_weights_is_refused(scaling, study, store):
    run = json.loads(scaling("plan", study, "--store", store, "--json").out)["runs"][0]["id"]
    result = scaling("inspect", run, "--store", store)
    assert (result.code, len(result.err.splitlines())) == (2, 1)
    assert result.err.startswith(f"run {run}: no weights in the store")
    assert "weights: all" in result.err
    assert f"scaling run STUDY --retrain {run}" in result.err
