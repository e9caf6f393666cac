"""Tests of ``scaling reject`` on a store with planted outputs, whose curves are known in closed form."""

from __future__ import annotations

import json
from math import pi, tan

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv
import pytest

from scaling.store import PREDICTIONS_SCHEMA, open_store

IMAGES = 100
WRONG = {
    1: (range(30), range(34)),
    2: (range(20), range(22)),
    3: (range(9), range(13)),
    4: (range(5), [*range(5), IMAGES - 1]),
    6: (range(0), range(1)),
}
"""Images that each run misclassifies, by filters and seed: their places in the order of rising margins."""
NEVER = "1 of 2 runs have no rejected share with an error of at most 1 %"


@pytest.fixture
def planted(store, tmp_path):
    """Return a store with the runs of the study, in which made-up outputs replace the predictions."""
    trained, rng = open_store(store), np.random.default_rng(0)
    runs = trained.runs()
    (fingerprint,) = set(runs["fingerprint"].to_pylist())
    labels, classes = trained.labels(fingerprint), runs["classes"][0].as_py()
    logits = []
    for row in runs.to_pylist():
        values = np.zeros((IMAGES, classes), np.float16)
        for rank, image in enumerate(rng.permutation(IMAGES)):
            is_wrong = rank in WRONG[row["filters"]][row["seed"]]
            values[image, (int(labels[image]) + is_wrong) % classes] = (rank + 1) / 8
        logits.append(values.ravel())
    columns = [runs["id"].to_pylist(), [fingerprint] * len(runs), [classes] * len(runs), logits]
    planted = tmp_path / "planted"
    open_store(planted).publish(
        {
            "runs": runs,
            "predictions": pa.table(columns, schema=PREDICTIONS_SCHEMA),
            "test_sets": trained.test_sets([fingerprint]),
        }
    )
    return planted


def errors(wrong, rejected: int) -> float:
    return sum(rank >= rejected for rank in wrong) / (IMAGES - rejected)


def required(wrong, target: float) -> float | None:
    shares = [rejected / IMAGES for rejected in range(IMAGES) if errors(wrong, rejected) <= target]
    return shares[0] if shares else None


def mean_and_limits(values) -> tuple[float, float, float]:
    """Return the mean of two fractions with the limits of Student's interval, inside 0 and 1."""
    (first, second), quantile = values, tan(0.475 * pi)  # Student's t with one degree of freedom is Cauchy's
    mean, half_width = (first + second) / 2, quantile * abs(first - second) / 2
    return mean, max(0, mean - half_width), min(1, mean + half_width)


@pytest.mark.parametrize("target", [0.01, 0.05])
def test_json_has_the_curves_of_the_closed_form(scaling, study, planted, target):
    result = scaling("reject", study, "--store", planted, "--error", target, "--json")
    assert (result.code, result.err) == (0, "")
    printed = json.loads(result.out)
    assert [cell["label"] for cell in printed["cells"]] == [f"tree3, filters {width}" for width in WRONG]
    for cell in printed["cells"]:
        wrong = WRONG[cell["filters"]]
        assert (cell["runs"], cell["test_images"], cell["status"]) == (2, IMAGES, "caution")
        for point in cell["errors"]:
            rejected = int(IMAGES * point["rejected"] + 1e-9)  # the product may lie below an integer
            assert (point["estimate"], point["low"], point["high"]) == pytest.approx(
                mean_and_limits([errors(run, rejected) for run in wrong]), abs=1e-12
            )
        shares, share = [required(run, target) for run in wrong], cell["required"]
        if None in shares:
            assert (share["estimate"], share["low"], share["high"]) == (None, None, None)
            assert (share["status"], share["reason"], share["runs_never"]) == ("rejected", NEVER, 1)
        else:
            assert (share["estimate"], share["low"], share["high"]) == pytest.approx(
                mean_and_limits(shares), abs=1e-12
            )
            assert share["status"] == "caution"
        assert share["estimand"].startswith("mean over seeds of the smallest rejected share")
    assert [cell["required"]["runs_never"] for cell in printed["cells"]] == [0, 0, 0, target == 0.01, 0]


def test_the_table_and_the_figure(scaling, study, planted, tmp_path):
    result = scaling("reject", study, "--store", planted, "--out", tmp_path / "here")
    assert (result.code, result.err) == (0, "")
    assert "rejected for 1 %" in result.out
    lines = {
        width: next(line for line in result.out.splitlines() if f"filters {width}" in line) for width in WRONG
    }
    assert "0 [0, 0] %" in lines[6]
    assert "–" in lines[4]
    reasons = [line for line in result.out.splitlines() if line.startswith("  rejected: 1 of 2")]
    assert reasons or "rejected: 1 of 2" in lines[4]
    names = [f"error_against_rejection.{kind}" for kind in ("svg", "png", "csv")]
    assert result.out.split()[-3:] == [str(tmp_path / "here" / name) for name in names]
    rows = csv.read_csv(tmp_path / "here" / names[2]).to_pylist()
    (row,) = [row for row in rows if row["filters"] == 2 and row["rejected"] == 0.1]
    expected = mean_and_limits([errors(run, 10) for run in WRONG[2]])
    assert (row["error"], row["error_low"], row["error_high"]) == pytest.approx(expected)
    assert (row["required"], row["required_low"], row["required_high"]) == pytest.approx(
        mean_and_limits([0.20, 0.22])
    )
    assert {row["required_status"] for row in rows if row["filters"] == 4} == {"rejected"}


def test_single_runs_have_no_intervals(scaling, study, planted, tmp_path):
    options = ["--store", planted, "--set", "seeds=1", "--out", tmp_path / "here"]
    result = scaling("reject", study, *options)
    assert "Single runs on this test set, without intervals" in " ".join(result.out.split())
    assert "interval" not in (tmp_path / "here" / "error_against_rejection.svg").read_text()


@pytest.mark.parametrize("error", ["0", "1", "nan"])
def test_an_error_that_is_no_fraction_is_refused(scaling, study, store, error):
    result = scaling("reject", study, "--store", store, "--error", error)
    assert (result.code, result.out) == (2, "")
    assert result.err == f"--error {error}: expected a fraction between 0 and 1, such as 0.01\n"


def test_a_store_without_predictions_is_refused_with_a_hint(scaling, study, store, tmp_path):
    scaling("store", "merge", study, "--store", store, "--into", tmp_path / "small")
    result = scaling("reject", study, "--store", tmp_path / "small")
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("10 of 10 runs have no predictions here; read the store that trained them")
    assert result.err.endswith("with --predictions\n")
