"""Sweeping of a store: what killed processes left goes, and nothing else."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from importlib import import_module
from itertools import count
from pathlib import Path

import pytest

from scaling.errors import StoreError
from scaling.store import Claims, Store, open_store, sweep, verify
from scaling.store.claims import read_claim_state
from scaling.store.folder import FolderBackend
from tests.store.planted_store import plant
from tests.store.test_maintenance import contents, publish_each, reopen

SWEEP = import_module("scaling.store.sweep")  # the package has a function of this name


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return a function that lets a day pass for ``sweep``."""
    return lambda: monkeypatch.setattr(SWEEP, "MIN_AGE_S", -60.0)


def part(digit: str) -> str:
    """Return the name of a part."""
    return digit * 20


FINISHED, UNFINISHED, UNKNOWN = (20 * digit for digit in "fed")
"""Keys of packs."""


def leave_everything(store: Store) -> dict[str, int]:
    """Leave in a store what killed processes can leave, and return how many files of each kind."""
    backend = store.backend
    publish_each(store, "ab", a=b"of a")
    for path in ("epochs/{}.parquet", "predictions/{}.parquet", "weights/{}/x.safetensors"):
        backend.put_if_absent(path.format(part("0")), b"of a killed publication")
    Path(backend.full_name("runs/." + 32 * "0")).write_bytes(b"half a fi")
    backend.put_if_absent("probes/" + 32 * "0", b"")
    backend.put_if_absent("compactions/" + part("0"), b"")
    for key, runs in {FINISHED: ["a", "b"], UNFINISHED: ["a", "c"], UNKNOWN: []}.items():
        claim = Claims(store, owner="killed", lease_s=20).try_acquire(key, runs)
        assert claim is not None
        assert claim.renew()
        assert claim.renew()
        backend.put_if_absent(f"claims/{key}/claim.1.beat.1", b"")
        backend.put_if_absent(f"checkpoints/{key}/3.{part('c')}.safetensors", b"weights")
    Path(backend.full_name("checkpoints/" + part("9"))).mkdir()
    return {
        "temporary files": 1,
        "files without a part": 3,
        "probes": 1,
        "records of compactions": 1,
        "claims of earlier holders": 3,
        "checkpoints of published packs": 1,
        "claims of published packs": 2,
        "empty folders": 4,
    }


def test_sweep_removes_what_nobody_needs(folder: Store, later: Callable[[], None]) -> None:
    expected = leave_everything(folder)
    before, kept_claims = contents(folder), (UNFINISHED, UNKNOWN)
    states = [read_claim_state(folder.backend, key) for key in kept_claims]
    assert sweep(reopen(folder)).removed == {}  # too young
    later()
    removed = sweep(reopen(folder)).removed
    assert {kind: len(files) for kind, files in removed.items()} == expected
    assert contents(folder) == before
    assert folder.weights("a") == b"of a"
    assert [read_claim_state(folder.backend, key) for key in kept_claims] == states
    assert len(folder.backend.list_names(f"checkpoints/{UNFINISHED}")) == 1
    assert set(sweep(reopen(folder)).removed) <= {"empty folders"}
    assert verify(reopen(folder)).damage == ()


def test_sweep_keeps_the_files_of_a_publication_that_the_next_holder_completes(
    folder: Store, later: Callable[[], None]
) -> None:
    """Afterwards, it removes the claims."""
    publish_each(folder, "b")
    later()
    claim, tables = Claims(folder, owner="dead", lease_s=1.0).try_acquire("pack", ["a"]), plant(["a"])
    assert claim is not None

    def die(path: str, data: bytes) -> None:
        claim.commit(path, data)
        folder.backend.delete(path)

    folder.publish(tables, weights={"a": b"of a"}, commit=die)
    assert "files without a part" not in sweep(reopen(folder)).removed
    clock = count()
    observer = Claims(folder, owner="next", lease_s=1.0, clock=lambda: next(clock) / 10)
    while (successor := observer.try_acquire("pack", ["a"])) is None:
        pass
    successor.release()
    assert folder.ids() == {"a", "b"}
    assert folder.predictions("a").equals(tables["predictions"])
    assert folder.weights("a") == b"of a"
    assert len(sweep(reopen(folder)).removed["claims of published packs"]) == 4


