"""What must hold for the store and the machine after every trial."""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tests.faults.trial import Trial

SAME = {
    "runs": ("id", "config_json", "train_accuracy", "test_errors", "zero_gradients"),
    "epochs": ("id", "epoch", "train_loss", "test_loss", "learning_rate"),
    "predictions": ("id", "fingerprint", "logits"),
}
"""Columns of each table that the fault must not change."""


def stored(store: Path, kind: str) -> pa.Table:
    """Return the rows of all parts of a table, each as often as it is stored, sorted by id."""
    parts = [pq.read_table(part) for part in sorted((store / kind).glob("*.parquet"))]
    keys = [(name, "ascending") for name in ("id", "epoch") if name in SAME[kind]]
    return pa.concat_tables(parts, promote_options="permissive").select(SAME[kind]).sort_by(keys)


def problems(trial: Trial, reference: Path) -> list[str]:
    """Return what the trial's store and machine have that they must not have."""
    found = []
    for kind in SAME:
        rows, expected = stored(trial.store, kind), stored(reference, kind)
        counts, wanted = Counter(rows["id"].to_pylist()), Counter(expected["id"].to_pylist())
        if counts != wanted:
            twice, missing = len(counts - wanted), len(wanted - counts)
            found.append(f"{kind}: {twice} runs are stored more often than once, and {missing} are missing")
        elif not rows.equals(expected):
            changed = [name for name in SAME[kind] if not rows[name].equals(expected[name])]
            found.append(f"{kind}: {', '.join(changed)}: not the numbers of an undisturbed sweep")
    verified = subprocess.run(
        trial.command("store", "verify"), env=trial.environment, capture_output=True, check=False
    )
    if verified.returncode:
        found.append(f"scaling store verify: {verified.stdout.decode()}{verified.stderr.decode()}")
    found += [f"left: {path}" for path in leftover_files(trial)]
    found += [f"left: process {process.pid} {process.name()}" for process in trial.leftover_processes()]
    return found


def leftover_files(trial: Trial) -> list[Path]:
    """Return files that a finished study has no use for."""
    checkpoints = (trial.store / "checkpoints").rglob("*.safetensors")
    temporary = [path for path in trial.store.rglob(".*") if path.is_file()]
    sweeps = (trial.folder / "tmp").glob("scaling-*")
    sessions = (trial.folder / "tmp").rglob("session_2*")
    return [*checkpoints, *temporary, *sweeps, *sessions]
