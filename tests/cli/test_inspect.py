"""look: pictures of a run whose weights are stored."""

from __future__ import annotations

import json

import pytest

from scaling.cli import main

STUDY = """\
study: seen
dataset: {type: synthetic, size: 100, test_size: 50, side: 12, channels: 3, noise: 0.6}
architectures:
  - {type: tree3, rows: 1, branches: 2, filters: 2}
  - {type: lenet5, kernel: 3, filters: 3}
recipe: {epochs: 1, batch_size: 25, learning_rate: 0.3}
seeds: 1
store: {weights: all}
"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """The study's file; its store is beside it."""
    file = tmp_path_factory.mktemp("seen") / "seen.yaml"
    file.write_text(STUDY)
    assert main(["run", str(file), "--in-process", "--quiet", "--store", str(file.parent / "store")]) == 0
    return file


@pytest.fixture
def ids(scaling, seen):
    runs = json.loads(scaling("plan", seen, "--json").out)["runs"]
    return {run["filters"]: run["id"] for run in runs}


def test_pictures_are_written_and_named(scaling, seen, ids, tmp_path):
    for filters in (2, 3):
        typed = scaling(
            "inspect", ids[filters][:8], "--store", seen.parent / "store", "--config", seen, "--image", 49
        )
        assert (typed.code, typed.err) == (0, "")
        first, *files = typed.out.splitlines()
        assert first.startswith(f"run {ids[filters]}, test image 49 of synthetic patterns: class ")
        folder = tmp_path / "artifacts" / "inspect" / ids[filters]
        assert {tmp_path / file for file in files} == set(folder.iterdir())
        assert len(files) == 6


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["--image", 50],
            "--image 50: expected an image of the test split of synthetic patterns, 0 to 49",
        ),
        (["--image", -1], "--image -1: expected an image"),
        (["--out", "file"], "file: cannot be written"),
    ],
)
def test_what_cant_be_drawn_is_refused(scaling, seen, ids, tmp_path, words, said):
    (tmp_path / "file").write_text("")
    typed = scaling("inspect", ids[2], "--store", seen.parent / "store", "--config", seen, *words)
    assert (typed.code, typed.out) == (2, "")
    assert typed.err.startswith(said)
    assert len(typed.err.splitlines()) == 1


def test_a_data_set_that_nobody_describes_is_asked_for(scaling, seen, ids):
    typed = scaling("inspect", ids[2], "--store", seen.parent / "store")
    assert typed.code == 2
    assert (
        typed.err
        == f"run {ids[2]}: its data set (synthetic) is not a published one; name a study that describes it with --config\n"
    )


def test_a_run_that_is_not_there(scaling, store):
    typed = scaling("inspect", "zzz", "--store", store)
    assert (typed.code, len(typed.err.splitlines())) == (2, 1)
    assert typed.err.startswith(f"zzz: no such run in {store}; ")
    assert "weights: all" in typed.err


def test_weights_that_were_not_kept(scaling, study, store):
    run = json.loads(scaling("plan", study, "--store", store, "--json").out)["runs"][0]["id"]
    typed = scaling("inspect", run, "--store", store)
    assert (typed.code, len(typed.err.splitlines())) == (2, 1)
    assert typed.err.startswith(f"run {run}: no weights in the store")
    assert "weights: all" in typed.err
