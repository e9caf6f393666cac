"""The blocks of the documentation: studies load, commands parse, Python compiles."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scaling.cli.app import app, get_command
from scaling.config import load_study
from scaling.config.yaml_reader import parse_yaml
from scaling.errors import DataError

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    [
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "artifacts/published/README.md")),
        *(ROOT / "docs").rglob("*.md"),
    ]
)
OWN_CODE = [*(ROOT / "examples").glob("own_*/*.py")]
BASE: dict[str, Any] = {
    "study": "page",
    "dataset": {"type": "mnist"},
    "architectures": [{"type": "lenet5", "filters": [1, 2]}],
    "recipe": {"learning_rate": 0.05, "precision": "fp32"},
}
"""Study that a block with some of the keys changes."""
PLACEHOLDERS = re.compile(r"^(CONFIG|COMMAND|A|FILE|SOURCE|\[.*|\{.*|\.\.\.)$")
"""Words of a line that describes a command and is not one to type."""


def blocks(language: str) -> Iterator[Any]:
    """Yield the fenced blocks of a language with their place."""
    for page in PAGES:
        text = page.read_text()
        for block in re.finditer(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            line = text.count("\n", 0, block.start()) + 1
            yield pytest.param(block[1], id=f"{page.relative_to(ROOT)}:{line}")


def command_lines() -> Iterator[Any]:
    """Yield the lines of indented and fenced blocks that call ``scaling``, without their comments."""
    for page in PAGES:
        text = page.read_text().replace("\\\n", " ")
        for number, line in enumerate(text.splitlines(), start=1):
            # Two spaces separate a command from its description in a list.
            command = re.fullmatch(r"(?: {4})?(scaling(?: \S+)+)(?: {2,}.*)?", line)
            if not command:
                continue
            words = shlex.split(command[1], comments=True)
            if not any(PLACEHOLDERS.match(word) for word in words):
                yield pytest.param(words[1:], id=f"{page.relative_to(ROOT)}:{number}")


@pytest.mark.parametrize("block", list(blocks("yaml")))
def test_a_study_loads(block: str, tmp_path: Path) -> None:
    study = tmp_path / "study.yaml"
    for file in OWN_CODE:
        shutil.copy(file, tmp_path)
    keys = parse_yaml(block, "block")
    missing = {name: value for name, value in BASE.items() if name not in keys}
    study.write_text(block + "".join(f"{name}: {value}\n" for name, value in missing.items()))
    if "path" in keys.get("dataset", {}):
        # The reader's own data are not here; everything else is checked.
        with pytest.raises(DataError, match=keys["dataset"]["path"]):
            load_study(study, data=tmp_path)
    else:
        assert load_study(study, data=tmp_path).cells


@pytest.mark.parametrize("words", list(command_lines()))
def test_a_command_parses(words: list[str]) -> None:
    group = command = get_command(app)
    context = group.make_context("scaling", [], resilient_parsing=True)
    while commands := getattr(command, "commands", {}):
        name, *words = words
        if name == "--help":
            return
        command = commands[name]
        words = [] if getattr(command, "commands", {}) and not words else words
    if ">" in words:
        words = words[: words.index(">")]
    assert command.make_context(name, list(words), parent=context).command is command


@pytest.mark.parametrize("block", list(blocks("python")))
def test_python_compiles(block: str) -> None:
    if ">>>" not in block:  # tests/test_worked_example.py runs these
        assert compile(block, "block", "exec")


def test_there_are_blocks_of_each_kind() -> None:
    assert len(list(blocks("yaml"))) >= 8
    assert len(list(blocks("python"))) >= 5
    assert len(list(command_lines())) >= 50
