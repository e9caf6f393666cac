"""Files with tables: every format gives the same table, wide tables are melted, and mistakes have a hint."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import feather, parquet

from scaling.errors import TableError
from scaling.fit import melt_wide, read_table
from scaling.fit.data.reading import is_parquet_folder, is_table_file
from scaling.fit.data.wide import find_wide

TABLE = pa.table({"width": [1, 2, 4], "loss": [0.5, 0.25, 0.125], "name": ["a", "b", "c"]})
ROWS = TABLE.to_pylist()
LINES = "".join(json.dumps(row) + "\n" for row in ROWS).encode()


def tabs() -> bytes:
    return (
        "\t".join(ROWS[0]) + "\n" + "".join("\t".join(map(str, row.values())) + "\n" for row in ROWS)
    ).encode()


def commas() -> bytes:
    return tabs().replace(b"\t", b",")


CONTENTS = {
    "a.csv": commas(),
    "a.CSV.GZ": gzip.compress(commas()),
    "a.tsv": tabs(),
    "a.tsv.gz": gzip.compress(tabs()),
    "a.jsonl": LINES,
    "a.ndjson.gz": gzip.compress(LINES),
    "lines.json": LINES,
    "a.json": json.dumps(ROWS).encode(),
    "a.json.gz": gzip.compress(json.dumps(ROWS, indent=1).encode()),
    "columns.json": json.dumps(TABLE.to_pydict()).encode(),
}


@pytest.mark.parametrize("name", CONTENTS)
def test_every_text_format_gives_the_same_table(tmp_path: Path, name: str):
    (tmp_path / name).write_bytes(CONTENTS[name])
    assert is_table_file(name)
    assert read_table(tmp_path / name).select(TABLE.column_names).to_pylist() == ROWS


def test_binary_formats_and_folders_give_the_same_table(tmp_path: Path):
    for name in ("a.feather", "a.arrow"):
        feather.write_feather(TABLE, tmp_path / name)
        assert read_table(tmp_path / name) == TABLE
    folder = tmp_path / "runs"
    parquet.write_to_dataset(TABLE, folder, partition_cols=["width"])
    assert sorted(path.name for path in folder.iterdir()) == ["width=1", "width=2", "width=4"]
    assert is_parquet_folder(folder)
    assert read_table(folder).sort_by("width").select(TABLE.column_names).to_pylist() == ROWS
    assert not is_parquet_folder(tmp_path / "absent")


def test_a_store_is_no_folder_of_tables(tmp_path: Path):
    for table in ("runs", "epochs"):
        (tmp_path / "store" / table).mkdir(parents=True)
        parquet.write_table(TABLE, tmp_path / "store" / table / "part.parquet")
    assert not is_parquet_folder(tmp_path / "store")


def test_objects_inside_rows_become_columns(tmp_path: Path):
    (tmp_path / "a.json").write_text(
        json.dumps([{"loss": 1.0, "config": {"lr": 0.1, "model": {"width": 2}}}])
    )
    assert read_table(tmp_path / "a.json").to_pylist() == [
        {"loss": 1.0, "config.lr": 0.1, "config.model.width": 2}
    ]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", tabs(), "has tabs between columns; use commas .* end the name of the file in .tsv"),
        ("a.tsv", commas(), "has commas between columns; use tabs"),
        ("a.csv.gz", commas(), "cannot be read"),
        ("a.tsv.gz", gzip.compress(tabs(), mtime=0)[:-9], "cannot be read"),
        ("a.json", b'{"a": {"0": 1}}', r"expected a list of objects, .*orient='records'"),
        ("a.json", b"[1, 2]", "expected a list of objects"),
        ("a.jsonl", b"{", "cannot be read"),
        ("a.feather", b"no", "cannot be read"),
        ("a.parquet.gz", b"no", r"expected a file that ends in \.parquet"),
    ],
)
def test_a_file_of_another_format_is_refused_with_a_hint(
    tmp_path: Path, name: str, content: bytes, message: str
):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(TableError, match=message) as refused:
        read_table(tmp_path / name)
    assert len(str(refused.value).splitlines()) == 1


def wide_table(template: str) -> pa.Table:
    """Return a chart of six runs as a tracker exports it."""
    columns: dict[str, list[float | None]] = {"Step": [1, 2]}
    for width in (1, 2, 4):
        for seed in (0, 1):
            run = template.format(width=width, seed=seed)
            for suffix in ("", "__MIN", "__MAX"):
                columns[f"{run} - val_loss{suffix}"] = [1 / width, None if width == 4 else 0.5 / width]
    return pa.table(columns)


@pytest.mark.parametrize(
    "template", ["width={width},seed={seed}", "width: {width} seed: {seed}", "net_width{width}_seed{seed}"]
)
def test_a_wide_table_is_melted_with_the_settings_in_the_names_of_its_runs(template: str):
    melted = melt_wide(wide_table(template))
    assert melted.column_names == ["Step", "run", "width", "seed", "val_loss"]
    expected = [
        {
            "Step": step,
            "run": template.format(width=width, seed=seed),
            "width": width,
            "seed": seed,
            "val_loss": loss,
        }
        for width in (1, 2, 4)
        for seed in (0, 1)
        for step, loss in ((1, 1 / width), (2, 0.5 / width))
        if width != 4 or step == 1
    ]
    assert melted.to_pylist() == expected


def test_names_without_settings_give_the_runs_alone():
    melted = melt_wide(pa.table({"Step": [1], "fluffy-cloud - loss": [0.5], "vivid-sun - loss": [0.4]}))
    assert melted.to_pydict() == {"Step": [1, 1], "run": ["fluffy-cloud", "vivid-sun"], "loss": [0.5, 0.4]}


def test_a_table_with_one_row_a_run_is_not_wide():
    assert find_wide(TABLE) is None
    with pytest.raises(TableError, match=r"is not a wide table, .*; leave out `wide`"):
        melt_wide(TABLE)
