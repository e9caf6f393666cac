"""``scaling bundle``: an archive that checks itself, and from which the laws are fitted again."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

import pyarrow as pa
import pytest
from pyarrow import parquet

from scaling.store import open_store
from tests.own_specs import NETS


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack an archive, and return the folder of its study."""
    with ZipFile(archive) as content:
        assert content.testzip() is None
        content.extractall(folder)
    (study,) = folder.iterdir()
    return study


def laws(scaling, *words: object) -> list:
    result = scaling("fit", *words, "--json")
    assert (result.code, result.err) == (0, "")
    return [(fit["label"], fit["laws"]) for fit in json.loads(result.out)["fits"]]


@pytest.fixture
def bundled(scaling, study, store, tmp_path):
    (tmp_path / "CITATION.cff").write_text("cff-version: 1.2.0\n")
    result = scaling("bundle", study, "--store", store, "--format", "svg,pdf", "--width", "3.25in")
    assert (result.code, result.err) == (0, "")
    return tmp_path / "artifacts" / "tiny" / "tiny.zip", result.out


def test_an_archive_checks_itself_and_gives_the_same_laws(scaling, study, store, bundled, tmp_path):
    archive, printed = bundled
    folder = unpack(archive, tmp_path / "unpacked")
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert folder.name == "tiny"
    assert printed.splitlines() == [
        f"artifacts/tiny/tiny.zip: 10 runs, {len(names)} files",
        f"sha256: {sha256(archive.read_bytes()).hexdigest()}",
    ]
    # Every file but the list itself is in the list, as the tool of every Linux reads it.
    sums = (folder / "SHA256SUMS").read_text()
    assert {line.split("  ", 1)[1] for line in sums.splitlines()} == names - {"SHA256SUMS"}
    check = ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"]
    assert subprocess.run(check, cwd=folder, check=False).returncode == 0
    (folder / "study.yaml").write_text((folder / "study.yaml").read_text() + " ")
    assert subprocess.run(check, cwd=folder, check=False, capture_output=True).returncode == 1
    # The laws need nothing but the archive.
    wanted = laws(scaling, study, "--store", store)
    assert laws(scaling, folder / "store") == wanted
    assert laws(scaling, folder / "study.yaml", "--store", folder / "store") == wanted
    assert parquet.read_table(folder / "runs.parquet").num_rows == 10
    assert (folder / "CITATION.cff").read_text() == "cff-version: 1.2.0\n"
    assert re.search(r"^matplotlib==\d", (folder / "constraints.txt").read_text(), re.MULTILINE)
    assert {"report/laws.tex", "report/laws.md", "report/means.csv", "report/report.html"} <= names


def test_the_archive_has_the_tables_of_the_runs(store, bundled, tmp_path):
    folder = unpack(bundled[0], tmp_path / "unpacked")
    old, new = open_store(store), open_store(str(folder / "store"))
    ids = sorted(old.runs(["id"])["id"].to_pylist())
    assert sorted(new.runs(["id"])["id"].to_pylist()) == ids
    for kind in ("epochs", "predictions"):
        tables = [pa.table(getattr(source, kind)(ids)).sort_by("id") for source in (old, new)]
        assert tables[0].num_rows
        assert len(tables[0]) == len(tables[1])


def test_every_figure_stands_beside_a_command_that_draws_it(scaling, bundled, tmp_path, monkeypatch):
    folder = unpack(bundled[0], tmp_path / "unpacked")
    text = (folder / "COMMANDS.md").read_text()
    commands = dict(re.findall(r"^\| `([^`]+)` \| `scaling ([^`]+)` \|$", text, re.MULTILINE))
    figures = {path for path in folder.rglob("*") if path.suffix in (".svg", ".pdf")}
    assert {path.relative_to(folder).with_suffix("").as_posix() for path in figures} == commands.keys()
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    monkeypatch.chdir(folder)
    for command in set(commands.values()):
        assert scaling(*shlex.split(command)).code == 0
    after = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert after == before  # each file is what its command draws


def test_equal_runs_give_equal_archives(scaling, study, store, tmp_path, bundled):
    folder = unpack(bundled[0], tmp_path / "unpacked")
    options = ("--format", "svg,pdf", "--width", "3.25in", "--out", tmp_path / "again.zip")
    result = scaling("bundle", folder / "study.yaml", "--store", folder / "store", *options)
    assert (result.code, result.err) == (0, "")
    assert (tmp_path / "again.zip").read_bytes() == bundled[0].read_bytes()


def test_a_name_that_is_no_archive_and_a_store_without_runs_are_refused(scaling, study, store, tmp_path):
    result = scaling("bundle", study, "--store", store, "--out", tmp_path / "out.tar")
    assert (result.code, result.out) == (2, "")
    assert result.err == f"--out {tmp_path}/out.tar: expected a file that ends in .zip\n"
    result = scaling("bundle", study, "--store", tmp_path / "none")
    assert (result.code, result.out) == (2, "")
    assert "holds no run of this study" in result.err
    assert not (tmp_path / "artifacts").exists()


def test_runs_without_predictions_are_in_the_archive_too(scaling, study, store, tmp_path):
    """The runs of one seed have predictions, and those of the other have none."""
    one, both = tmp_path / "one", tmp_path / "both"
    scaling("store", "merge", study, "--store", store, "--into", one, "--set", "seeds=1", "--predictions")
    scaling("store", "merge", study, "--store", store, "--into", both)
    stores = ("--store", one, "--also", both)
    assert scaling("bundle", study, *stores, "--out", tmp_path / "a.zip", "--format", "svg").code == 0
    archived = open_store(str(unpack(tmp_path / "a.zip", tmp_path / "unpacked") / "store"))
    ids = archived.runs(["id"])["id"].to_pylist()
    assert len(ids) == 10
    assert len(set(archived.predictions(ids)["id"].to_pylist())) == 5


OWN_STUDY = """\
study: own
dataset: {type: synthetic, size: 200, test_size: 100, side: 8}
architectures:
  - {type: module, module: code/nets.py:ConvNet, filters: [1, 2, 3]}
recipe: {epochs: 1, batch_size: 50, precision: fp32}
"""


def test_the_code_of_a_network_is_in_the_archive(scaling, tmp_path):
    (tmp_path / "code").mkdir()
    shutil.copy(NETS, tmp_path / "code" / "nets.py")
    (tmp_path / "own.yaml").write_text(OWN_STUDY)
    assert scaling("run", "own.yaml", "--in-process", "--store", "store").code == 0
    wanted = laws(scaling, "own.yaml", "--store", "store")
    assert scaling("bundle", "own.yaml", "--store", "store", "--out", "own.zip", "--format", "svg").code == 0
    folder = unpack(tmp_path / "own.zip", tmp_path / "unpacked")
    shutil.rmtree(tmp_path / "code")
    assert laws(scaling, folder / "study.yaml", "--store", folder / "store") == wanted
    # Its runs are those of the archive: nothing is left to train.
    plan = json.loads(scaling("plan", folder / "study.yaml", "--store", folder / "store", "--json").out)
    assert all(run["done"] for run in plan["runs"])
