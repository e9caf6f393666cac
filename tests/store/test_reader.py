"""Reading of older and newer files, and of several stores as one."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from scaling.errors import StoreDamageWarning, StoreError
from scaling.store import RUNS_SCHEMA, Store, StoreUnion, open_store, paths
from tests.store.planted_store import FINGERPRINT, plant


def write_runs(store: Store, runs: pa.Table) -> Path:
    """Write a part as another version of this software could."""
    sink = BytesIO()
    pq.write_table(runs, sink)
    file = Path(store.backend.full_name(paths.table_file("runs", paths.part_name(sink.getvalue()))))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(sink.getvalue())
    return file


def files(store: Store, kind: str) -> list[Path]:
    return sorted(Path(store.backend.full_name(kind)).iterdir())


def test_columns_that_an_older_part_lacks_are_null(folder: Store) -> None:
    folder.publish(plant(["b"]))
    old = plant(["a"])["runs"].drop_columns(["test_mse", "classes"])
    old = old.set_column(
        old.schema.get_field_index("seed"), "seed", old["seed"].cast(pa.int32())
    ).append_column("forgotten", pa.array([1]))
    write_runs(folder, old.replace_schema_metadata({"scaling.schema": "1"}))
    assert folder.ids() == {"a", "b"}
    assert folder.runs().schema.equals(RUNS_SCHEMA, check_metadata=True)
    assert folder.runs(["id", "test_mse", "seed"]).to_pylist() == [
        {"id": "a", "test_mse": None, "seed": 0},
        {"id": "b", "test_mse": None, "seed": 0},
    ]


def test_newer_part_is_refused_with_the_command_that_upgrades(folder: Store) -> None:
    part = write_runs(folder, plant(["a"])["runs"].replace_schema_metadata({"scaling.schema": "999"}))
    with pytest.raises(
        StoreError, match=rf"{part}: .*newer version.*schema 999.*upgrade scaling-studies"
    ) as raised:
        folder.ids()
    assert "\n" not in str(raised.value)


def test_other_files_are_ignored(folder: Store) -> None:
    folder.publish(plant(["a"]))
    files(folder, "runs")[0].with_name("README.txt").write_text("mine")
    files(folder, "runs")[0].with_name(".0123").write_bytes(b"half a fi")
    assert folder.ids() == {"a"}


def test_parts_of_the_first_version_are_read(folder: Store) -> None:
    """Their names hash all tables of a part, and their compression may be another one."""
    tables = plant(["a", "b"])
    data = {}
    for kind in ("epochs", "predictions", "runs"):
        sink = BytesIO()
        pq.write_table(tables[kind], sink, compression="gzip")
        data[kind] = sink.getvalue()
    part = paths.first_part_name(list(data.values()))
    for kind, content in data.items():
        folder.backend.put_if_absent(paths.table_file(kind, part), content)
    assert folder.runs().equals(tables["runs"])
    assert folder.epochs().equals(tables["epochs"])
    assert folder.predictions(["a", "b"]).equals(tables["predictions"])
    damaged = Path(folder.backend.full_name(paths.table_file("epochs", part)))
    damaged.write_bytes(data["epochs"][:-1])
    with pytest.warns(StoreDamageWarning, match="1 part is damaged: 2 runs left out"):
        assert open_store(folder.backend.full_name("")).ids() == set()


def test_columns_have_the_requested_order(folder: Store) -> None:
    folder.publish(plant(["a", "b"]))
    for names in (["seed", "filters", "id"], ["created_at", "id", "seed"], ["filters"]):
        assert folder.runs(names).equals(folder.runs().select(names))


def test_part_that_was_read_is_not_read_again_for_its_ids(
    folder: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for run in "abc":
        folder.publish(plant([run]))
    read: list[str] = []
    get = type(folder.backend).get
    monkeypatch.setattr(
        type(folder.backend), "get", lambda self, path, **options: read.append(path) or get(self, path)
    )
    fresh = open_store(Path(folder.backend.full_name("")))
    assert fresh.runs(["filters"]).num_rows == 3
    assert fresh.ids() == set("abc")
    assert len(read) == 3


def test_part_is_read_once_for_its_ids(folder: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for run in "abc":
        folder.publish(plant([run]))
    folder.ids()
    read: list[str] = []
    get = type(folder.backend).get
    monkeypatch.setattr(
        type(folder.backend), "get", lambda self, path, **options: read.append(path) or get(self, path)
    )
    open_store(Path(folder.backend.full_name(""))).publish(plant(["d"], draw=3))
    read.clear()
    assert folder.ids() == set("abcd")
    assert len(read) == 1
    files(folder, "runs")[0].unlink()
    assert len(folder.ids()) == 3


def test_several_stores_are_read_as_one(store: Store, tmp_path: Path) -> None:
    also = open_store(tmp_path / "also")
    ours, theirs = plant(["a", "b"], draw=1, second=5), plant(["b", "c"], draw=2, second=3)
    store.publish(ours)
    also.publish(theirs, weights={"b": b"theirs"})
    both = StoreUnion(store, [also, open_store(tmp_path / "not there")])
    assert both.ids() == {"a", "b", "c"}
    assert both.epochs().equals(pa.concat_tables([ours["epochs"].slice(0, 3), theirs["epochs"]]))
    assert both.predictions(["a", "b", "c"]).equals(
        pa.concat_tables([ours["predictions"].slice(0, 1), theirs["predictions"]])
    )
    assert both.weights("b") == b"theirs"
    assert both.publish(plant(["d"])) == 1
    assert store.ids() == {"a", "b", "d"}
    assert also.ids() == {"b", "c"}


def test_labels_come_from_the_store_that_has_them(tmp_path: Path) -> None:
    also = open_store(tmp_path / "also")
    also.publish(plant(["a"]))
    assert (
        StoreUnion(open_store(tmp_path / "empty"), [also]).labels(FINGERPRINT).tolist()
        == also.labels(FINGERPRINT).tolist()
    )


def test_copied_part_counts_once(tmp_path: Path) -> None:
    tables = plant(["a", "b"])
    stores = [open_store(tmp_path / name) for name in "xy"]
    for store in stores:
        store.publish(tables)
    assert StoreUnion(stores[0], stores[1:]).runs().equals(tables["runs"])
    assert StoreUnion(stores[0], stores[1:]).predictions(["a", "b"]).equals(tables["predictions"])


def test_some_epochs_can_be_read(folder: Store) -> None:
    tables = plant(["b", "a"])
    folder.publish(tables)
    some = folder.epochs(columns=("id", "epoch", "train_loss"), at=(3, 1, 7))
    assert some.column_names == ["id", "epoch", "train_loss"]
    assert some["id"].to_pylist() == ["a", "a", "b", "b"]
    assert some["epoch"].to_pylist() == [1, 3, 1, 3]
    assert some.equals(folder.epochs().filter(pc.field("epoch") != 2).select(some.column_names))
