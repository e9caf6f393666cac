"""Tests of ``scaling fit`` with two columns of sizes."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv

from simulations.joint import CHINCHILLA, grid, noisy, table

SIZES = grid(np.geomspace(1e7, 1e9, 6), np.geomspace(1e9, 1e11, 5))


@pytest.fixture
def runs(tmp_path):
    path = tmp_path / "runs.csv"
    y = noisy(np.random.default_rng(0), SIZES, 0.003)
    csv.write_csv(table(SIZES, y, flops=6 * SIZES[:, 0] * SIZES[:, 1]), path)
    return path


def test_a_joint_law_is_printed_with_predictions_and_frontier(scaling, runs):
    words = ("fit", runs, "--x", "N,D", "--y", "loss", "--predict", "2e9,2e11", "--cost", "flops")
    result = scaling(*words)
    assert (result.code, result.err) == (0, "")
    text = " ".join(result.out.split())
    for phrase in ("E + A N^-alpha + B D^-beta", "Predictions of the joint law", "Compute-optimal sizes"):
        assert phrase in text
    assert "predictions of the largest N by the law of the others" in text
    assert "flops = 6 N^1 D^1 (R^2 = 1.0000" in text
    (fitted,) = json.loads(scaling(*words, "--json").out)["fits"]
    law = fitted["laws"]["joint"]
    assert (fitted["x"], fitted["y"], law["status"]) == (["N", "D"], "loss", "usable")
    for name, truth in zip(("exponent_n", "exponent_d", "floor"), CHINCHILLA[[1, 3, 4]], strict=True):
        assert law["parameters"][name]["low"] < truth < law["parameters"][name]["high"]
    (prediction,) = fitted["predictions"]
    assert prediction["sizes"] == [2e9, 2e11]
    assert fitted["frontier"]["cost"]["r2"] == pytest.approx(1)
    assert len(fitted["frontier"]["sizes"]) == 4


def test_hubers_loss_is_an_option(scaling, runs):
    words = ("fit", runs, "--x", "N,D", "--y", "loss", "--json")
    plain, robust = (
        json.loads(scaling(*words, "--loss", loss).out)["fits"][0]["laws"]["joint"]
        for loss in ("quasi", "huber-log")
    )
    assert (plain["loss"], robust["loss"]) == ("quasi", "huber-log")
    for name in ("exponent_n", "exponent_d"):
        assert robust["parameters"][name]["estimate"] == pytest.approx(
            plain["parameters"][name]["estimate"], abs=0.05
        )


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--x", "N,D,E"), "--x N,D,E: expected one column, or two for a joint law"),
        (("--x", "N,D", "--form", "floor"), "--form floor: a joint law has one form"),
        (("--x", "N,D", "--for-error", "2"), "--for-error 2: many pairs of sizes have one error"),
        (("--x", "N,D", "--predict", "1,2,3"), "--predict 1,2,3: with two columns, expected pairs"),
        (("--x", "N,D", "--loss", "l1"), "--loss l1: expected one of quasi, huber-log"),
        (("--x", "N,D", "--cost", "hours"), "hours: no such column"),
        (("--x", "N,N"), "is named twice"),
        (("--x", "N", "--cost", "flops"), "--cost flops: is for joint laws; give --x two columns"),
        (("--x", "N", "--loss", "huber-log"), "--loss huber-log: is for joint laws"),
    ],
)
def test_options_that_contradict_each_other_are_refused(scaling, runs, words, problem):
    result = scaling("fit", runs, "--y", "loss", *words)
    assert (result.code, result.out) == (2, "")
    assert problem in result.err


def test_collinear_sizes_are_refused_in_one_line(scaling, tmp_path):
    path = tmp_path / "line.csv"
    csv.write_csv(
        pa.table(
            {"N": [1, 2, 4, 8, 16, 32], "D": [20, 40, 80, 160, 320, 640], "loss": [6, 5, 4, 3, 2.5, 2.2]}
        ),
        path,
    )
    result = scaling("fit", path, "--x", "N,D", "--y", "loss")
    assert (result.code, result.out) == (1, "")
    assert "N and D are collinear" in result.err
    assert result.err.count("\n") == 1


def test_best_values_and_last_steps_are_chosen_at_each_pair_of_sizes(scaling, tmp_path, runs):
    y = noisy(np.random.default_rng(0), SIZES, 0.003)
    steps = [(1, 3.0), (2, 1.0)]
    rows = pa.concat_tables(
        [
            table(
                SIZES,
                y * factor,
                trial_id=np.arange(len(y)),
                step=np.full(len(y), step),
                flops=6 * SIZES[:, 0] * SIZES[:, 1],
            )
            for step, factor in steps
        ]
    )
    path = tmp_path / "steps.csv"
    csv.write_csv(rows, path)
    (last,) = json.loads(
        scaling("fit", path, "--x", "N,D", "--y", "loss", "--last-of", "step", "--json").out
    )["fits"]
    (plain,) = json.loads(scaling("fit", runs, "--x", "N,D", "--y", "loss", "--json").out)["fits"]
    assert last["laws"] == plain["laws"]
    (averaged,) = json.loads(scaling("fit", path, "--x", "N,D", "--y", "loss", "--json").out)["fits"]
    assert averaged["laws"]["joint"]["status"] == "caution"
    assert any("they are steps of one run" in note for note in averaged["notes"])
