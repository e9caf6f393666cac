"""Stores, tables, data sets and studies of others run no code, and their names leave no folder."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa
import pytest
from matplotlib.figure import Figure

from analysis.html_page import load_template
from analysis.report_figure import ReportFigure
from analysis.style import figure_style
from scaling.architectures import Lenet5
from scaling.config import Data, Recipe, Run, load_study
from scaling.datasets import NpzDataset
from scaling.errors import ConfigError, DataError, StoreError
from scaling.store import open_store, paths
from tests.planted_object import PlantedObject
from tests.store.planted_store import plant

ROOT = Path(__file__).parents[1]
UNPICKLING_MODULES = {"pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
EXECUTING_CALLS = {"eval", "exec", "compile", "__import__", "os.system", "os.popen"}
SUSPECT_WORDS = re.compile(
    rf"\b({'|'.join(UNPICKLING_MODULES)}|eval|exec|__import__|system|popen|load|yaml|YAML|shell)\b"
    r"|\scompile\("
)
"""Words without which a file has no danger. Only the few files with such a word are parsed."""
ARRAY_UNPICKLER = "scaling/datasets/readers/array_pickle.py"
"""Reads pickles of a data set: after a check of their checksum, and without anything but arrays."""
OWN_CODE = "scaling/models/own_networks/load.py"
"""Runs the Python file that a study names; a store has no code."""
OWN_CALLS = [
    "exec(compile(self._text, str(self.path), 'exec'), module.__dict__)",
    "compile(self._text, str(self.path), 'exec')",
]
WORKER_CHANNEL = "scaling/sweep/worker_server.py"
"""Unpickles what the driver sends through a pair of sockets that no other process has."""

RUN = Run(
    data=Data(type="mnist", fingerprint="f" * 64),
    architecture=Lenet5(filters=6),
    recipe=Recipe(),
    seed=0,
    order=0,
)


def find_dangers(source: str) -> Iterator[str]:
    """Yield each import and call in a file that can run what it reads."""
    if not SUSPECT_WORDS.search(source):
        return
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                modules = [name.name for name in names]
            case ast.ImportFrom(module=module, names=names):
                modules = [str(module), *(f"{module}.{name.name}" for name in names)]
            case _:
                modules = []
        yield from (module for module in modules if UNPICKLING_MODULES & set(module.split(".")))
        if not isinstance(node, ast.Call):
            continue
        call, settings = ast.unparse(node.func), {word.arg: ast.unparse(word.value) for word in node.keywords}
        if (
            call in EXECUTING_CALLS
            or (call == "np.load" and settings.get("allow_pickle") != "False")
            or (call == "torch.load" and settings.get("weights_only") != "True")
            or (call.startswith("yaml.") and call.endswith("load"))
            or (call == "YAML" and settings.get("typ") != "'safe'")
            or "shell" in settings
        ):
            yield ast.unparse(node)


@pytest.mark.parametrize(
    "planted",
    [
        "import pickle",
        "from ray import cloudpickle",
        "np.load(file)",
        "np.load(file, allow_pickle=True)",
        "torch.load(file)",
        "yaml.load(text)",
        "yaml.unsafe_load(text)",
        "YAML().load(text)",
        "subprocess.run(text, shell=True)",
        "eval(text)",
    ],
)
def test_the_search_finds_a_planted_danger(planted):
    assert len(list(find_dangers(planted))) >= 1


def test_no_module_unpickles_or_executes_what_it_reads():
    files = [file for package in ("scaling", "analysis") for file in (ROOT / package).rglob("*.py")]
    dangers = {file.relative_to(ROOT).as_posix(): list(find_dangers(file.read_text())) for file in files}
    assert len(files) > 250
    assert {file: found for file, found in dangers.items() if found} == {
        ARRAY_UNPICKLER: ["pickle"],
        OWN_CODE: OWN_CALLS,
        WORKER_CHANNEL: ["pickle"],
    }


@pytest.mark.parametrize("name", ["../../x", "/x", "..", ".x", "a/b", "a\\b", "a\0", ""])
def test_no_name_in_a_table_leaves_its_folder_of_a_store(name):
    """The last two name a folder, in which this software names the files."""
    for build in (
        lambda: paths.table_file("test_sets", name),
        lambda: paths.weights_file("part", name),
        lambda: paths.weights_file(name, "run"),
        lambda: paths.compaction_file(name),
        lambda: paths.checkpoints_folder(name),
        lambda: paths.claims_folder(name),
    ):
        with pytest.raises(StoreError, match="not the name of a run"):
            build()


def test_weights_under_a_path_in_place_of_an_id_are_not_published(tmp_path):
    store = open_store(tmp_path / "store")
    tables = plant(["../../../trace"])
    with pytest.raises(StoreError, match=r"'\.\./\.\./\.\./trace': not the name of a run"):
        store.publish(tables, weights={"../../../trace": b"planted"})
    assert not store.ids()
    assert not list(tmp_path.glob("trace*"))


@pytest.mark.parametrize("name", ["../../x", "/x", "..", ".x", "a/b", ""])
def test_no_name_of_a_study_is_a_path(tmp_path, name):
    file = tmp_path / "study.yaml"
    study = {"study": name, "dataset": {"type": "mnist"}, "architectures": [{"type": "lenet5", "filters": 1}]}
    file.write_text(json.dumps(study))
    with pytest.raises(ConfigError, match="study: expected"):
        load_study(file, data=tmp_path)


def test_identities_of_others_have_no_text_for_figures_and_paths():
    identity = json.loads(RUN.config_json)
    for setting, value in (("type", "<b>$x$"), ("fingerprint", "../x")):
        hostile = json.dumps(identity | {"data": identity["data"] | {setting: value}})
        with pytest.raises(StoreError, match=f"this version cannot read data.{setting}"):
            Run.from_json(hostile)


def test_title_of_a_users_file_is_plain_text(tmp_path):
    labels, images = np.array([0, 1]), np.zeros((2, 8, 8), np.uint8)
    name = "a <script> $\\frac{ \x1b[31m.npz"
    np.savez(
        tmp_path / name, train_images=images, train_labels=labels, test_images=images, test_labels=labels
    )
    assert NpzDataset(path=name).info(tmp_path).title == "a _script_ __frac_ __31m"


def test_text_in_figures_and_pages_is_escaped(tmp_path):
    hostile = "<script>alert(1)</script> & \" ' --> ]]> ^-rho"
    axes = (figure := Figure(figsize=(1, 1))).add_subplot(title=hostile)
    axes.plot([1], [1], label=hostile)
    axes.legend()
    with figure_style():
        svg, *_ = ReportFigure(
            name="a", heading="", caption="", figure=figure, numbers=pa.table({"x": [1]})
        ).save(tmp_path)
    elements = {element.tag.rpartition("}")[2] for element in ElementTree.parse(svg).iter()}
    assert "svg" in elements
    assert "script" not in elements
    formula = load_template("sections.html.jinja").make_module().formula(hostile)
    assert formula == ("&lt;script&gt;alert(1)&lt;/script&gt; &amp; &#34; &#39; --&gt; ]]&gt; <sup>−ρ</sup>")


def test_a_planted_object_in_an_npz_file_is_refused_and_does_nothing(tmp_path):
    labels, trace = np.array([0, 1, 0, 1]), tmp_path / "trace"
    planted = np.array([PlantedObject(trace), None], dtype=object)
    np.savez(
        tmp_path / "mine.npz",
        train_images=planted,
        train_labels=labels,
        test_images=np.zeros((4, 8, 8), np.uint8),
        test_labels=labels,
    )
    with pytest.raises(DataError, match=r"mine\.npz: cannot be read as \.npz \(Object arrays"):
        NpzDataset(path="mine.npz").info(tmp_path)
    assert not trace.exists()
