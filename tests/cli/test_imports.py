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
INTERRUPT_IMPORTS = """\
import os, signal, sys

BEFORE_SIGNALS_ARE_HANDLED = ("", "cli", "cli.standard_streams", "interruption", "control_characters")

class Interrupting:
    def __init__(self, module):
        self.module = module

    def find_spec(self, name, path=None, target=None):
        if self.module == name or not self.module and self.is_late(name):
            signal.raise_signal(signal.SIGINT)

    def is_late(self, name):
        package, _, module = name.partition(".")
        is_early = package in sys.stdlib_module_names or module in BEFORE_SIGNALS_ARE_HANDLED
        return not is_early

for module in sys.argv[1:]:
    if child := os.fork():
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
        continue
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.meta_path.insert(0, Interrupting(module))
    from scaling.cli import main
    sys.argv = ["scaling", "models"]
    sys.exit(main())
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


def test_signal_during_the_imports_ends_a_command_without_a_traceback():
    done = python(INTERRUPT_IMPORTS, "", "typer", "scaling.cli.models")
    assert done.stderr == (
        "interrupted; every finished run is in the store, and the same command continues from there\n" * 3
    )
    assert done.stdout == "130\n" * 3