def test_sweep_of_an_object_store_leaves_young_files() -> None:
    store = open_store("memory:///swept")
    publish_each(store, "ab")
    store.backend.put_if_absent(f"epochs/{part('0')}.parquet", b"of a publication that is going on")
    before = contents(store)
    assert sweep(reopen(store)).removed == {}
    assert contents(store) == before


def test_sweep_leaves_the_users_own_files(folder: Store, later: Callable[[], None]) -> None:
    """A store can be a folder that has such folders already."""
    leave_everything(folder)
    root = Path(folder.backend.full_name(""))
    names = [
        "weights/best.pt",
        "weights/yolo/last.pt",
        "weights/yolo/x.safetensors",
        "predictions/mine.parquet",
    ]
    names += [
        "epochs/x.csv",
        "probes/moon.csv",
        "compactions/notes.txt",
        "checkpoints/last.ckpt",
        "claims/a.pdf",
    ]
    names += [f"checkpoints/{FINISHED}/best.safetensors", f"claims/{FINISHED}/notes", "runs/.hidden"]
    for name in names:
        (root / name).parent.mkdir(exist_ok=True, parents=True)
        (root / name).write_text("precious")
    (root / "weights" / "empty").mkdir()
    later()
    sweep(reopen(folder))
    assert {(root / name).read_text() for name in names} == {"precious"}
    assert (root / "weights" / "empty").is_dir()


def test_sweep_removes_no_table_of_a_store_whose_copy_is_on_its_way(
    folder: Store, later: Callable[[], None], tmp_path: Path
) -> None:
    """A copy keeps the times of the files, and their order is that of the names."""
    publish_each(folder, "ab")
    root, copy = Path(folder.backend.full_name("")), tmp_path / "copy"
    for name in ("epochs", "predictions"):
        shutil.copytree(root / name, copy / name)
    os.utime(copy / "epochs", (0, 0))
    for path in copy.rglob("*.parquet"):
        os.utime(path, (0, 0))
    (copy / "runs").mkdir()
    first, *_ = (root / "runs").iterdir()
    shutil.copy(first, copy / "runs")
    assert sweep(open_store(copy)).removed == {}  # the files are younger here than their times say
    first.unlink()
    (copy / "runs" / first.name).unlink()
    later()
    assert sweep(open_store(copy)).removed == {}  # nothing shows which parts there are


def test_sweep_that_is_killed_among_the_claims_of_a_pack_is_completed_by_the_next_one(
    folder: Store, later: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_everything(folder)
    later()
    delete = FolderBackend.delete
    for deletions in count():
        left = iter(range(deletions))

        def die_at_last(backend: FolderBackend, path: str, left: Iterator[int] = left) -> None:
            if path.startswith("claims/") and next(left, None) is None:
                raise KeyboardInterrupt
            delete(backend, path)

        with monkeypatch.context() as patch:
            patch.setattr(FolderBackend, "delete", die_at_last)
            try:
                sweep(reopen(folder))
            except KeyboardInterrupt:
                continue
        break
    assert deletions > 1
    assert folder.backend.list_names(f"claims/{FINISHED}") == []


def test_sweep_tells_that_the_store_does_not_list_a_new_file(
    store: Store, later: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_each(store, "a")
    monkeypatch.setattr(type(store.backend), "list_files", lambda backend, folder: [])
    with pytest.raises(StoreError, match="a new file is not listed yet; try again"):
        sweep(store)


def test_files_of_unknown_parts_stay_while_a_claim_is_damaged(
    folder: Store, later: Callable[[], None]
) -> None:
    """The claim may contain the commit record of such a part."""
    leave_everything(folder)
    (Path(folder.backend.full_name(f"claims/{UNKNOWN}")) / "claim.1").write_bytes(b"damaged")
    later()
    assert "files without a part" not in sweep(reopen(folder)).removed
