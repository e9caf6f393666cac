"""Atomic writing of files, what killed writers leave, and reasons why a file cannot be read or written."""

from __future__ import annotations

import errno
import os
import signal
from pathlib import Path
from time import time

import pytest

from scaling.errors import StoreError, UsageError
from scaling.files import file_problem, open_atomically, write_atomically, writing
from scaling.store import open_store


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


def test_reason_why_a_path_is_no_file(tmp_path):
    (tmp_path / "link").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").touch()
    (tmp_path / "good link").symlink_to("file")
    os.mkfifo(tmp_path / "pipe")
    problems = {
        "file": None,
        "good link": None,
        "none": "no such file",
        "file/none": "no such file",
        "": "is a folder",
        "pipe": "is a pipe or a device, not a file",
        "link": "is a link that leads nowhere",
        "loop": "is a link that leads nowhere",
        "a" * 300: "cannot be read (File name too long)",
    }
    assert {name: file_problem(tmp_path / name) for name in problems} == problems


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("name", ["file", ".0123"])
def test_full_disk_has_its_own_hint(tmp_path, number, name):
    """A hidden file is a temporary one, so its folder is named."""
    shown = tmp_path if name.startswith(".") else tmp_path / name
    with pytest.raises(UsageError) as error, writing(tmp_path / name, hint="choose another folder"):
        raise OSError(number, "full")
    assert (
        str(error.value) == f"{shown}: cannot be written (full); free some space there, then run this again"
    )


def test_store_behind_a_link_to_nowhere_names_the_link(tmp_path):
    store = tmp_path / "store"
    store.symlink_to("nowhere/at/all")
    with pytest.raises(StoreError) as error:
        open_store(store).backend.put_if_absent("runs/.0123", b"")
    assert f"{store}/runs: cannot be written (the link {store} leads to nowhere/at/all, which" in str(
        error.value
    )
