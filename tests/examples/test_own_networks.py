"""The examples of a user's own networks, on few images: from an empty folder to a report."""

from __future__ import annotations

from pathlib import Path

import pytest

from scaling import api

FOLDER = Path(__file__).parents[2] / "examples"
SMALL = ("dataset={type: synthetic, size: 200, test_size: 100, side: 28}", "recipe.epochs=1", "seeds=2")


@pytest.mark.parametrize("name", ["own_network", "own_lightning"])
def test_example(tmp_path, name):
    study = FOLDER / name / "study.yaml"
    workspace = api.Workspace(store=str(tmp_path / "store"), data=tmp_path, artifacts=tmp_path / "artifacts")
    overrides = [*SMALL, "architectures[0].filters=[1, 2, 3]"]
    outcome = api.run(study, workspace, overrides=overrides, in_process=True, quiet=True)
    assert (outcome.trained, outcome.failures) == (6, ())
    page = api.report(study, workspace, overrides=overrides).path.read_text()
    assert "Net" in page
