"""The file of a machine's speed: what is written is read back, and what is no such file is named, with the next step."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scaling.errors import UsageError
from scaling.plan import speed_file
from tests.plan.planted_speed import PLANTED, curve, speed

EVERYTHING = speed(
    curve(*PLANTED), curve(*PLANTED, architecture="tree3", channels=3, precision="fp32"), epoch_s=0.1 + 0.2
)


@pytest.fixture
def home(monkeypatch, tmp_path) -> Path:
    """A user's cache folder."""
    monkeypatch.setattr(speed_file, "user_cache_path", lambda name: tmp_path / name)
    return tmp_path


def test_what_is_written_is_read_back(tmp_path):
    file = tmp_path / "new" / "speed.json"
    speed_file.write_speed(EVERYTHING, file)
    assert speed_file.read_speed(file) == EVERYTHING
    assert list(file.parent.iterdir()) == [file]


def test_this_machines_own_speed_is_used_as_soon_as_there_is_one(home):
    assert speed_file.load_speed() is speed_file.default_speed()
    speed_file.write_speed(EVERYTHING, speed_file.speed_path())
    assert speed_file.load_speed() == EVERYTHING
    again = speed(sweep_start_s=9.0)
    speed_file.write_speed(again, speed_file.speed_path())
    os.utime(speed_file.speed_path(), ns=(1, 1))
    assert speed_file.load_speed() == again


def test_machines_of_other_kinds_that_share_a_home_have_speeds_of_their_own(home, monkeypatch):
    speed_file.write_speed(EVERYTHING, speed_file.speed_path())
    monkeypatch.setattr(speed_file, "processor_name", lambda: "another one")
    assert speed_file.load_speed() is speed_file.default_speed()


def test_the_default_knows_all_architectures_images_and_precisions():
    keys = {
        (curve.architecture, curve.channels, curve.precision, curve.depth)
        for curve in speed_file.default_speed().curves
    }
    kinds = [("lenet5", None), ("tree3", None), ("vgg", 6), ("vgg", 14)]
    assert keys >= {(a, c, p, d) for a, d in kinds for c in (1, 3) for p in ("fp32", "bf16")}
    assert speed_file.default_speed().machine.processor


WHOLE = EVERYTHING.model_dump_json()


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (WHOLE[:200].encode(), "damaged"),
        (b"", "damaged"),
        (b"\xff\xfe\x00", "not text"),
        (b'{"mean": [0.1]}', "machine: Field required"),
        (
            WHOLE.replace('"train_s":', '"train_s":-', 1).encode(),
            "curves.0.points.0.train_s: Input should be greater than 0",
        ),
        (WHOLE.replace('"epoch_s"', '"epoch"').encode(), "epoch_s: Field required"),
    ],
)
def test_a_file_that_is_damaged_or_something_else_is_named_with_the_next_step(home, content, what):
    place = speed_file.speed_path()
    place.parent.mkdir()
    place.write_bytes(content)
    with pytest.raises(UsageError) as refused:
        speed_file.load_speed()
    text = str(refused.value)
    assert text.startswith(f"{place}: ")
    assert what in text
    assert text.endswith("measure again with: scaling bench")
    assert len(text.splitlines()) == 1


def test_a_place_that_cannot_be_read_or_written_is_named(tmp_path):
    with pytest.raises(
        UsageError, match=r"cannot be read \(Is a directory\); measure again with: scaling bench"
    ):
        speed_file.read_speed(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"cannot be written .*; choose another `out`"):
        speed_file.write_speed(EVERYTHING, tmp_path / "file" / "speed.json")
