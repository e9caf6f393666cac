"""Verification, repair, compaction and sweeping of a store."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from scaling.errors import StoreDamageWarning, StoreError
from scaling.store import Claims, Store, compact, open_store, paths, repair, sweep, verify
from scaling.store.compact import Compaction
from scaling.store.folder import FolderBackend
from tests.store.planted_store import FINGERPRINT, plant


def reopen(store: Store) -> Store:
    """Return the same store in the state in which a new process finds it."""
    return Store(store.backend)


def contents(store: Store) -> list[object]:
    """Return everything that readers see, comparable with ``==``."""
    fresh = reopen(store)
    ids = sorted(fresh.ids())
    tables = (fresh.runs(), fresh.epochs(), fresh.predictions(ids))
    return [ids, *(table.to_pylist() for table in tables)]


def publish_each(store: Store, ids: str, **weights: bytes) -> None:
    for draw, run_id in enumerate(ids):
        data = {run_id: weights[run_id]} if run_id in weights else {}
        store.publish(plant([run_id], draw=draw, second=draw), weights=data)


def test_verification_names_each_damaged_and_missing_file(folder: Store) -> None:
    publish_each(folder, "abcd", a=b"of a")
    assert verify(folder).damage == ()
    parts = [folder.parts.backend.list_names("runs")[i].removesuffix(".parquet") for i in range(4)]
    root = Path(folder.backend.full_name(""))
    (root / f"runs/{parts[0]}.parquet").write_bytes(b"")
    (root / f"epochs/{parts[1]}.parquet").unlink()
    (root / f"predictions/{parts[2]}.parquet").write_bytes(b"PAR1")
    (root / f"test_sets/{FINGERPRINT}.parquet").unlink()
    for file in root.glob("weights/*/a.safetensors"):
        file.write_bytes(b"other weights")
    result = verify(reopen(folder))
    assert (result.parts, result.runs) == (3, 3)
    expected = {
        f"runs/{parts[0]}.parquet",
        f"epochs/{parts[1]}.parquet",
        f"predictions/{parts[2]}.parquet",
        f"test_sets/{FINGERPRINT}.parquet",
    }
    weights = {file.relative_to(root).as_posix() for file in root.glob("weights/*/a.safetensors")}
    is_readable = not any(parts[0] in path for path in weights)
    assert {file.path for file in result.damage} == expected | (weights if is_readable else set())


@pytest.mark.parametrize("name", paths.FOLDERS)
def test_file_in_the_place_of_a_folder_is_named_with_the_next_step(folder: Store, name: str) -> None:
    publish_each(folder, "a")
    place = Path(folder.backend.full_name(name))
    if place.exists():
        place.rename(place.with_name("elsewhere"))
    place.write_text("notes of a user")
    for maintain in (verify, repair):
        with pytest.raises(StoreError, match=rf"/{name}: cannot be listed .*; a file stands in the place"):
            maintain(reopen(folder))
    assert place.read_text() == "notes of a user"


def test_folders_of_other_programs_below_the_claims_are_no_claims(folder: Store) -> None:
    publish_each(folder, "a")
    foreign = Path(folder.backend.full_name("claims/.snap/claim.1"))
    foreign.parent.mkdir(parents=True)
    foreign.touch()
    assert verify(reopen(folder)).damage == ()
    assert repair(reopen(folder)).moved == ()
    sweep(reopen(folder))
    assert foreign.exists()


def test_repair_moves_damaged_parts_aside_and_their_runs_can_be_published_again(store: Store) -> None:
    publish_each(store, "ab", a=b"of a")
    index = store.parts.run_index()
    (part,) = [f"{name}.parquet" for name, rows in index.items() if rows["id"].to_pylist() == ["a"]]
    store.backend.delete(f"epochs/{part}")
    store.backend.put_if_absent(f"epochs/{part}", b"damaged")
    store.backend.delete(f"test_sets/{FINGERPRINT}.parquet")
    store.backend.put_if_absent(f"test_sets/{FINGERPRINT}.parquet", b"damaged")
    moved = repair(reopen(store)).moved
    assert len(moved) == 5  # runs, epochs, predictions, weights and the test set
    assert store.backend.get(f"damaged/epochs/{part}") == b"damaged"
    assert verify(reopen(store)).runs == 1
    fresh = reopen(store)
    assert fresh.ids() == {"b"}
    assert fresh.publish(plant(["a"], second=9)) == 1
    assert verify(reopen(store)).damage == ()
    assert repair(reopen(store)).moved == ()


def test_compaction_keeps_every_table_and_weights(folder: Store) -> None:
    store = folder
    publish_each(store, "abc", a=b"of a", c=b"of c")
    store.publish({"runs": plant(["d"])["runs"]})  # has other tables
    before = contents(store)
    assert compact(reopen(store)) == Compaction(replaced=3, new=1, runs=3)
    assert contents(store) == before
    fresh = reopen(store)
    assert [fresh.weights(run_id) for run_id in "ac"] == [b"of a", b"of c"]
    assert [len(store.backend.list_names(kind)) for kind in ("runs", "epochs", "predictions")] == [2, 1, 1]
    assert len(store.backend.list_files("weights")) == 2
    assert verify(fresh).damage == ()
    assert compact(reopen(store)) == Compaction(replaced=0, new=0, runs=0)


def test_compaction_keeps_the_copy_that_counts(folder: Store) -> None:
    for second in (5, 3):
        racer = reopen(folder)
        racer.ids = set  # type: ignore[method-assign]
        racer.publish(plant(["a", str(second)], draw=second, second=second))
    before = contents(folder)
    assert compact(reopen(folder)).runs == 3
    assert contents(folder) == before


def test_compaction_leaves_damaged_parts(folder: Store) -> None:
    publish_each(folder, "abc")
    damaged = Path(folder.backend.full_name("epochs")) / folder.backend.list_names("epochs")[0]
    damaged.write_bytes(b"")
    with pytest.warns(StoreDamageWarning):
        assert compact(reopen(folder)).replaced == 2
    assert damaged.exists()
    assert reopen(folder).ids() == set("abc")


class Intervening(FolderBackend):
    """A folder in which something else happens before one of the operations."""

    def __init__(self, root: Path, at: int, intervene: Callable[[], None]) -> None:
        super().__init__(root)
        object.__setattr__(self, "remaining", count(-at))
        object.__setattr__(self, "intervene", intervene)

    def _step(self) -> None:
        if next(self.remaining) == 0:  # type: ignore[attr-defined]
            self.intervene()  # type: ignore[attr-defined]

    def get(self, path: str, *, max_bytes: int | None = None) -> bytes:
        self._step()
        return super().get(path, max_bytes=max_bytes)

    def put_if_absent(self, path: str, data: bytes) -> bool:
        self._step()
        return super().put_if_absent(path, data)

    def list_names(self, folder: str) -> list[str]:
        self._step()
        return super().list_names(folder)

    def delete(self, path: str) -> None:
        self._step()
        super().delete(path)


class Killed(BaseException):
    pass


def steps(run: Callable[[Callable[[], None], int], None]) -> int:
    """Run with an intervention before each operation in turn, and return the number of operations."""
    for at in count():
        has_happened: list[bool] = []
        run(partial(has_happened.append, True), at)
        if not has_happened:
            return at
    raise AssertionError


@pytest.mark.slow
def test_compaction_that_is_killed_anywhere_or_meets_another_one_changes_nothing(tmp_path: Path) -> None:
    kill_points = steps(lambda happen, at: compact_with(tmp_path / f"killed{at}", at, happen, killed=True))
    meetings = steps(lambda happen, at: compact_with(tmp_path / f"met{at}", at, happen, killed=False))
    assert min(kill_points, meetings) > 15


@pytest.mark.parametrize(("at", "killed"), [(22, True), (14, False)])
def test_compaction_that_is_killed_or_meets_another_one_changes_nothing(
    tmp_path: Path, at: int, killed: bool
) -> None:
    """A sample of the test above."""
    has_happened: list[bool] = []
    compact_with(tmp_path, at, partial(has_happened.append, True), killed=killed)
    assert has_happened


def compact_with(root: Path, at: int, happen: Callable[[], None], *, killed: bool) -> None:
    """Compact a store; before operation ``at``, another compaction runs or this one is killed."""
    store = open_store(root)
    publish_each(store, "ab")
    before = contents(store)

    def intervene() -> None:
        happen()
        if killed:
            raise Killed
        compact(open_store(root))
        assert contents(store) == before

    try:
        compact(Store(Intervening(root, at, intervene)))
    except Killed:
        assert contents(store) == before
    assert contents(store) == before
    compact(open_store(root))
    assert contents(store) == before


@pytest.mark.slow
@pytest.mark.parametrize("read", ["ids", "runs", "epochs", "predictions", "weights"])
def test_readers_see_each_run_once_while_parts_are_replaced(tmp_path: Path, read: str) -> None:
    def read_with(happen: Callable[[], None], at: int) -> None:
        root = tmp_path / str(at)
        store = open_store(root)
        publish_each(store, "ab", a=b"of a")

        def intervene() -> None:
            happen()
            compact(open_store(root))

        reader = Store(Intervening(root, at, intervene))
        results = {
            "ids": reader.ids,
            "runs": lambda: reader.runs()["id"].to_pylist(),
            "epochs": lambda: reader.epochs()["id"].to_pylist(),
            "predictions": lambda: reader.predictions("ab")["id"].to_pylist(),
            "weights": lambda: reader.weights("a"),
        }
        expected = {
            "ids": {"a", "b"},
            "runs": ["a", "b"],
            "epochs": ["a"] * 3 + ["b"] * 3,
            "predictions": ["a", "b"],
            "weights": b"of a",
        }
        assert results[read]() == expected[read]

    assert steps(read_with) >= 5


@pytest.mark.parametrize("change", [repair, compact])
def test_part_that_was_removed_does_not_come_back_from_a_claim(
    folder: Store, change: Callable[[Store], object]
) -> None:
    """Its holder died after the commit record and before the release."""
    claim, tables = Claims(folder, owner="dead", lease_s=1.0).try_acquire("pack", ["a"]), plant(["a"])
    assert claim is not None
    folder.publish(tables, commit=claim.commit)
    if change is repair:
        (predictions,) = Path(folder.backend.full_name("predictions")).iterdir()
        predictions.write_bytes(b"damaged")
    folder.publish(plant(["b"], draw=1))
    change(reopen(folder))
    successor = Claims(folder, owner="next", lease_s=1.0).try_acquire("pack", ["a"])
    assert successor is not None
    assert ("a" in reopen(folder).ids()) == (change is compact)
    reopen(folder).publish(tables, commit=successor.commit)
    assert len(folder.backend.list_names("runs")) == (1 if change is compact else 2)
    assert verify(reopen(folder)).damage == ()
