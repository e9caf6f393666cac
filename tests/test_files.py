"""Atomic writing of files, and what killed writers leave."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from time import time

import pytest

from scaling.files import open_atomically, write_atomically


def leave_temporary(path: Path) -> Path:
    """Leave a temporary file as a writer does that is killed."""
    before = set(path.parent.iterdir())
    child = os.fork()
    if child == 0:
        with open_atomically(path) as file:
            file.write(b"half")
            file.flush()
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    (temporary,) = set(path.parent.iterdir()) - before
    return temporary


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("name", ["speed.json", "a[b]*"])
def test_temporary_file_of_a_killed_writer_is_deleted_a_day_later(tmp_path, name):
    path = tmp_path / name
    others = [tmp_path / f".{name}", tmp_path / f".{name}-1", tmp_path / f".other-{'0' * 32}"]
    for other in others:
        other.touch()
    temporary = leave_temporary(path)
    write_atomically(path, b"new")
    assert temporary.read_bytes() == b"half"
    for file in (temporary, *others):
        os.utime(file, (time() - 86500,) * 2)
    write_atomically(path, b"newer")
    assert sorted(tmp_path.iterdir()) == sorted([path, *others])
    assert path.read_bytes() == b"newer"
