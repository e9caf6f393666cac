"""Publication: tables are read back unchanged, runs count once, and a half publication does not exist."""

from __future__ import annotations

import pickle
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from scaling.errors import StoreError
from scaling.store import SCHEMAS, Store, StoreUnion, compact, open_store, parquet
from scaling.store.folder import FolderBackend
from tests.store.planted_store import BEGIN, CLASSES, FINGERPRINT, IMAGES, plant


def test_every_table_is_read_back_unchanged(store: Store) -> None:
    tables = plant(["b", "a", "c"])
    assert store.publish(tables, weights={"a": b"of a"}) == 3
    assert store.ids() == {"a", "b", "c"}
    assert store.runs().equals(tables["runs"].sort_by("id"))
    assert store.epochs().equals(tables["epochs"].sort_by([("id", "ascending"), ("epoch", "ascending")]))
    assert store.epochs(["c", "unknown"]).equals(tables["epochs"].filter(pc.field("id") == "c"))
    assert store.runs(["seed", "created_at"]).to_pylist() == [
        {"seed": seed, "created_at": BEGIN} for seed in (1, 0, 2)
    ]
    assert store.labels(FINGERPRINT).tolist() == tables["test_sets"]["labels"][0].as_py()
    assert store.labels(FINGERPRINT).dtype == np.uint8
    assert store.weights("a") == b"of a"


def test_logits_are_exact_in_float16(store: Store) -> None:
    """Infinities, subnormals and signs of zeros are kept: errors are counted from these numbers."""
    tables = plant(["a", "b"])
    odd = np.zeros(IMAGES * CLASSES, np.float16)
    odd[:7] = [np.inf, -np.inf, -0.0, 6e-8, 65504, -65504, 0.1]
    tables["predictions"] = tables["predictions"].set_column(
        3, "logits", pa.array([odd, odd[::-1]], pa.list_(pa.float16()))
    )
    store.publish(tables)
    read = store.predictions(["b", "a"])
    assert read["id"].to_pylist() == ["a", "b"]
    stored = np.asarray(pc.list_flatten(read["logits"])).reshape(2, -1)
    assert stored.dtype == np.float16
    assert stored.tobytes() == np.stack([odd, odd[::-1]]).tobytes()


def test_run_is_published_once(any_store: Store) -> None:
    first, second = plant(["a", "b"], draw=1), plant(["b", "c"], draw=2)
    assert any_store.publish(first) == 2
    assert any_store.publish(first) == 0
    assert any_store.publish(second, weights={"b": b"late", "c": b"new"}) == 1
    assert any_store.runs()["id"].to_pylist() == ["a", "b", "c"]
    for kind in ("runs", "epochs"):
        expected = pa.concat_tables([first[kind], second[kind].filter(pc.field("id") == "c")])
        assert getattr(any_store, kind)().equals(expected)
    with pytest.raises(StoreError, match=r"run b: no weights.*weights: all"):
        any_store.weights("b")
    assert any_store.weights("c") == b"new"


def test_earliest_copy_of_a_run_counts_in_every_table(store: Store) -> None:
    """Two drivers can publish a run at the same time."""
    late, early = plant(["a", "b"], draw=1, second=5), plant(["b", "c"], draw=2, second=3)
    racer = Store(store.backend)
    racer.ids = set  # type: ignore[method-assign]
    store.publish(late, weights={"b": b"late"})
    assert racer.publish(early, weights={"b": b"early"}) == 2
    assert store.ids() == {"a", "b", "c"}
    for kind in ("runs", "epochs"):
        expected = pa.concat_tables([late[kind].filter(pc.field("id") == "a"), early[kind]])
        assert getattr(store, kind)().equals(expected)
    expected = pa.concat_tables([late["predictions"].slice(0, 1), early["predictions"]])
    assert store.predictions(["a", "b", "c"]).equals(expected)
    assert store.weights("b") == b"early"


def test_first_part_by_name_counts_among_equal_times(tmp_path: Path) -> None:
    def published(draws: list[int]) -> pa.Table:
        store = open_store(tmp_path / str(draws))
        for draw in draws:
            racer = Store(store.backend)
            racer.ids = set  # type: ignore[method-assign]
            racer.publish(plant(["a"], draw=draw))
        assert len(list((tmp_path / str(draws) / "runs").iterdir())) == 4
        return store.runs()

    assert published([1, 2, 3, 4]).equals(published([4, 3, 2, 1]))


