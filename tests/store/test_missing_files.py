"""Missing, incomplete, too large and foreign files are damage: nothing hides it, and ``repair`` ends it."""

from __future__ import annotations

import importlib
import os
import warnings
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from scaling.errors import StoreDamageWarning, StoreError
from scaling.store import Store, StoreUnion, compact, open_store, repair, verify
from scaling.store.part_hashes import MAX_FILE_BYTES
from tests.store.planted_store import FINGERPRINT, plant
from tests.store.test_damage import reopen, rewritten_part
from tests.store.test_maintenance import Intervening, contents, publish_each, steps


def files_of(store: Store, run_id: str) -> dict[str, Path]:
    """Return the further files of the part of a run."""
    (part,) = (name for name, rows in store.parts.run_index().items() if rows["id"].to_pylist() == [run_id])
    files = {kind: f"{kind}/{part}.parquet" for kind in ("epochs", "predictions")}
    files["weights"] = f"weights/{part}/{run_id}.safetensors"
    return {kind: Path(store.backend.full_name(path)) for kind, path in files.items()}


@pytest.mark.parametrize("kind", ["epochs", pytest.param("predictions", marks=pytest.mark.slow), "weights"])
def test_missing_files_are_named_by_their_readers_and_stay_damage(folder: Store, kind: str) -> None:
    """Two parts lack files, so that a compaction could put them together."""
    publish_each(folder, "abcd", a=b"of a", b=b"of b")
    missing = {run_id: files_of(folder, run_id)[kind] for run_id in "ab"}
    for file in missing.values():
        file.unlink()
    names = sorted(map(str, missing.values()))
    readers: dict[str, Callable[[Store], object]] = {
        "runs": lambda store: store.runs(["filters"]),
        "epochs": lambda store: store.epochs(),
        "predictions": lambda store: store.ids_with_table("predictions"),
        "weights": lambda store: [
            store.parts.has_weights(file.parent.name, run_id) for run_id, file in missing.items()
        ],
    }
    for reader in (kind,) if kind == "weights" else ("runs", kind):
        fresh = reopen(folder)
        fresh.ids()
        with pytest.warns(StoreDamageWarning, match=rf"^\d files? of {kind} (.|\n)*: does not exist"):
            readers[reader](fresh)
        assert sorted(damage.name for damage in fresh.damage) == names
        assert fresh.ids() == set("abcd")
    before = verify(reopen(folder)).damage
    assert sorted(damage.name for damage in before) == names
    with pytest.warns(StoreDamageWarning):
        assert compact(reopen(folder)).replaced == 2
    assert verify(reopen(folder)).damage == before
    assert repair(reopen(folder)).moved
    assert reopen(folder).ids() == {"c", "d"}
    assert verify(reopen(folder)).damage == ()


def test_advice_about_missing_files_is_a_repair(folder: Store) -> None:
    publish_each(folder, "ab", a=b"of a")
    for kind in ("predictions", "weights"):
        files_of(folder, "a")[kind].unlink()
    fresh = reopen(folder)
    with (
        pytest.warns(StoreDamageWarning),
        pytest.raises(StoreError, match=r"1 of 2 runs have no predictions here; .*scaling store repair"),
    ):
        fresh.require_predictions(["a", "b"])
    with (
        pytest.warns(StoreDamageWarning),
        pytest.raises(StoreError, match=r"its weights are damaged: .*scaling store repair"),
    ):
        fresh.weights("a")


@pytest.mark.parametrize(("kind", "how"), [("epochs", "missing"), ("predictions", "incomplete")])
def test_publication_mends_runs_whose_tables_are_damaged(folder: Store, kind: str, how: str) -> None:
    tables = plant(["a", "b"])
    if how == "incomplete":
        rewritten_part(folder, kind, tables[kind].filter(pc.equal(tables[kind]["id"], "a")))
        folder.put_test_sets(tables["test_sets"])
    else:
        folder.publish(tables)
        next(Path(folder.backend.full_name(kind)).iterdir()).unlink()
    (damage,) = verify(reopen(folder)).damage
    assert damage.kind == kind
    with pytest.warns(StoreDamageWarning, match=f"1 file of {kind} is damaged"):
        assert reopen(folder).publish(tables) == 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StoreDamageWarning)
        assert contents(folder)[1:] == [
            tables[name].to_pylist() for name in ("runs", "epochs", "predictions")
        ]
        assert reopen(folder).publish(tables) == 0


@pytest.mark.parametrize("kind", ["runs", "epochs"])
def test_damaged_file_under_the_name_of_a_new_file_is_not_taken_for_it(folder: Store, kind: str) -> None:
    """Tables that are merged again have the same bytes, and so their part has the same name."""
    tables = plant(["a", "b"])
    folder.publish(tables)
    (file,) = Path(folder.backend.full_name(kind)).iterdir()
    file.write_bytes(b"PAR1")
    with (
        pytest.warns(StoreDamageWarning),
        pytest.raises(StoreError, match=rf"^{file}: .*scaling store repair"),
    ):
        reopen(folder).publish(tables)
    repair(reopen(folder))
    assert reopen(folder).publish(tables) == 2
    assert verify(reopen(folder)).damage == ()
    assert reopen(folder).epochs().equals(tables["epochs"])


