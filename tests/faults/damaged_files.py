"""Commands on a store with a damaged file: no traceback, no silence, at most two seconds, the file is named.

A compaction does not hide the damage, and a repair ends it.

    python -m tests.faults.damaged_files --trials 200 --seed 0
    python -m tests.faults.damaged_files --columns

With ``--columns``, each column of each table in turn lacks a value, has a wrong type, or is missing, in a
file whose hashes are right. Each trial trains nothing: it takes a copy of a store with two finished packs,
damages one file in a way that follows from the seed, and runs commands that read the file.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import random
import shutil
import socket
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from scaling.cli import main as scaling
from scaling.control_characters import escape_control_characters
from scaling.store import SCHEMAS, open_store, paths

STUDY = """\
study: damaged
dataset: {type: synthetic, size: 200, test_size: 100, side: 10, noise: 0.6}
architectures:
  - {type: tree3, rows: 1, branches: 2, filters: [1, 2]}
recipe: {epochs: 2, batch_size: 25, learning_rate: 0.3}
seeds: 2
"""
MAX_S = 2.0
"""Limit of the CPU time of a command in seconds; the wall time depends on what else the machine does."""


@dataclass(frozen=True)
class Case:
    """A damaged file."""

    kind: str
    how: str
    file: Path
    is_rewritten: bool
    """True if all hashes are right, as if a faulty program had published the file."""


def cut(file: Path, rng: random.Random) -> None:
    data = file.read_bytes()
    file.write_bytes(data[: rng.randrange(len(data))])


def flip(file: Path, rng: random.Random) -> None:
    data = bytearray(file.read_bytes())
    for _ in range(rng.choice((1, 1, 3, 50))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    file.write_bytes(data)


def foreign(file: Path, rng: random.Random) -> None:
    pq.write_table(pa.table({"id": [rng.random()], "x": ["y"]}), file)


def noise(file: Path, rng: random.Random) -> None:
    file.write_bytes(rng.randbytes(rng.randrange(1, 20_000)))


def replaced(make: Callable[[Path], object]) -> Callable[[Path, random.Random], None]:
    def replace(file: Path, rng: random.Random) -> None:
        file.unlink()
        make(file)

    return replace


def rename(file: Path, rng: random.Random) -> Path:
    return file.rename(file.with_name(rng.choice(["a\\b", "a\x1bb", os.fsdecode(b"\xff")]) + ".parquet"))


def make_socket(file: Path) -> None:
    folder = Path.cwd()
    os.chdir(file.parent)  # the path of a socket has at most 107 bytes
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(file.name)
    os.chdir(folder)


DAMAGES: dict[str, Callable[[Path, random.Random], object]] = {
    "missing": replaced(lambda file: None),
    "huge": lambda file, rng: os.truncate(file, 20 * 1024**3),
    "foreign name": rename,
    "cut": cut,
    "flipped": flip,
    "empty": lambda file, rng: file.write_bytes(b""),
    "foreign": foreign,
    "noise": noise,
    "folder": replaced(lambda file: file.mkdir()),
    "pipe": replaced(os.mkfifo),
    "socket": replaced(make_socket),
    "dangling link": replaced(lambda file: file.symlink_to("nowhere")),
    "circular link": replaced(lambda file: file.symlink_to(file.name)),
}


def nulls(table: pa.Table, rng: random.Random, name: str) -> pa.Table:
    index, values = table.schema.get_field_index(name), table[name].to_pylist()
    values[rng.randrange(len(values))] = None
    return table.set_column(index, name, pa.array(values, table.schema.field(name).type))


def wrong_type(table: pa.Table, rng: random.Random, name: str) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), name, pa.array(["{"] * len(table)))


def without_column(table: pa.Table, rng: random.Random, name: str) -> pa.Table:
    return table.drop_columns([name])


def twice(table: pa.Table, rng: random.Random, name: str) -> pa.Table:
    return pa.concat_tables([table, table])


def shorter_lists(table: pa.Table, rng: random.Random, name: str) -> pa.Table:
    lists = [field.name for field in table.schema if pa.types.is_list(field.type)]
    if not lists:
        return wrong_type(table, rng, name)
    name = lists[0]
    values = [value[: rng.randrange(len(value))] for value in table[name].to_pylist()]
    return table.set_column(
        table.schema.get_field_index(name), name, pa.array(values, table.schema.field(name).type)
    )


COLUMN_REWRITES = {"nulls": nulls, "wrong type": wrong_type, "without a column": without_column}
REWRITES = COLUMN_REWRITES | {
    "rows twice": twice,
    "shorter lists": shorter_lists,
}


def rewrite(store: Path, kind: str, how: str, rng: random.Random, column: str = "") -> Path:
    """Replace a part by one with a changed table and right hashes; return the file of the changed table."""
    column = column or rng.choice(SCHEMAS[kind].names)
    part = sorted((store / "runs").iterdir())[0].name
    names = [kind] if kind == "test_sets" else ["epochs", "predictions", "runs"]
    files: dict[str, bytes] = {}
    hashes: dict[str, str] = {}
    for name in names:
        old = next((store / name).iterdir()) if name == "test_sets" else store / name / part
        table = pq.read_table(old)
        metadata = dict(SCHEMAS[name].metadata)
        if name == kind:
            table = REWRITES[how](table, rng, column)
        if name == "runs":
            metadata[b"scaling.files"] = str(hashes).replace("'", '"').encode()
        sink = io.BytesIO()
        pq.write_table(table.replace_schema_metadata(metadata), sink)
        files[name] = sink.getvalue()
        hashes[name] = paths.sha256(files[name]).hexdigest()
        old.unlink()
    if kind == "test_sets":
        old.write_bytes(files[kind])
        return old
    new = paths.part_name(files["runs"])
    for name, data in files.items():
        (store / name / f"{new}.parquet").write_bytes(data)
    return store / kind / f"{new}.parquet"


def damage(store: Path, rng: random.Random) -> Case:
    kind = rng.choice(("runs", "runs", "runs", "epochs", "predictions", "test_sets"))
    if rng.random() < 0.3:
        how = rng.choice(list(REWRITES))
        return Case(kind, how, rewrite(store, kind, how, rng), is_rewritten=True)
    # A part whose table ``runs`` is missing does not exist.
    how = rng.choice([how for how in DAMAGES if (kind, how) != ("runs", "missing")])
    file = rng.choice(sorted((store / kind).iterdir()))
    renamed = DAMAGES[how](file, rng)
    return Case(kind, how, renamed if isinstance(renamed, Path) else file, is_rewritten=False)


def problems(case: Case, study: Path, store: Path, folder: Path) -> list[str]:
    """Run commands on a damaged store, and return what they did wrong."""
    commands: list[list[str]] = [["store", "verify"], ["plan", str(study)], ["status", str(study)]]
    commands += {
        "runs": [
            ["table", str(study), "--out", str(folder / "t.csv")],
            ["optimum", str(study), "--x", "filters", "--out", str(folder / "figures")],
            ["suggest", str(study)],
        ],
        "epochs": [["store", "merge", str(study), "--into", str(folder / "into")]],
        "predictions": [["ensemble", str(study)]],
        "test_sets": [["ensemble", str(study)]],
    }[case.kind]
    found, named = [], False
    for command in commands:
        out, err, start_s = io.StringIO(), io.StringIO(), time.process_time()
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                scaling([*command, "--store", str(store)])
        except BaseException as error:
            found.append(f"{' '.join(command)}: {type(error).__name__}: {error}")
        cpu_s, text = time.process_time() - start_s, out.getvalue() + err.getvalue()
        named |= escape_control_characters(str(case.file)) in text
        if cpu_s > MAX_S:
            found.append(f"{' '.join(command)}: {cpu_s:.1f} s")
        if command[0] != "store" and len(err.getvalue().splitlines()) > 6:
            found.append(f"{' '.join(command)}: {len(err.getvalue().splitlines())} lines")
    if not named and not case.is_rewritten:
        found.append("no command names the file")
    return found + hidden_damage(case, store)


def hidden_damage(case: Case, store: Path) -> list[str]:
    """Return whether a compaction hides damage, or a repair leaves damage behind."""

    def run(command: str) -> int:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            return scaling(["store", command, "--store", str(store)])

    if not run("verify"):
        return []
    found = []
    if run("compact") or not run("verify"):
        found.append("compact hides the damage")
    # Only a run writes a test set again.
    if run("repair") or (case.kind != "test_sets" and run("verify")):
        found.append("repair leaves the damage")
    return found


def random_cases(seeds: range) -> Iterator[tuple[str, Callable[[Path], Case]]]:
    for seed in seeds:
        yield f"seed {seed}", partial(damage, rng=random.Random(seed))


def column_cases() -> Iterator[tuple[str, Callable[[Path], Case]]]:
    """Yield each kind of damage to each column."""

    def damage_column(store: Path, kind: str, how: str, column: str) -> Case:
        return Case(kind, how, rewrite(store, kind, how, random.Random(0), column), is_rewritten=True)

    for kind, schema in SCHEMAS.items():
        for column in schema.names:
            for how in COLUMN_REWRITES:
                yield f"column {column}", partial(damage_column, kind=kind, how=how, column=column)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--columns", action="store_true")
    options = parser.parse_args()
    failed, cases = 0, Counter[str]()
    trials = (
        column_cases()
        if options.columns
        else random_cases(range(options.seed, options.seed + options.trials))
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.chdir(folder)
        study, original = folder / "study.yaml", folder / "original"
        study.write_text(STUDY)
        assert scaling(["run", str(study), "--in-process", "--quiet", "--store", str(original)]) == 0
        assert len(open_store(original).ids()) == 4
        for label, damage_store in trials:
            store = folder / "store"
            shutil.copytree(original, store)
            case = damage_store(store)
            cases[case.how] += 1
            for problem in problems(case, study, store, folder):
                failed += 1
                print(f"{label}, {case.kind}, {case.how}: {problem}")
            shutil.rmtree(store)
            shutil.rmtree(folder / "into", ignore_errors=True)
    print(f"{cases.total()} damaged files, {failed} problems; {dict(sorted(cases.items()))}")
    if failed:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