@pytest.mark.parametrize("merged_second", [0, 9])
def test_runs_that_two_publishers_put_at_the_same_moment_count_once_in_every_table(
    folder: Store, monkeypatch: pytest.MonkeyPatch, merged_second: int
) -> None:
    """A merge takes no claims: it publishes runs that a worker publishes after the merge has looked for them.

    The earliest copy counts, in all tables, before and after a compaction, which drops the other copy.
    """
    trained, merged = plant(["a", "b"], second=5), plant(["b", "c"], draw=1, second=merged_second)
    put, is_first = FolderBackend.put_if_absent, [True]

    def put_after_the_worker(backend: FolderBackend, path: str, data: bytes) -> bool:
        if is_first.pop() if is_first else False:
            assert open_store(folder.backend.full_name("")).publish(trained) == 2
        return put(backend, path, data)

    monkeypatch.setattr(FolderBackend, "put_if_absent", put_after_the_worker)
    assert folder.publish(merged) == 2
    monkeypatch.undo()
    first, second = (merged, trained) if merged_second < 5 else (trained, merged)
    alone = sorted(set(second["runs"]["id"].to_pylist()) - set(first["runs"]["id"].to_pylist()))
    for is_compacted in (False, True):
        store = open_store(folder.backend.full_name(""))
        for kind in ("runs", "epochs", "predictions"):
            rest = second[kind].filter(pc.is_in(second[kind]["id"], pa.array(alone)))
            expected = pa.concat_tables([first[kind], rest])
            read = store.predictions(["a", "b", "c"]) if kind == "predictions" else getattr(store, kind)()
            keys = [(key, "ascending") for key in ("id", "epoch") if key in expected.column_names]
            assert read.equals(expected.sort_by(keys))
        if not is_compacted:
            compact(store)
    assert sum(len(rows) for rows in store.parts.run_index().values()) == 3


def test_two_equal_merges_at_once_are_one_part(folder: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    tables, put, is_first = plant(["a", "b"]), FolderBackend.put_if_absent, [True]

    def put_after_the_other(backend: FolderBackend, path: str, data: bytes) -> bool:
        if is_first.pop() if is_first else False:
            open_store(folder.backend.full_name("")).publish(tables)
        return put(backend, path, data)

    monkeypatch.setattr(FolderBackend, "put_if_absent", put_after_the_other)
    folder.publish(tables)
    assert len(folder.backend.list_names("runs")) == 1


def test_empty_store_has_empty_tables(store: Store) -> None:
    empty = {kind: table.slice(0, 0) for kind, table in plant(["a"]).items()}
    assert store.ids() == set()
    assert store.runs().equals(empty["runs"])
    assert store.epochs().equals(empty["epochs"])
    assert store.predictions(["a"]).equals(empty["predictions"])
    with pytest.raises(StoreError, match=r"no such file; .*the labels of its test set"):
        store.labels(FINGERPRINT)


def test_runs_without_epochs_or_predictions_have_no_rows_in_these_tables(folder: Store) -> None:
    tables = plant(["a"])
    folder.publish({"runs": tables["runs"]})
    assert folder.runs().equals(tables["runs"])
    assert len(folder.epochs()) == len(folder.predictions(["a"])) == 0


def test_unreadable_tables_are_refused_as_a_whole(folder: Store) -> None:
    tables = plant(["a", "b"])
    for faulty, message in [
        ({"runs": tables["runs"].drop_columns("seed")}, "runs: the columns differ .*seed"),
        (
            tables | {"predictions": tables["predictions"].set_column(2, "classes", pa.array([1.0, 2.0]))},
            "predictions: .*double",
        ),
        ({"runs": pa.concat_tables([tables["runs"], tables["runs"]])}, "an id of its own"),
        (
            {"runs": tables["runs"].slice(0, 1), "epochs": tables["epochs"]},
            "epochs: rows of 1 runs that its part does not have",
        ),
        (
            tables | {"predictions": tables["predictions"].slice(0, 1)},
            "predictions: no rows of 1 of the 2 runs of its part",
        ),
    ]:
        with pytest.raises(ValueError, match=message):
            folder.publish(faulty)
    with pytest.raises(ValueError, match="stranger"):
        folder.publish(tables, weights={"stranger": b""})
    assert folder.ids() == set()


def test_file_in_the_place_of_the_store_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"/file/\w+: cannot be listed .*must be a folder"):
        open_store(tmp_path / "file").publish(plant(["a"]))


def test_pickled_store_is_the_same_store(folder: Store) -> None:
    folder.publish(plant(["a"]))
    copy: Store = pickle.loads(pickle.dumps(folder))
    assert copy.publish(plant(["a", "b"])) == 1
    assert folder.ids() == {"a", "b"}


