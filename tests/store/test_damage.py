"""Damaged files: each is named, what it held is left out, and everything else is read."""

from __future__ import annotations

import os
import re
import warnings
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scaling.errors import StoreDamageWarning, StoreError
from scaling.store import SCHEMAS, Store, StoreUnion, open_store, paths
from scaling.store.backend import DamagedFileError
from scaling.store.parquet import decode_table
from scaling.store.schema import ADDED_COLUMNS, NULLABLE_COLUMNS, RESULT_COLUMNS
from scaling.store.table_check import find_bad_run
from tests.store.planted_store import FINGERPRINT, plant


def reopen(store: Store) -> Store:
    """Return the same store in the state in which a new process finds it."""
    return open_store(store.backend.full_name(""))


def file_of(store: Store, kind: str) -> Path:
    (file,) = Path(store.backend.full_name(kind)).iterdir()
    return file


# ``tests/faults/damaged_files.py`` has more kinds of damage, and runs commands on them.
REPLACEMENTS = {
    "cut": lambda file, data: file.write_bytes(data[: len(data) // 2]),
    "flipped": lambda file, data: file.write_bytes(data[:-9] + bytes([data[-9] ^ 1]) + data[-8:]),
    "foreign": lambda file, data: pq.write_table(pa.table({"x": [1]}), file),
    "folder": lambda file, data: file.mkdir(),
    "pipe": lambda file, data: os.mkfifo(file),
    "dangling link": lambda file, data: file.symlink_to("nowhere"),
}


def damage(file: Path, how: str) -> None:
    data = file.read_bytes()
    file.unlink()
    REPLACEMENTS[how](file, data)


@pytest.mark.parametrize("how", REPLACEMENTS)
def test_damaged_part_is_left_out_and_its_runs_can_be_published_again(folder: Store, how: str) -> None:
    tables = plant(["a", "b"])
    folder.publish(tables)
    damaged = file_of(folder, "runs")
    damage(damaged, how)
    other = plant(["c"])
    folder = reopen(folder)
    with pytest.warns(StoreDamageWarning, match="^1 part is damaged: 2 runs left out") as caught:
        folder.publish(other)
    assert f"  {damaged}: " in str(caught[0].message)
    assert folder.ids() == {"c"}  # and no second warning
    assert folder.runs().equals(other["runs"])
    assert folder.epochs().equals(other["epochs"])
    assert [file.name for file in folder.damage] == [str(damaged)]
    assert folder.publish(plant(["a", "b"], second=9)) == 2
    assert folder.ids() == {"a", "b", "c"}


@pytest.mark.parametrize("how", ["cut", "flipped", "pipe"])
@pytest.mark.parametrize("kind", ["epochs", "predictions"])
def test_damaged_table_leaves_the_runs(folder: Store, kind: str, how: str) -> None:
    tables = plant(["a", "b"])
    folder.publish(tables)
    damaged = file_of(folder, kind)
    damage(damaged, how)
    folder = reopen(folder)
    assert folder.runs().equals(tables["runs"])
    with pytest.warns(StoreDamageWarning, match=rf"^1 file of {kind} is damaged(.|\n)*  {damaged}: "):
        assert len(folder.epochs() if kind == "epochs" else folder.predictions(["a"])) == 0
    assert folder.runs().equals(tables["runs"])


def test_another_copy_replaces_damaged_tables_and_weights(folder: Store, tmp_path: Path) -> None:
    tables, also = plant(["a"]), open_store(tmp_path / "also")
    for store in (folder, also):
        store.publish(tables, weights={"a": b"weights"})
    damage(file_of(folder, "predictions"), "cut")
    Path(folder.backend.full_name(f"weights/{file_of(folder, 'runs').stem}/a.safetensors")).write_bytes(b"w")
    with pytest.warns(StoreDamageWarning, match="predictions is damaged"):
        assert StoreUnion(reopen(folder), [also]).predictions(["a"]).equals(tables["predictions"])
    with pytest.warns(StoreDamageWarning, match="weights is damaged"):
        assert StoreUnion(reopen(folder), [also]).weights("a") == b"weights"
    with (
        pytest.warns(StoreDamageWarning),
        pytest.raises(StoreError, match=r"weights are damaged: .*store repair"),
    ):
        reopen(folder).weights("a")


def test_every_flipped_bit_of_labels_is_noticed_or_harmless(folder: Store) -> None:
    """A sample of all bits; ``tests/faults/flipped_bits.py`` flips each bit of a part."""
    tables = plant(["a"])
    folder.publish(tables)
    file = file_of(folder, "test_sets")
    data, labels = file.read_bytes(), folder.labels(FINGERPRINT).tobytes()
    for bit in range(0, 8 * len(data), 1009):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        file.write_bytes(flipped)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", StoreDamageWarning)
            with suppress(StoreError):
                assert reopen(folder).labels(FINGERPRINT).tobytes() == labels


def test_damaged_labels_are_named_with_the_way_out(folder: Store) -> None:
    folder.publish(plant(["a"]))
    file = file_of(folder, "test_sets")
    file.write_bytes(b"PAR1PAR1")
    with (
        pytest.warns(StoreDamageWarning, match=f"1 file of test sets is damaged(.|\n)*{file}"),
        pytest.raises(StoreError, match=rf"^{file}: .*scaling store repair; the next `scaling run`"),
    ):
        folder.labels(FINGERPRINT)


def rewritten_part(store: Store, kind: str, table: pa.Table) -> str:
    """Write a part whose hashes are right and whose table is not one that this software writes."""
    tables = plant(["a", "b"]) | {kind: table}
    files, hashes = {}, {}
    for name in ("epochs", "predictions", "runs"):
        sink = BytesIO()
        metadata = {"scaling.schema": "1"}
        if name == "runs":
            metadata["scaling.files"] = str(hashes).replace("'", '"')
        pq.write_table(tables[name].replace_schema_metadata(metadata), sink)
        files[name] = sink.getvalue()
        hashes[name] = paths.sha256(files[name]).hexdigest()
    part = paths.part_name(files["runs"])
    for name, data in files.items():
        store.backend.put_if_absent(paths.table_file(name, part), data)
    return store.backend.full_name(paths.table_file(kind, part))


def set_nulls(table: pa.Table, column: str) -> pa.Table:
    index = table.schema.get_field_index(column)
    values = table[column].to_pylist()
    return table.set_column(index, column, pa.array([None, *values[1:]], table.schema.field(column).type))


UNSUITABLE = {
    "null id": ("runs", lambda runs: set_nulls(runs, "id"), "1 rows have no id"),
    "null time": ("runs", lambda runs: set_nulls(runs, "created_at"), "1 rows have no created_at"),
    "no JSON": (
        "runs",
        lambda runs: runs.set_column(1, "config_json", pa.array(["{", "{}"])),
        "run a: config_json is not JSON",
    ),
    "part of a shape": (
        "runs",
        lambda runs: runs.set_column(runs.schema.get_field_index("side"), "side", pa.array([28, 28])),
        "the shape of the images is incomplete: 2 rows have no channels, 0 rows have no side",
    ),
    "missing column": ("runs", lambda runs: runs.drop_columns(["seed"]), "without the columns seed"),
    "text for a number": (
        "epochs",
        lambda epochs: epochs.set_column(1, "epoch", pa.array(["x"] * len(epochs))),
        "cannot be read as a table of epochs",
    ),
    "rows of another run": (
        "epochs",
        lambda epochs: epochs.set_column(0, "id", pa.array(["x"] * len(epochs))),
        "rows of 1 runs that its part does not have",
    ),
    "null id of predictions": ("predictions", lambda table: set_nulls(table, "id"), "1 rows have no id"),
}


@pytest.mark.parametrize("case", UNSUITABLE)
def test_unsuitable_table_is_damaged(folder: Store, case: str) -> None:
    kind, change, reason = UNSUITABLE[case]
    name = rewritten_part(folder, kind, change(plant(["a", "b"])[kind]))
    read = {"runs": folder.ids, "epochs": folder.epochs, "predictions": lambda: folder.predictions(["a"])}
    with pytest.warns(StoreDamageWarning, match=rf"{name}: .*{reason}"):
        assert len(read[kind]()) == 0


@pytest.mark.parametrize("kind", SCHEMAS)
def test_every_column_that_lacks_a_value_or_is_missing_is_damage_unless_the_schema_permits_it(
    kind: str,
) -> None:
    """The runs did not diverge and have validation images, so results must be there."""
    table = plant(["a", "b"])[kind]
    permitted = NULLABLE_COLUMNS[kind] - set(RESULT_COLUMNS if kind == "runs" else ())
    for column in table.column_names:
        assert is_damaged(kind, set_nulls(table, column)) == (column not in permitted)
        assert is_damaged(kind, table.drop_columns([column])) == (column not in ADDED_COLUMNS[kind])


def is_damaged(kind: str, table: pa.Table) -> bool:
    """Return whether a table is refused at the first reading of its file."""
    sink = BytesIO()
    pq.write_table(table.replace_schema_metadata({"scaling.schema": "1"}), sink, write_statistics=False)
    try:
        decoded = decode_table(sink.getvalue(), kind, name="")
    except DamagedFileError:
        return True
    return kind == "runs" and bool(find_bad_run(decoded.table))


def test_results_may_be_null_if_the_run_diverged(folder: Store) -> None:
    runs = plant(["a", "b"])["runs"]
    for column in RESULT_COLUMNS:
        runs = set_nulls(runs, column)
    diverged = pa.array([True, False])
    runs = runs.set_column(runs.schema.get_field_index("diverged"), "diverged", diverged)
    folder.publish({"runs": runs})
    assert reopen(folder).runs().equals(runs)


@pytest.mark.parametrize("kind", ["runs", "epochs", "predictions"])
def test_rows_that_stand_twice_count_once(folder: Store, kind: str) -> None:
    tables = plant(["a", "b"])
    rewritten_part(folder, kind, pa.concat_tables([tables[kind], tables[kind]]))
    assert folder.runs().equals(tables["runs"])
    assert folder.epochs().equals(tables["epochs"])
    assert folder.predictions(["a", "b"]).equals(tables["predictions"])


def test_test_set_of_another_size_is_refused(folder: Store) -> None:
    tables = plant(["a"])
    short = [FINGERPRINT], ["short"], [tables["test_sets"]["labels"][0].as_py()[:-3]]
    folder.publish(tables | {"test_sets": pa.table(list(short), schema=tables["test_sets"].schema)})
    with pytest.raises(StoreError, match=re.escape(f"test_sets/{FINGERPRINT}.parquet: has 47 labels")):
        folder.logits(["a"])
