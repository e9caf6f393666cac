"""Commands import only what they need: help is fast, and planning and fitting work without torch and Ray."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PRINT_IMPORTED = """\
import sys
from scaling.cli import main
main(['--help'])
print([name for name in {names} if name in sys.modules])
"""
BLOCK = """\
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "torchvision", "ray", "pytorch_lightning"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocked())
"""


def python(code: str, *words: str, cwd=None, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *words]
    return subprocess.run(
        command, cwd=cwd, env=os.environ | environment, capture_output=True, text=True, timeout=120
    )


def test_help_imports_no_heavy_package():
    done = python(
        PRINT_IMPORTED.format(
            names=("torch", "ray", "matplotlib", "scipy", "pandas", "numpy", "pyarrow", "pydantic", "rich")
        )
    )
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.fixture(scope="module")
def blocked(tmp_path_factory):
    """A folder for PYTHONPATH in which torch and ray cannot be imported."""
    folder = tmp_path_factory.mktemp("blocked")
    (folder / "sitecustomize.py").write_text(BLOCK)
    return folder


def test_the_blocked_modules_cannot_be_imported(blocked):
    assert "No module named 'torch'" in python("import torch", PYTHONPATH=str(blocked)).stderr


@pytest.mark.parametrize("command", ["plan", "status", "fit", "report", "ensemble"])
def test_planning_and_reading_need_neither_torch_nor_ray(command, study, store, tmp_path, blocked):
    main = "import sys; from scaling.cli import main; sys.exit(main(sys.argv[1:]))"
    done = python(main, command, str(study), "--store", str(store), cwd=tmp_path, PYTHONPATH=str(blocked))
    assert (done.returncode, done.stderr) == (0, "")
    assert "tree3" in done.stdout


def test_a_reader_that_closes_the_pipe_is_no_error():
    main = "import sys; from scaling.cli import main; sys.exit(main(['models', '--json']))"
    with subprocess.Popen(
        [sys.executable, "-c", main], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(60) == 0