KILLED_PUBLISHER = """
import os, pickle, signal, sys
from scaling.store import open_store

calls, fsync = iter(range(100)), os.fsync

def kill(descriptor):
    fsync(descriptor)
    if next(calls) == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)

os.fsync = kill
open_store(sys.argv[1]).publish(pickle.load(open(sys.argv[1] + ".pickle", "rb")), weights={"a": b"killed"})
"""
FSYNCS = {3: "labels named", 13: "predictions named", 15: "runs unnamed", 16: "runs named"}
"""Places by the index of their fsync.

Labels, weights, epochs, predictions and runs have two each, after one for each new folder: the labels and the
weights have two of them, each other table has one.
"""


def test_publisher_that_is_killed_at_any_point_leaves_nothing_visible(tmp_path: Path) -> None:
    """Until the runs table has its name, no run exists; nothing of it mixes with the next publication."""
    killed = pickle.dumps(plant(["a", "b"], draw=1))
    tables = plant(["a", "b"], draw=2)
    publishers = {}
    for at in FSYNCS:
        (tmp_path / f"{at}.pickle").write_bytes(killed)
        publishers[at] = subprocess.Popen(
            [sys.executable, "-c", KILLED_PUBLISHER, str(tmp_path / str(at)), str(at)]
        )
    for at, publisher in publishers.items():
        assert publisher.wait() == -signal.SIGKILL
        store = open_store(tmp_path / str(at))
        if FSYNCS[at] == "runs named":
            assert store.ids() == {"a", "b"}
            continue
        assert store.ids() == set()
        assert len(store.epochs()) == 0
        assert store.publish(tables, weights={"a": b"second"}) == 2
        assert store.runs().equals(tables["runs"])
        assert store.epochs().equals(tables["epochs"])
        assert store.predictions(["a", "b"]).equals(tables["predictions"])
        assert store.weights("a") == b"second"


def test_copy_without_predictions_does_not_hide_predictions(store: Store, tmp_path: Path) -> None:
    """The order of the parts' names does not matter, in one store or in two."""
    mine = open_store(tmp_path / "mine")
    for run in "abcd":
        mine.publish(plant([run]), weights={run: run.encode()})
    copy = {kind: mine.runs() if kind == "runs" else mine.epochs() for kind in ("runs", "epochs")}
    assert store.publish(copy) == 4
    for both in (StoreUnion(mine, [store]), StoreUnion(store, [mine])):
        assert both.predictions("abcd")["id"].to_pylist() == list("abcd")
        assert [both.weights(run) for run in "abcd"] == [b"a", b"b", b"c", b"d"]
        assert both.runs().equals(mine.runs())
    assert store.predictions("abcd").num_rows == 0
    assert store.publish(copy | {"predictions": mine.predictions("abcd")}) == 4
    assert store.predictions("abcd").equals(mine.predictions("abcd"))
    assert store.runs().equals(mine.runs())
    assert store.publish(copy | {"predictions": mine.predictions("abcd")}) == 0


def _without_descriptions(schema: pa.Schema) -> pa.Schema:
    return pa.schema([pa.field(field.name, field.type) for field in schema], metadata=schema.metadata)


def test_every_file_says_what_its_columns_mean(tmp_path: Path) -> None:
    """Also if the published table does not."""
    tables = {
        kind: pa.Table.from_arrays(table.columns, schema=_without_descriptions(table.schema))
        for kind, table in plant(["a", "b"]).items()
    }
    open_store(tmp_path / "store").publish(tables)
    files = list((tmp_path / "store").rglob("*.parquet"))
    assert {file.parent.name for file in files} == set(SCHEMAS)
    for file in files:
        for field in SCHEMAS[file.parent.name]:
            stored = pq.read_schema(file).field(field.name)
            assert stored.metadata[b"description"]
            assert stored.metadata == field.metadata


def test_files_with_and_without_descriptions_are_read_together(
    folder: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = {kind: _without_descriptions(schema) for kind, schema in SCHEMAS.items()}
    with monkeypatch.context() as earlier:
        earlier.setattr(parquet, "SCHEMAS", bare)
        folder.publish(plant(["a", "c"]))
    folder.publish(plant(["b"], draw=1))
    for kind, order in (("runs", ["id"]), ("epochs", ["id", "epoch"])):
        published = pa.concat_tables([plant(["a", "c"])[kind], plant(["b"], draw=1)[kind]])
        read = folder.runs() if kind == "runs" else folder.epochs()
        assert read.equals(published.sort_by([(name, "ascending") for name in order]))
