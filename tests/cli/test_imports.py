"""What a command doesn't need, it doesn't import: seconds for everyone, and a laptop without torch can read a store."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

LIST = "import sys; from scaling.cli import main; main(['--help']); print([n for n in {names} if n in sys.modules])"
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


def test_help_imports_nothing_heavy():
    done = python(
        LIST.format(names=("torch", "ray", "matplotlib", "scipy", "pandas", "numpy", "pyarrow", "pydantic"))
    )
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.fixture(scope="module")
def blocked(tmp_path_factory):
    """A folder for PYTHONPATH in which torch and ray can't be imported."""
    folder = tmp_path_factory.mktemp("blocked")
    (folder / "sitecustomize.py").write_text(BLOCK)
    return folder


def test_the_block_works(blocked):
    assert "No module named 'torch'" in python("import torch", PYTHONPATH=str(blocked)).stderr


@pytest.mark.parametrize("command", ["plan", "status", "fit", "report", "ensemble"])
def test_planning_and_reading_need_neither_torch_nor_ray(command, study, store, tmp_path, blocked):
    main = "import sys; from scaling.cli import main; sys.exit(main(sys.argv[1:]))"
    done = python(main, command, str(study), "--store", str(store), cwd=tmp_path, PYTHONPATH=str(blocked))
    assert (done.returncode, done.stderr) == (0, "")
    assert "tree3" in done.stdout


def test_a_reader_that_leaves_a_pipe_is_no_fault():
    main = "import sys; from scaling.cli import main; sys.exit(main(['models', '--json']))"
    with subprocess.Popen(
        [sys.executable, "-c", main], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(60) == 0
