"""Put-if-absent: of any number of writers one wins, and its file is whole from the moment it is seen."""

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


def test_among_threads_exactly_one_wins_each_name(store: Store) -> None:
    names, together = [f"claims/pack/claim.{i}" for i in range(20)], Barrier(WRITERS)

    def write(writer: int) -> list[bool]:
        won = []
        for name in names:
            together.wait()
            won.append(store.backend.put_if_absent(name, b"%d" % writer * 10_000))
        return won

    with ThreadPoolExecutor(WRITERS) as pool:
        won = list(pool.map(write, range(WRITERS)))
    for i, name in enumerate(names):
        (winner,) = [writer for writer in range(WRITERS) if won[writer][i]]
        assert store.backend.get(name) == b"%d" % winner * 10_000


def test_among_processes_exactly_one_wins_each_name(tmp_path: Path) -> None:
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
        writer.stdin.write("\n")  # each has begun, and waits for it
        writer.stdin.flush()
    won = {n: writer.communicate()[0].split() for n, writer in enumerate(writers)}
    assert sorted(int(name) for names in won.values() for name in names) == list(range(50))
    for n, names in won.items():
        assert all(FolderBackend(tmp_path).get(f"runs/{name}") == str(n).encode() * 10_000 for name in names)
    assert FolderBackend(tmp_path).list_names("runs") == sorted(
        file.name for file in (tmp_path / "runs").iterdir()
    )  # no temporary file is left


def test_names_are_those_of_one_folder_sorted(store: Store) -> None:
    for path in ("a/2", "a/10", "a/b/3", "ab/4"):
        assert store.backend.put_if_absent(path, b"")
    assert [name for name in store.backend.list_names("a") if name != "b"] == ["10", "2"]
    assert store.backend.list_names("nowhere") == []


def test_a_deleted_file_is_gone_and_may_be_put_again(store: Store) -> None:
    assert store.backend.put_if_absent("a/b", b"old")
    store.backend.delete("a/b")
    store.backend.delete("a/b")
    assert not store.backend.exists("a/b")
    assert store.backend.put_if_absent("a/b", b"new")
    assert store.backend.exists("a/b")
    assert list(store.backend.get_all(["a/b", "a/b"])) == [b"new", b"new"]


def test_a_missing_file_is_named(store: Store) -> None:
    with pytest.raises(StoreError, match=r"runs/x\.parquet: can't be read"):
        store.backend.get("runs/x.parquet")


def test_files_can_be_read_by_others_as_the_umask_says(tmp_path: Path) -> None:
    """Not with the mode 0600 of the standard library's temporary files: a store may be shared."""
    FolderBackend(tmp_path / "store").put_if_absent("runs/a", b"")
    (tmp_path / "plain").write_bytes(b"")
    assert (tmp_path / "store/runs/a").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_an_answer_that_nfs_lost_counts_as_won(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = Path.hardlink_to

    def made_but_denied(final: Path, temporary: Path) -> None:
        link(final, temporary)
        raise FileExistsError

    monkeypatch.setattr(Path, "hardlink_to", made_but_denied)
    assert FolderBackend(tmp_path).put_if_absent("a", b"")


def test_no_folder_is_a_store_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    backend = open_store(tmp_path / "file").backend
    with pytest.raises(StoreError, match=r"can't be written .*--store"):
        backend.put_if_absent("runs/a", b"")
    with pytest.raises(StoreError, match=r"can't be listed .*--store"):
        backend.list_names("runs")


def test_a_full_disk_is_named_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StoreError, match="No space left"):
        FolderBackend(tmp_path).put_if_absent("runs/a", b"data")
    assert list((tmp_path / "runs").iterdir()) == []


@pytest.mark.parametrize("uri", ["file:///tmp/x", "S3://bucket", "ftp://host/x"])
def test_an_unknown_kind_of_store_is_refused(uri: str) -> None:
    with pytest.raises(StoreError, match="give a folder's path, or a URI of s3"):
        open_store(uri)


def test_without_obstore_a_uri_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "obstore", None)
    monkeypatch.delitem(sys.modules, "scaling.store.object_store", raising=False)
    with pytest.raises(StoreError, match=r"pip install 'scaling\[cloud\]'"):
        open_store("s3://bucket/path")


def test_a_bucket_that_cannot_be_opened_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AZURE_STORAGE_ACCOUNT_NAME", raising=False)
    with pytest.raises(StoreError, match=r"^az://container/path: can't be opened \(.*Account.*\); .*$"):
        open_store("az://container/path").ids()


def test_a_relative_folder_stays_where_it_was_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    backend = open_store("results").backend
    monkeypatch.chdir("/")
    backend.put_if_absent("runs/a", b"")
    assert (tmp_path / "results/runs/a").exists()
