"""Commands import only what they need: help is fast, and planning and fitting work without torch and Ray."""

from __future__ import annotations

import subprocess
import sys

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
SEPARATOR = "=== "
RUN_COMMANDS = """\
import contextlib, io
from scaling.cli import main

try:
    import torch
except ModuleNotFoundError as error:
    print(error)
study, store, *commands = sys.argv[1:]
for command in commands:
    with contextlib.redirect_stdout(io.StringIO()) as output:
        code = main([command, study, "--store", store])
    print(f"=== {command}: {code}", output.getvalue(), sep="\\n")
"""


def python(code: str, *words: str, cwd=None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *words]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120)


def test_help_imports_no_heavy_package():
    done = python(
        PRINT_IMPORTED.format(
            names=("torch", "ray", "matplotlib", "scipy", "pandas", "numpy", "pyarrow", "pydantic", "rich")
        )
    )
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] == "[]"


def test_planning_and_reading_need_neither_torch_nor_ray(study, store, tmp_path):
    """No command can import torch or Ray, and none can use what a command before it imported."""
    commands = ("plan", "status", "fit", "report", "ensemble")
    done = python(BLOCK + RUN_COMMANDS, str(study), str(store), *commands, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    first, *outputs = done.stdout.split(SEPARATOR)
    assert first == "No module named 'torch'\n"
    assert [output.splitlines()[0] for output in outputs] == [f"{command}: 0" for command in commands]
    assert all("tree3" in output for output in outputs)


def test_a_reader_that_closes_the_pipe_is_no_error():
    main = "import sys; from scaling.cli import main; sys.exit(main(['models', '--json']))"
    with subprocess.Popen(
        [sys.executable, "-c", main], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(60) == 0
