"""Malformed JSON tables and folders of logs give one message with the file, the place and what to do."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import ipc

WIDTHS = (1, 2, 4, 8, 16, 32)
ROWS = [{"w": width, "e": round(0.5 * width**-0.5, 6)} for width in WIDTHS]
LARGE = 2**127
"""Seed with as many bits as the entropy of NumPy's seeds."""
DEEP = 20_000
"""Levels of nesting at which recursive readers of JSON fail or end the process."""

TABLES = {
    "Latin-1": (
        "json",
        '[{"w": 1,\n"e": "ü"}]'.encode("latin-1"),
        "line 2 is not UTF-8 text; save it as UTF-8",
    ),
    "Latin-1 lines": ("jsonl", '{"w": 1}\n{"ü": 1}\n'.encode("latin-1"), "line 2 is not UTF-8 text"),
    "thousands of digits": (
        "json",
        b'[{"w": ' + b"9" * 5000 + b"}]",
        "an integer of 5,000 digits; at most 308 can be read",
    ),
    "deep lists": ("json", b"[" * DEEP + b"]" * DEEP, "more than 100 levels of nesting"),
    "deep objects": (
        "json",
        b'[{"w":' + b'{"a":' * DEEP + b"1" + b"}" * DEEP + b"}]",
        "more than 100 levels of nesting",
    ),
    "deep objects in lines": (
        "jsonl",
        b'{"w":1}\n{"w":' + b'{"a":' * DEEP + b"1" + b"}" * DEEP + b"}\n",
        "line 2: more than 100 levels of nesting",
    ),
    "half of a surrogate pair": (
        "json",
        b'[{"w": 1, "g": "a"}, {"w": 1, "g": "\\ud800"}]',
        r"g: row 2 holds text that is not Unicode: '\ud800'",
    ),
    "half of a surrogate pair in a name": ("json", b'[{"\\ud800": 1}]', "the name of a column holds text"),
    "numbers and text": (
        "json",
        b'[{"w": 1}, {"w": "a"}]',
        "w: holds numbers in some rows and text in others",
    ),
    "a name twice": ("json", b'[{"w": 1, "w": 2}]', "w: appears twice in one object"),
    "a name twice once objects are columns": (
        "json",
        b'[{"c.a": 1, "c": {"a": 2}}]',
        "c.a: several columns have this name",
    ),
    "columns of unequal lengths": ("json", b'{"w": [1, 2], "e": [1]}', "w has 2 values and e has 1"),
    "a name of its own in each row": (
        "json",
        json.dumps([{f"k{row}": 1} for row in range(5000)]).encode(),
        "its 5,000 rows have 5,000 names",
    ),
    "a line that is a list": ("jsonl", b'{"w": 1}\n[1]\n', "line 2: expected an object"),
    "half a file": ("json", b'[{"w": 1},\n{"w"', "line 2 is not JSON: "),
    "half a line": ("jsonl", b'{"w": 1}\n\n{"w"', "line 3 is not JSON: "),
}

LOGS = {
    "a list": ("result.json", b'{"e": 1}\n[1]\n', "line 2: expected an object"),
    "a number": ("result.json", b"3\n", "line 1: expected an object"),
    "deep lists": ("result.json", b"[" * DEEP + b"\n", "line 1: more than 100 levels of nesting"),
    "Latin-1": ("result.json", b'{"e": 1}\n\xff\n', "line 2 is not UTF-8 text"),
    "Latin-1 CSV": ("progress.csv", b"e,name\n1,\xff\n", "line 2 is not UTF-8 text"),
    "Latin-1 names of columns": ("progress.csv", b"e,\xff\n1,1\n", "line 1 is not UTF-8 text"),
    "deep settings": (
        "params.json",
        b'{"a":' * DEEP + b"1" + b"}" * DEEP,
        "more than 100 levels of nesting",
    ),
    "settings that are not Unicode": ("params.json", b'{"a": "\\ud800"}', "config.a: row 1 holds text"),
    "a value inside itself": ("hparams.yaml", b"a: &a {b: *a}", "line 1: found an alias, *a, inside"),
    "a list inside itself": ("hparams.yaml", b"b: 1\na: &a [*a]", "line 2: found an alias, *a, inside"),
    "many aliases": (
        "hparams.yaml",
        b"a0: &a0 [1, 2]\n"
        + b"".join(b"a%d: &a%d [*a%d, *a%d]\n" % (i, i, i - 1, i - 1) for i in range(1, 40)),
        "line 10: found more than 3,000 values",
    ),
    "deep YAML": ("hparams.yaml", b"[" * DEEP, "line 1: found more than 20 levels of nesting"),
    "large YAML": ("hparams.yaml", b"# " + b"x" * 2**17, "more than 128 KiB"),
    "a surrogate in YAML": ("hparams.yaml", b'a: "\\ud800"', "line 1: found a number, a date or text"),
    "a date that does not exist": (
        "hparams.yaml",
        b"a: 2001-99-99",
        "line 1: found a number, a date or text",
    ),
    "a tag without its value": (
        "hparams.yaml",
        b"a: 1\nb: !!bool maybe",
        "line 2: found no value of the tag",
    ),
    "the largest integer": (
        "hparams.yaml",
        b"a: 0x" + b"f" * 256,
        "hparams.a: holds an integer of more than",
    ),
    "a key twice": ("hparams.yaml", b"a: 1\na: 2\n", 'line 2: found duplicate key "a"'),
}


