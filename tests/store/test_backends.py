"""Backends: among any number of writers exactly one puts a file, and readers see whole files only."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from scaling.errors import StoreError
from scaling.store import Store, open_store
from scaling.store.folder import FolderBackend

WRITERS = 8
PROCESSES = 4


def test_exactly_one_thread_puts_each_file(store: Store) -> None:
    names, start = [f"claims/pack/claim.{i}" for i in range(20)], Barrier(WRITERS)

    def write(writer: int) -> list[bool]:
        has_won = []
        for name in names:
            start.wait()
            has_won.append(store.backend.put_if_absent(name, b"%d" % writer * 10_000))
        return has_won

    with ThreadPoolExecutor(WRITERS) as pool:
        has_won = list(pool.map(write, range(WRITERS)))
    for i, name in enumerate(names):
        (winner,) = [writer for writer in range(WRITERS) if has_won[writer][i]]
        assert store.backend.get(name) == b"%d" % winner * 10_000


def test_exactly_one_process_puts_each_file(tmp_path: Path) -> None:
    script = """
import sys
from pathlib import Path
from scaling.store.folder import FolderBackend
root, writer = Path(sys.argv[1]), sys.argv[2]
sys.stdin.readline()
print(*[i for i in range(50) if FolderBackend(root).put_if_absent(f"runs/{i}", writer.encode() * 10_000)])
"""
    command = [sys.executable, "-c", script, str(tmp_path)]
    writers = [
        subprocess.Popen([*command, str(n)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for n in range(PROCESSES)
    ]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("\n")  # each process has started and waits for this line
        writer.stdin.flush()
    won = {n: writer.communicate()[0].split() for n, writer in enumerate(writers)}
    assert sorted(int(name) for names in won.values() for name in names) == list(range(50))
    for n, names in won.items():
        assert all(FolderBackend(tmp_path).get(f"runs/{name}") == str(n).encode() * 10_000 for name in names)
    assert FolderBackend(tmp_path).list_names("runs") == sorted(
        file.name for file in (tmp_path / "runs").iterdir()
    )  # no temporary file remains


def test_names_of_a_folder_are_sorted(any_store: Store) -> None:
    for path in ("a/2", "a/10", "a/b/3", "ab/4", "a/.hidden"):
        assert any_store.backend.put_if_absent(path, b"")
    assert [name for name in any_store.backend.list_names("a") if name != "b"] == ["10", "2"]
    assert any_store.backend.list_names("nowhere") == []


def test_deleted_file_can_be_put_again(any_store: Store) -> None:
    assert any_store.backend.put_if_absent("a/b", b"old")
    any_store.backend.delete("a/b")
    any_store.backend.delete("a/b")
    assert not any_store.backend.exists("a/b")
    assert any_store.backend.put_if_absent("a/b", b"new")
    assert any_store.backend.exists("a/b")
    assert list(any_store.backend.get_all(["a/b", "a/b"])) == [b"new", b"new"]


def test_missing_file_is_named(any_store: Store) -> None:
    with pytest.raises(StoreError, match=r"runs/x\.parquet: cannot be read"):
        any_store.backend.get("runs/x.parquet")


def test_permissions_of_files_follow_the_umask(tmp_path: Path) -> None:
    """A store may be shared, and temporary files of the standard library have the mode 0600."""
    FolderBackend(tmp_path / "store").put_if_absent("runs/a", b"")
    (tmp_path / "plain").write_bytes(b"")
    assert (tmp_path / "store/runs/a").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_link_whose_answer_nfs_lost_counts_as_put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = Path.hardlink_to

    def link_but_report_failure(final: Path, temporary: Path) -> None:
        link(final, temporary)
        raise FileExistsError

    monkeypatch.setattr(Path, "hardlink_to", link_but_report_failure)
    assert FolderBackend(tmp_path).put_if_absent("a", b"")


def test_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    backend = open_store(tmp_path / "file").backend
    with pytest.raises(StoreError, match=r"^store: .*cannot be written .*writable folder"):
        backend.put_if_absent("runs/a", b"")
    with pytest.raises(StoreError, match=r"cannot be listed .*a folder that you may read"):
        backend.list_names("runs")


def test_full_disk_is_reported_and_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(StoreError, match="No space left"):
        FolderBackend(tmp_path).put_if_absent("runs/a", b"data")
    assert list((tmp_path / "runs").iterdir()) == []


@pytest.mark.parametrize("uri", ["file:///tmp/x", "S3://bucket", "ftp://host/x", "s3://"])
def test_unknown_kind_of_store_is_refused(uri: str) -> None:
    with pytest.raises(StoreError, match="name a folder, or a URI with one of the schemes s3"):
        open_store(uri)


def test_home_of_an_unknown_user_is_refused() -> None:
    with pytest.raises(StoreError, match=r"^store: ~nobody-at-all/x: .*; give the whole path of the folder$"):
        open_store("~nobody-at-all/x")


def test_missing_obstore_is_reported_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "obstore", None)
    monkeypatch.delitem(sys.modules, "scaling.store.object_store", raising=False)
    with pytest.raises(StoreError, match=r"pip install 'scaling-studies\[cloud\]'"):
        open_store("s3://bucket/path")


def test_bucket_that_cannot_be_opened_is_reported_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AZURE_STORAGE_ACCOUNT_NAME", raising=False)
    with pytest.raises(StoreError, match=r"^az://container/path: cannot be opened \(.*Account.*\); .*$"):
        open_store("az://container/path").ids()


def test_relative_folder_stays_the_same_after_a_change_of_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    backend = open_store("results").backend
    monkeypatch.chdir("/")
    backend.put_if_absent("runs/a", b"")
    assert (tmp_path / "results/runs/a").exists()
