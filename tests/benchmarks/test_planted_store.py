"""A planted store has every run of its study, in one part per pack, with a learning curve for each run."""

from __future__ import annotations

from benchmarks.planted_store import plant, study
from scaling.api import Workspace, plan
from scaling.store import open_store


def test_planted_store_is_complete(tmp_path):
    config, store = tmp_path / "study.yaml", tmp_path / "store"
    config.write_text(study(widths=2, seeds=8, epochs=3, train_images=(1000, 7000)))
    packs = plan(config, Workspace(store=str(store))).packs
    assert plant(config, store) == 2 * 2 * 2 * 8
    assert plan(config, Workspace(store=str(store))).new == 0
    assert len(list((store / "runs").iterdir())) == len(packs) == 8
    runs, epochs = open_store(store).runs(), open_store(store).epochs()
    assert epochs.num_rows == 3 * runs.num_rows
    final_errors = {row["id"]: row["test_error"] for row in epochs.to_pylist() if row["epoch"] == 3}
    assert final_errors == dict(zip(runs["id"].to_pylist(), runs["test_error"].to_pylist(), strict=True))
