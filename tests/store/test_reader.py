"""Reading of older, newer, foreign and damaged files, and of several stores as one."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from scaling.errors import StoreError
from scaling.store import RUNS_SCHEMA, Store, StoreUnion, open_store
from tests.store.planted_store import FINGERPRINT, plant


def files(store: Store, kind: str) -> list[Path]:
    return sorted(Path(store.backend.full_name(kind)).iterdir())


def test_columns_that_an_older_part_lacks_are_null(folder: Store) -> None:
    folder.publish(plant(["b"]))
    old = plant(["a"])["runs"].drop_columns(["precision", "diverged"])
    old = old.set_column(
        old.schema.get_field_index("seed"), "seed", old["seed"].cast(pa.int32())
    ).append_column("forgotten", pa.array([1]))
    pq.write_table(
        old.replace_schema_metadata({"scaling.schema": "1"}),
        files(folder, "runs")[0].with_name("0old.parquet"),
    )
    assert folder.ids() == {"a", "b"}
    assert folder.runs().schema.equals(RUNS_SCHEMA, check_metadata=True)
    assert folder.runs(["id", "diverged", "seed"]).to_pylist() == [
        {"id": "a", "diverged": None, "seed": 0},
        {"id": "b", "diverged": False, "seed": 0},
    ]


def test_newer_part_is_refused_with_the_command_that_upgrades(folder: Store) -> None:
    folder.publish(plant(["a"]))
    (part,) = files(folder, "runs")
    pq.write_table(pq.read_table(part).replace_schema_metadata({"scaling.schema": "999"}), part)
    with pytest.raises(
        StoreError, match=rf"{part}: .*newer version.*schema 999.*upgrade scaling-studies"
    ) as raised:
        open_store(Path(folder.backend.full_name(""))).ids()
    assert "\n" not in str(raised.value)


def test_foreign_parquet_file_is_named(folder: Store) -> None:
    stray = Path(folder.backend.full_name("runs/stray.parquet"))
    stray.parent.mkdir(parents=True)
    pq.write_table(pa.table({"x": [1]}), stray)
    with pytest.raises(StoreError, match=rf"{stray}: not a table of this software; move it"):
        folder.ids()


def test_other_files_are_ignored(folder: Store) -> None:
    folder.publish(plant(["a"]))
    files(folder, "runs")[0].with_name("README.txt").write_text("mine")
    files(folder, "runs")[0].with_name(".0123").write_bytes(b"half a fi")
    assert folder.ids() == {"a"}


@pytest.mark.parametrize("damage", ["cut", "empty", "flipped"])
@pytest.mark.parametrize("kind", ["runs", "epochs", "predictions"])
def test_damaged_file_is_named_and_after_deletion_its_runs_can_be_published_again(
    folder: Store, kind: str, damage: str
) -> None:
    tables = plant(["a", "b"])
    folder.publish(tables)
    (part,) = files(folder, kind)
    data = part.read_bytes()
    first = pq.read_metadata(part).row_group(0).column(0)
    middle = (
        first.data_page_offset + first.total_compressed_size - 1
    )  # the first page's last byte, which its checksum guards
    part.write_bytes(
        {
            "cut": data[: len(data) // 2],
            "empty": b"",
            "flipped": data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :],
        }[damage]
    )
    again = open_store(Path(folder.backend.full_name("")))
    (commit,) = files(folder, "runs")
    hint = "delete it" if kind == "runs" else f"delete {commit}"
    with pytest.raises(
        StoreError, match=rf"^{part}: cannot be read as Parquet .*; {hint}; its runs will be trained again$"
    ):
        {"runs": again.runs, "epochs": again.epochs, "predictions": lambda: again.predictions(["a"])}[kind]()
    commit.unlink()
    assert again.ids() == set()
    assert again.publish(tables | {"runs": plant(["a", "b"], second=9)["runs"]}) == 2
    assert again.epochs().equals(tables["epochs"])
    assert again.predictions(["a", "b"]).equals(tables["predictions"])


def test_damaged_labels_are_named(folder: Store) -> None:
    folder.publish(plant(["a"]))
    (labels,) = files(folder, "test_sets")
    labels.write_bytes(b"PAR1PAR1")
    with pytest.raises(StoreError, match=rf"{labels}: .*delete it"):
        folder.labels(FINGERPRINT)


@pytest.mark.parametrize("codec", ["zstd", "gzip", "none"])
def test_part_may_have_any_compression(folder: Store, codec: str) -> None:
    """Earlier versions used other compressions."""
    tables = plant(["a", "b"])
    folder.publish(tables)
    for kind in ("runs", "epochs", "predictions"):
        (part,) = files(folder, kind)
        pq.write_table(pq.read_table(part), part, compression=codec)
    assert folder.runs().equals(tables["runs"])
    assert folder.epochs().equals(tables["epochs"])
    assert folder.predictions(["a", "b"]).equals(tables["predictions"])


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
    monkeypatch.setattr(type(folder.backend), "get", lambda self, path: read.append(path) or get(self, path))
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
    monkeypatch.setattr(type(folder.backend), "get", lambda self, path: read.append(path) or get(self, path))
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