def write_trials(folder: Path) -> Path:
    """Write a folder of trials as Ray Tune does, and return the folder of the first."""
    for row in ROWS:
        trial = folder / f"trial_{row['w']}"
        trial.mkdir(parents=True)
        (trial / "result.json").write_text(json.dumps({"e": row["e"], "training_iteration": 1}) + "\n")
        (trial / "params.json").write_text(json.dumps({"w": row["w"]}))
    return folder / "trial_1"


def fit(scaling, source: object, *words: object):
    return scaling("fit", source, "--x", "w", "--y", "e", *words)


def exponent(result) -> float:
    assert (result.code, result.err) == (0, "")
    (fitted,) = json.loads(result.out)["fits"]
    return fitted["laws"]["power"]["parameters"]["exponent"]["estimate"]


@pytest.mark.parametrize("name", TABLES)
def test_json_that_cannot_be_read_is_named_with_the_place(scaling, tmp_path, name):
    kind, content, message = TABLES[name]
    file = tmp_path / f"table.{kind}"
    file.write_bytes(content)
    result = fit(scaling, file)
    assert (result.code, result.out) == (2, "")
    assert f"{file.name}: cannot be read ({message}" in result.err
    assert "; write it again, one row a run" in result.err
    assert len(result.err.splitlines()) == 1


@pytest.mark.parametrize("name", LOGS)
def test_a_log_that_cannot_be_read_is_named_with_the_place(scaling, tmp_path, name):
    file, content, message = LOGS[name]
    trial = write_trials(tmp_path / "trials")
    (trial / "result.json" if file == "progress.csv" else trial / "params.json").unlink()
    (trial / file).write_bytes(content)
    result = fit(scaling, tmp_path / "trials")
    assert (result.code, result.out) == (2, "")
    assert f"trial_1/{file}: cannot be read ({message}" in result.err
    assert "; correct it, or remove the folder of this run" in result.err
    assert len(result.err.splitlines()) == 1


@pytest.mark.parametrize("name", ["result.json", "progress.csv", "params.json", "hparams.yaml"])
@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (os.mkfifo, "is a pipe or a device, not a file"),
        (lambda file: file.symlink_to(file.name), "is a link that leads nowhere"),
    ],
)
def test_a_log_that_is_no_file_is_refused(scaling, tmp_path, name, make, problem):
    trial = write_trials(tmp_path / "trials")
    (trial / ("result.json" if name in ("result.json", "progress.csv") else "params.json")).unlink()
    make(trial / name)
    result = fit(scaling, tmp_path / "trials")
    assert result.code == 2
    assert f"trial_1/{name}: {problem}; correct it, or remove the folder of this run" in result.err


