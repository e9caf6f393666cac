"""Tests of ``scaling bench``: training speed with a simulated measurement, inference with a short one."""

from __future__ import annotations

import json
from typing import get_args

import pytest

from scaling.api import _bench
from scaling.architectures import Precision, registered
from scaling.architectures.history.base import PublishedArchitecture
from scaling.plan import speed_file
from scaling.plan.speed import NetworkTime
from scaling.train import measure_inference
from scaling.train.measure_speed import benchmark_cases

PRECISIONS = get_args(Precision)
BF16_VARIANTS = (("lenet5", "one convolution"), ("lenet5", "small kernel"), ("tree3", "many branches"))
MODERN = [("lenet5", ""), ("lenet5", "general"), ("tree3", "")]
"""Architectures and variants that are timed for each precision and number of channels."""


@pytest.fixture
def home(monkeypatch, tmp_path):
    """Return an empty cache folder, and replace the measurement by a constant."""
    monkeypatch.setattr(speed_file, "user_cache_path", lambda name: tmp_path / "cache")
    speed = speed_file.default_speed().model_copy(update={"sweep_start_s": 7.5})
    monkeypatch.setattr(
        _bench,
        "_measure_speed",
        lambda workers, on_progress: speed.model_copy(update={"pack_start_s": float(workers)}),
    )
    return tmp_path / "cache"


def test_the_measured_speed_is_kept_for_later_estimates(scaling, home):
    result = scaling("bench", "--workers", 3)
    assert (result.code, result.err) == (0, "")  # no bar in a pipe
    assert (speed_file.load_speed().pack_start_s, speed_file.load_speed().sweep_start_s) == (3.0, 7.5)
    assert "3.00 s for a pack, 7.5 s for a sweep" in result.out
    assert f"{speed_file.speed_path()}: " in result.out.splitlines()[-1]
    assert result.out.count("fp32") >= 4


def test_another_file_does_not_change_the_speed_of_this_machine(scaling, home, tmp_path):
    file = tmp_path / "default_speed.json"
    assert scaling("bench", "--out", file).code == 0
    assert speed_file.read_speed(file).sweep_start_s == 7.5
    assert not speed_file.speed_path().exists()


def test_a_damaged_file_is_replaced(scaling, home):
    home.mkdir()
    speed_file.speed_path().write_text("{")
    assert scaling("bench").code == 0
    assert speed_file.load_speed().sweep_start_s == 7.5


def test_a_file_that_cannot_be_written_is_named(scaling, home, tmp_path):
    (tmp_path / "file").touch()
    result = scaling("bench", "--out", tmp_path / "file" / "speed.json")
    assert result.code == 2
    assert "choose another --out" in result.err


def test_every_case_is_a_point_of_its_timing_curve():
    times = {
        case: NetworkTime(1e-3, 1e-9 * case.layer_table.macs, 1e-10 * case.layer_table.macs)
        for case in benchmark_cases()
    }
    curves = list(_bench._timing_curves(times))
    assert sum(len(curve.points) for curve in curves) == len(times)
    images = [(channels, precision) for channels in (1, 3) for precision in PRECISIONS]
    depths = {"bf16": (6, 9, 14), "fp32": (6, 14)}
    historic = [
        spec.model_fields["type"].default for spec in registered() if issubclass(spec, PublishedArchitecture)
    ]
    keys = {
        (curve.architecture, curve.variant, curve.depth, curve.channels, curve.precision, curve.compiled)
        for curve in curves
    }
    assert keys == {
        *((*kind, None, *image, False) for kind in MODERN for image in images),
        *((*kind, None, channels, "bf16", False) for kind in BF16_VARIANTS for channels in (1, 3)),
        *(("vgg", "", depth, 3, precision, False) for precision in depths for depth in depths[precision]),
        *(("lenet5", "tanh", None, 1, precision, False) for precision in PRECISIONS),
        *((name, "", None, 1, "fp32", compiled) for name in historic for compiled in (False, True)),
    }
    assert all(point.train_s == 1e-9 * point.macs for curve in curves for point in curve.points)


def test_inference_is_timed_beside_the_published_speed(scaling, monkeypatch):
    monkeypatch.setattr(measure_inference, "_MIN_S", 0.0)
    monkeypatch.setattr(measure_inference, "_MIN_REPETITIONS", 1)
    result = json.loads(scaling("bench", "--inference", "--json").out)
    rows = [(row["network"], row["macs"], row["batch"]) for row in result["measured"]]
    assert rows == [
        (name, macs, batch)
        for name, macs in (
            ("zipcode1989", 12 * 64 * 25 + 12 * 16 * 8 * 25 + 12 * 16 * 30 + 30 * 10),
            ("lenet1", 4 * 24**2 * 25 + 20 * 8**2 * 25 + 192 * 10),
            ("lenet5_1998", 6 * 28**2 * 25 + 60 * 10**2 * 25 + 400 * 120 + 120 * 84 + 84 * 10),
        )
        for batch in (1, 100)
    ]
    for row in result["measured"]:
        assert row["macs_per_s"] == pytest.approx(row["macs"] * row["images_per_s"])
    published = result["published"]
    assert (published["pictures_per_s"], published["images_per_s"]) == (10, 30)
    assert published["macs"] == rows[0][1] == 63_660
    assert published["macs_per_s"] == 12.5e6


def test_inference_of_a_run_needs_its_weights(scaling, ids, study, store):
    words = ("--run", ids[1, 0], "--store", store, "--config", study)
    result = scaling("bench", "--inference", *words)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(f"run {ids[1, 0]}: no weights in the store")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--run", "abc"], "--run the training speed does not depend on a run; add --inference"),
        (["--inference", "--workers", 2], "--inference uses one thread and writes no file; leave out"),
        (["--inference", "--out", "speed.json"], "--inference uses one thread and writes no file; leave out"),
    ],
)
def test_options_of_the_other_measurement_are_refused(scaling, words, message):
    result = scaling("bench", *words)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(message)
