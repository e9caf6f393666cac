"""Temporary folders: deleted at the end, and those of killed processes at the next start."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from scaling.temporary_folder import (
    _LOCK,
    _MARK,
    NAME_LENGTH,
    PREFIX,
    delete_abandoned_folders,
    temporary_folder,
)


def leave_folder(parent) -> None:
    """Leave a folder behind as a process does that is killed."""
    child = os.fork()
    if child == 0:
        with temporary_folder(parent) as folder:
            (folder / "session").mkdir()
            (folder / "session" / "socket").touch()
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_folder_of_a_killed_process_is_deleted_at_the_next_start(tmp_path):
    leave_folder(tmp_path)
    (abandoned,) = tmp_path.iterdir()
    with temporary_folder(tmp_path) as folder:
        assert list(tmp_path.iterdir()) == [folder]
    assert not abandoned.exists()
    assert not folder.exists()


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_folder_that_an_orphan_uses_is_deleted_once_the_orphan_has_ended(tmp_path):
    """Ray's workers create their folders again while they end."""
    leave_folder(tmp_path)
    (abandoned,) = tmp_path.iterdir()
    with subprocess.Popen(["sh", "-c", "read line", str(abandoned)], stdin=subprocess.PIPE):
        delete_abandoned_folders([tmp_path])
        assert (abandoned / "session").is_dir()
    delete_abandoned_folders([tmp_path])
    assert list(tmp_path.iterdir()) == []


def test_folder_in_which_a_file_appears_in_the_last_moment_is_deleted_at_the_next_attempt(
    tmp_path, monkeypatch
):
    appearing, rmdir = iter(["late", "later"]), Path.rmdir

    def create_and_remove(folder):
        if name := next(appearing, None):
            (folder / name).touch()
        rmdir(folder)

    monkeypatch.setattr(Path, "rmdir", create_and_remove)
    with temporary_folder(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []
    assert next(appearing, None) is None


def test_folder_that_a_cleaner_has_deleted_is_no_error(tmp_path):
    with temporary_folder(tmp_path) as emptied, temporary_folder(tmp_path) as deleted:
        (emptied / _LOCK).unlink()
        shutil.rmtree(deleted)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(KeyboardInterrupt), temporary_folder(tmp_path) as replaced:  # noqa: PT012
        shutil.rmtree(replaced)
        replaced.touch()
        raise KeyboardInterrupt


def test_folders_of_living_processes_and_of_others_stay(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / _LOCK).write_text(_MARK)
    strangers = [tmp_path / f"{PREFIX}notes", tmp_path / f"{PREFIX}file", tmp_path / f"{PREFIX}link"]
    strangers[0].mkdir()
    (strangers[0] / _LOCK).touch()
    strangers[1].touch()
    strangers[2].symlink_to(tmp_path / "elsewhere")
    with temporary_folder(tmp_path) as first, temporary_folder(tmp_path) as second:
        assert first.is_dir()
        assert len(second.name) == NAME_LENGTH
    assert sorted(tmp_path.iterdir()) == sorted([*strangers, tmp_path / "elsewhere"])


def test_folder_is_deleted_after_an_error_and_only_its_user_can_read_it(tmp_path):
    with pytest.raises(KeyboardInterrupt), temporary_folder(tmp_path) as folder:  # noqa: PT012
        (folder / "link").symlink_to(tmp_path)
        assert folder.stat().st_mode & 0o777 == 0o700
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []
