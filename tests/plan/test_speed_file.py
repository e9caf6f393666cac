"""The file of a machine's speed: round trip, default speed, and messages for unusable files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scaling.architectures import Hybrid1988, registered
from scaling.architectures.history.base import PublishedArchitecture
from scaling.errors import UsageError
from scaling.plan import speed_file
from tests.plan.example_speed import POINTS, curve, speed

SPEED = speed(
    curve(*POINTS), curve(*POINTS, architecture="tree3", channels=3, precision="fp32"), epoch_s=0.1 + 0.2
)


@pytest.fixture
def home(monkeypatch, tmp_path) -> Path:
    """Return a cache folder of a user."""
    monkeypatch.setattr(speed_file, "user_cache_path", lambda name: tmp_path / name)
    return tmp_path


def test_a_written_speed_is_read_back(tmp_path):
    file = tmp_path / "new" / "speed.json"
    speed_file.write_speed(SPEED, file)
    assert speed_file.read_speed(file) == SPEED
    assert list(file.parent.iterdir()) == [file]


def test_a_measured_speed_replaces_the_default_speed(home):
    assert speed_file.load_speed() is speed_file.default_speed()
    speed_file.write_speed(SPEED, speed_file.speed_path())
    assert speed_file.load_speed() == SPEED
    newer = speed(sweep_start_s=9.0)
    speed_file.write_speed(newer, speed_file.speed_path())
    os.utime(speed_file.speed_path(), ns=(1, 1))
    assert speed_file.load_speed() == newer


def test_machines_of_other_kinds_that_share_a_home_folder_have_their_own_speeds(home, monkeypatch):
    speed_file.write_speed(SPEED, speed_file.speed_path())
    monkeypatch.setattr(speed_file, "processor_name", lambda: "another processor")
    assert speed_file.load_speed() is speed_file.default_speed()


def test_the_default_speed_covers_all_architectures_images_and_precisions():
    keys = {
        (curve.architecture, curve.channels, curve.precision, curve.depth)
        for curve in speed_file.default_speed().curves
    }
    precisions = ("fp32", "bf16")
    assert keys >= {(a, c, p, None) for a in ("lenet5", "tree3") for c in (1, 3) for p in precisions}
    assert keys >= {("vgg", 3, p, depth) for p in precisions for depth in (6, 14)}
    published = [cls for cls in registered() if issubclass(cls, PublishedArchitecture)]
    historic = [cls for cls in published if cls is not Hybrid1988]  # whose layers are like those of Net-1
    assert keys >= {(cls.model_fields["type"].default, 1, "fp32", None) for cls in historic}
    assert speed_file.default_speed().machine.processor


COMPLETE = SPEED.model_dump_json()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (COMPLETE[:200].encode(), "damaged"),
        (b"", "damaged"),
        (b"\xff\xfe\x00", "not text"),
        (b'{"mean": [0.1]}', "machine: Field required"),
        (
            COMPLETE.replace('"train_s":', '"train_s":-', 1).encode(),
            "curves.0.points.0.train_s: Input should be greater than 0",
        ),
        (COMPLETE.replace('"epoch_s"', '"epoch"').encode(), "epoch_s: Field required"),
        (COMPLETE.replace('"step_s":0.002,', "", 1).encode(), "curves.0.points.0.step_s: Field required"),
    ],
)
def test_the_message_for_a_damaged_file_names_the_file_and_the_next_step(home, content, reason):
    path = speed_file.speed_path()
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(UsageError) as refused:
        speed_file.load_speed()
    text = str(refused.value)
    assert text.startswith(f"{path}: ")
    assert reason in text
    assert text.endswith("measure again with: scaling bench")
    assert len(text.splitlines()) == 1


def test_a_path_that_cannot_be_read_or_written_is_named(tmp_path):
    with pytest.raises(
        UsageError, match=r"cannot be read \(Is a directory\); measure again with: scaling bench"
    ):
        speed_file.read_speed(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"cannot be written .*; choose another `out`"):
        speed_file.write_speed(SPEED, tmp_path / "file" / "speed.json")