@pytest.mark.parametrize("kind", ["json", "jsonl", "columns"])
def test_integers_of_any_size_are_read(scaling, tmp_path, kind):
    """The largest are beside small ones, in objects and in lists."""
    rows = [
        row | {"config": {"seed": LARGE * row["w"] if row["w"] > 4 else 2**62 + 1, "ids": [LARGE]}}
        for row in ROWS
    ]
    contents = {
        "json": json.dumps(rows),
        "jsonl": "\n".join(map(json.dumps, rows)),
        "columns": json.dumps({name: [row[name] for row in rows] for name in rows[0]}),
    }
    file = tmp_path / f"table.{kind.replace('columns', 'json')}"
    file.write_text(contents[kind])
    assert exponent(fit(scaling, file, "--json")) == pytest.approx(0.5, abs=1e-4)
    sizes = scaling("fit", file, "--x", "seed", "--y", "e")
    assert sizes.code == 2
    assert "seed: holds 1.36113e+39; write it in a unit" in sizes.err


def test_an_object_in_a_cell_of_a_csv_file_has_integers_of_any_size(scaling, tmp_path):
    cells = [json.dumps({"w": row["w"], "seed": LARGE + row["w"]}).replace('"', '""') for row in ROWS]
    lines = [f'{row["e"]},"{cell}"\n' for row, cell in zip(ROWS, cells, strict=True)]
    (tmp_path / "runs.csv").write_text("e,config\n" + "".join(lines))
    assert exponent(fit(scaling, tmp_path / "runs.csv", "--json")) == pytest.approx(0.5, abs=1e-4)


@pytest.mark.parametrize("kind", ["result.json", "params.json", "hparams.yaml"])
def test_a_log_has_integers_of_any_size(scaling, tmp_path, kind):
    """Beside the integer of one run, those of the others are small or floats."""
    trial = write_trials(tmp_path / "trials")
    second = json.loads((tmp_path / "trials" / "trial_2" / "result.json").read_text())
    (tmp_path / "trials" / "trial_2" / "result.json").write_text(
        json.dumps(second | {"seed": 2**60 + 1}) + "\n"
    )
    if kind == "result.json":
        log = {"e": ROWS[0]["e"], "training_iteration": 1, "seed": LARGE}
        (trial / kind).write_text(json.dumps(log) + "\n")
    else:
        (trial / "params.json").unlink()
        for folder in (tmp_path / "trials").iterdir():
            (folder / "params.json").unlink(missing_ok=True)
            width = int(folder.name.removeprefix("trial_"))
            (folder / kind).write_text(json.dumps({"w": width, "seed": LARGE if width == 1 else width + 0.5}))
    assert exponent(fit(scaling, tmp_path / "trials", "--json")) == pytest.approx(0.5, abs=1e-4)


def test_text_views_are_text(scaling, tmp_path):
    """Polars writes text as ``string_view``, also inside lists and as categories."""
    twice = [*ROWS, *ROWS]
    text = pa.array(["a"] * 6 + ["b"] * 6, pa.string_view())
    categories = pa.DictionaryArray.from_arrays(pa.array([0] * 12), pa.array(["a"], pa.string_view()))
    columns = {
        "w": [row["w"] for row in twice],
        "e": [row["e"] for row in twice],
        "architecture": text,
        "State": pa.array(["finished"] * 12, pa.string_view()),
        "category": categories,
        "bytes": pa.array([b"a"] * 12, pa.binary_view()),
        "list": pa.array([["a"]] * 12, pa.list_(pa.string_view())),
    }
    table = pa.table(columns)
    with ipc.new_file(tmp_path / "runs.feather", table.schema) as file:
        file.write(table)
    result = fit(scaling, tmp_path / "runs.feather", "--by", "architecture", "--json")
    assert (result.code, result.err) == (0, "")
    assert [fitted["group"] for fitted in json.loads(result.out)["fits"]] == [
        {"architecture": "a"},
        {"architecture": "b"},
    ]


def test_text_of_another_encoding_in_feather_is_named(scaling, tmp_path):
    data = pa.array([b"\xff"] * 6).buffers()
    text = pa.StringArray.from_buffers(6, *data[1:])
    table = pa.table({"w": [row["w"] for row in ROWS], "e": [row["e"] for row in ROWS], "g": text})
    with ipc.new_file(tmp_path / "runs.feather", table.schema) as file:
        file.write(table)
    result = fit(scaling, tmp_path / "runs.feather", "--by", "g")
    assert result.code == 2
    assert "runs.feather: cannot be read (g holds text that is not UTF-8, or damaged values" in result.err