def test_copy_in_another_store_replaces_a_missing_table(folder: Store, tmp_path: Path) -> None:
    tables, also = plant(["a"]), open_store(tmp_path / "also")
    for store in (folder, also):
        store.publish(tables)
    files_of(folder, "a")["epochs"].unlink()
    with pytest.warns(StoreDamageWarning, match="does not exist"):
        assert StoreUnion(reopen(folder), [also]).epochs().equals(tables["epochs"])


@pytest.mark.parametrize(
    ("kind", "name"),
    [("runs", "a\\b"), ("epochs", "a\nb"), ("predictions", os.fsdecode(b"\xff")), ("test_sets", "a\\b")],
)
def test_foreign_name_is_damage_and_moved_aside(folder: Store, kind: str, name: str) -> None:
    publish_each(folder, "ab")
    before = contents(folder)
    foreign = Path(folder.backend.full_name(f"{kind}/{name}.parquet"))
    foreign.write_bytes(b"foreign")
    assert [damage.path for damage in verify(reopen(folder)).damage] == [f"{kind}/{name}.parquet"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StoreDamageWarning)
        assert contents(folder) == before
    (moved,) = repair(reopen(folder)).moved
    assert Path(moved).read_bytes() == b"foreign"
    assert verify(reopen(folder)).damage == ()


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("folder", "runs/huge"),
        ("folder", "epochs/{part}"),
        ("folder", f"test_sets/{FINGERPRINT}"),
        ("object store", "runs/huge"),
    ],
)
def test_file_that_is_too_large_is_damage_and_is_not_read(tmp_path: Path, kind: str, path: str) -> None:
    folder = open_store(tmp_path / "store")
    publish_each(folder, "a")
    huge = Path(folder.backend.full_name(path.format(part=next(iter(folder.parts.run_index())))) + ".parquet")
    huge.touch()
    os.truncate(huge, MAX_FILE_BYTES + 1)
    if kind == "object store":
        from scaling.store.object_store import ObjectStoreBackend

        folder = Store(ObjectStoreBackend((tmp_path / "store").as_uri()))
    (damage,) = verify(Store(folder.backend)).damage
    assert damage.reason.startswith("has 4,294,967,297 bytes, more than")
    assert repair(Store(folder.backend)).moved
    assert not huge.exists()


def test_part_that_readers_would_refuse_is_not_written(
    folder: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scaling.store.publish.MAX_FILE_BYTES", 100_000)
    with pytest.raises(
        StoreError, match=r"^weights/a: has 100,001 bytes, and .*; publish fewer runs at once"
    ):
        folder.publish(plant(["a"]), weights={"a": bytes(100_001)})
    assert folder.ids() == set()


def test_compaction_counts_weights_among_the_bytes_of_a_part(
    folder: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_each(folder, "abcd", **{run_id: run_id.encode() * 40_000 for run_id in "abcd"})
    monkeypatch.setattr(importlib.import_module("scaling.store.compact"), "_MAX_BYTES", 160_000)
    result = compact(reopen(folder))
    assert (result.replaced, result.new) == (4, 2)
    assert all(reopen(folder).weights(run_id) == run_id.encode() * 40_000 for run_id in "abcd")


def verify_with(root: Path, at: int, happen: Callable[[], None]) -> None:
    """Verify a store; before operation ``at``, a compaction replaces its parts."""
    publish_each(open_store(root), "ab", a=b"of a")

    def intervene() -> None:
        happen()
        assert compact(open_store(root)).replaced == 2

    assert verify(Store(Intervening(root, at, intervene))).damage == ()


@pytest.mark.slow
def test_verification_finds_no_damage_where_a_compaction_replaces_parts_at_any_time(tmp_path: Path) -> None:
    assert steps(lambda happen, at: verify_with(tmp_path / str(at), at, happen)) > 15


def test_verification_finds_no_damage_where_a_compaction_replaces_parts(tmp_path: Path) -> None:
    """A sample of the test above."""
    verify_with(tmp_path, 9, lambda: None)


def test_file_that_does_not_fit_into_memory_is_named_and_is_not_damage(
    folder: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_each(folder, "a")

    def fail(*arguments: object) -> bytes:
        raise MemoryError

    monkeypatch.setattr("scaling.store.folder._read", fail)
    with pytest.raises(StoreError, match=r"runs/\w+\.parquet: .*does not fit into memory\); use a machine"):
        reopen(folder).ids()


def test_predictions_on_another_data_set_than_the_runs_are_damage_that_repair_ends(folder: Store) -> None:
    """A compaction, which puts the part beside others, does not hide it."""
    tables = plant(["a", "b"])
    others = tables["predictions"].set_column(1, "fingerprint", pa.array(["e" * 64, FINGERPRINT]))
    rewritten_part(folder, "predictions", others)
    publish_each(folder, "cd")
    for _ in range(2):
        (damage,) = verify(reopen(folder)).damage
        assert damage.reason == "the test set is of another data set than that of the runs"
        compact(reopen(folder))
    assert len(repair(reopen(folder)).moved) == 3
    assert verify(reopen(folder)).damage == ()
