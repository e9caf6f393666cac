"""Run ids of the published studies. A change that moves one would train its runs again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scaling.config import load_study

CONFIGS = Path(__file__).parents[2] / "configs"
FROZEN: dict[str, list[str]] = json.loads(Path(__file__).with_name("frozen_ids.json").read_text())
"""For each file: id of the first run of each cell; if pilot runs choose the rate, of each pilot cell."""
STUDIES = sorted(
    path.relative_to(CONFIGS).as_posix()
    for path in CONFIGS.rglob("*.yaml")
    if path.relative_to(CONFIGS).parts[0] != "cluster"
)


@pytest.mark.parametrize("name", STUDIES)
def test_ids_are_frozen(name):
    cells = load_study(CONFIGS / name, data=Path("nowhere")).cells
    ids = [known.run(0).id for cell in cells for known in cell.pilots or (cell,)]
    line = f"{json.dumps(name)}: {json.dumps(ids)}"
    assert name in FROZEN, (
        f"a new study: add to {Path(__file__).with_name('frozen_ids.json')} the line\n{line}"
    )
    moved = set(FROZEN[name]) - set(ids)
    assert not moved, (
        f"stored runs of {name} would be trained again; if its grid was changed on purpose, "
        f"the line is now\n{line}"
    )
    assert ids == FROZEN[name], f"{name} has new cells; the line is now\n{line}"


def test_every_frozen_study_exists():
    assert set(FROZEN) == set(STUDIES)
