"""Tests of ``scaling shift``: a plain loop over runs, images and pixels gives the same errors."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.csv as csv
import pytest

from scaling import api
from scaling.cli import main
from scaling.config import Run
from scaling.data import load
from scaling.data.normalise import PixelMoments, normalise_images
from scaling.datasets import Shift
from scaling.fit import Interval
from scaling.models.feature_maps import load_network
from scaling.models.inference import infer
from scaling.store import open_store

OPTIONS = (
    *("--set", "store={weights: all}", "--set", "recipe.precision=fp32"),
    *("--set", "architectures[0].filters=[1, 2]"),
)


@pytest.fixture(scope="module")
def with_weights(study, tmp_path_factory) -> Path:
    """Return a store with the weights of four runs."""
    store = tmp_path_factory.mktemp("weights") / "store"
    assert main(["run", str(study), "--in-process", "--store", str(store), *OPTIONS]) == 0
    return store


def shifted(image, *, right: int, down: int):
    """Return an image after a shift, pixel by pixel."""
    result, side = np.zeros_like(image), len(image)
    for row in range(side):
        for column in range(side):
            if 0 <= row - down < side and 0 <= column - right < side:
                result[row, column] = image[row - down, column - right]
    return result


def test_errors_equal_those_of_a_plain_loop(scaling, study, with_weights):
    result = scaling("shift", study, "--store", with_weights, "--largest", 2, "--json", *OPTIONS)
    assert (result.code, result.err) == (0, "")
    cells = json.loads(result.out)["cells"]
    store = open_store(with_weights)
    rows = store.runs().to_pylist()
    loaded = load(api.plan(study, trains=False).study.cells[0].dataset, folder=Path())
    for cell, filters in zip(cells, (1, 2), strict=True):
        runs = [row for row in rows if row["filters"] == filters]
        assert (cell["filters"], cell["runs"], cell["status"]) == (filters, len(runs), "caution")
        errors = {(row["right"], row["down"]): row for row in cell["errors"]}
        assert len(errors) == 25
        for right, down in ((0, 0), (2, 0), (-1, 2)):
            images = np.stack([shifted(image, right=right, down=down) for image in loaded.test.images])
            expected = []
            for row in runs:
                run = Run.from_json(row["config_json"])
                network = load_network(run.architecture, loaded.info.image, store.weights(run.id)).eval()
                moments = PixelMoments.of_input(loaded, run.recipe.input_range)
                logits = infer(network, normalise_images(images, moments))
                classes = logits.astype(np.float16).argmax(axis=1)
                expected.append((classes != loaded.test.labels).mean())
            mean = Interval.of_mean(np.array(expected), at_least=0, at_most=1)
            printed = errors[right, down]
            assert (printed["estimate"], printed["low"], printed["high"]) == pytest.approx(
                (mean.estimate, mean.low, mean.high)
            )
        ring = [row["estimate"] for place, row in errors.items() if max(map(abs, place)) == 1]
        assert len(ring) == 8
        assert cell["distances"][1]["estimate"] == pytest.approx(np.mean(ring))


def test_without_a_shift_the_errors_are_those_of_the_store(study, with_weights):
    overrides = [OPTIONS[1], OPTIONS[3], OPTIONS[5]]
    result = api.shift(study, api.Workspace(store=str(with_weights)), largest=1, overrides=overrides)
    unshifted = [cell.errors[cell.shifts.index(Shift(right=0, down=0))].tolist() for cell in result.cells]
    assert [error for errors in unshifted for error in errors] == result.runs["test_error"].to_pylist()


def test_the_table_and_the_figure(scaling, study, with_weights, tmp_path):
    result = scaling(
        *("shift", study, "--store", with_weights, "--largest", 1, "--out", tmp_path / "here", *OPTIONS)
    )
    assert (result.code, result.err) == (0, "")
    assert "at 1 px" in result.out
    names = [f"error_against_shift.{kind}" for kind in ("svg", "png", "csv")]
    assert result.out.split()[-3:] == [str(tmp_path / "here" / name) for name in names]
    rows = csv.read_csv(tmp_path / "here" / names[2]).to_pylist()
    assert len(rows) == 2 * 9
    assert {(row["right"], row["down"]) for row in rows if row["distance"] == 0} == {(0, 0)}


@pytest.mark.parametrize("largest", [0, 10])
def test_a_shift_that_is_none_or_too_large_is_refused(scaling, study, with_weights, largest):
    result = scaling("shift", study, "--store", with_weights, "--largest", largest, *OPTIONS)
    assert (result.code, result.out) == (2, "")
    assert result.err == f"--largest {largest}: expected a number of pixels from 1 to 9\n"


def test_a_store_without_weights_is_refused_with_a_hint(scaling, study, store):
    result = scaling("shift", study, "--store", store)
    assert (result.code, result.out) == (2, "")
    assert "no weights in the store" in result.err
    assert "store: {weights: all}" in result.err
