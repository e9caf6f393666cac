"""Nothing that a store or a data set contains is unpickled or executed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from scaling.datasets import NpzDataset
from scaling.errors import DataError
from tests.planted_object import PlantedObject

ROOT = Path(__file__).parents[1]
UNPICKLING_MODULES = {"pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
EXECUTING_CALLS = {"eval", "exec", "compile", "__import__", "os.system", "os.popen"}
SUSPECT_WORDS = re.compile(
    rf"\b({'|'.join(UNPICKLING_MODULES)}|eval|exec|__import__|system|popen|load|yaml|YAML|shell)\b|\scompile\("
)
"""Words without which a file has no danger. Only the few files with such a word are parsed."""
ARRAY_UNPICKLER = "scaling/data/sources/cifar10.py"
"""The only file that reads pickles: after a check of their checksum, and without anything but arrays."""


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
    assert {file: found for file, found in dangers.items() if found} == {ARRAY_UNPICKLER: ["pickle"]}


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
