"""Train finished runs again to keep their weights, and check that they give the stored numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from rich.console import Console

from scaling.api._plan import plan
from scaling.api._stored_runs import RunsById, find_run
from scaling.api._workspace import Workspace
from scaling.architectures import AnyArchitecture
from scaling.config import StudySource
from scaling.config.labels import network_label
from scaling.config.study import CellRun
from scaling.errors import UsageError
from scaling.interruption import handled_signals
from scaling.plan import Pack
from scaling.plan.packs import make_packs
from scaling.store import check_writable, collect_provenance
from scaling.store.schema import RESULT_COLUMNS

if TYPE_CHECKING:
    from scaling.sweep.executor import PackEvent

_COMPARED = (*RESULT_COLUMNS, "train_loss", "val_loss", "test_loss", "diverged")
"""Columns of the table ``runs`` that have to be equal."""
_NOT_COMPARED = ("id", "wall_s")
"""Columns of the table ``epochs`` that need not be equal."""
_CONDITIONS = ("device", "threads", "replicas", "versions", "commit")
"""Columns of the table ``runs`` that say under which conditions numbers are equal."""


@dataclass(frozen=True, kw_only=True)
class RetrainedRun:
    """A finished run that was trained again."""

    id: str
    label: str
    """Network and seed in words."""
    was_stored: bool
    """True if the store had the weights already, so that nothing was trained."""
    difference: str = ""
    """First number that differs from the stored one, and why it may; then no weights are kept."""


def retrain(
    config: StudySource,
    runs: Sequence[str],
    workspace: Workspace | None = None,
    *,
    overrides: Sequence[str] = (),
    console: Console | None = None,
    quiet: bool = False,
) -> list[RetrainedRun]:
    """Train finished runs of a study again, in this process, and keep their weights.

    The weights of a run are kept only if its results and its learning curves are equal to the stored ones. No
    other table of the store changes.

    Args:
        config: YAML file of the study, or its settings.
        runs: ids of the runs, or their beginnings.
        workspace: stores and folders. The weights go to the first store.
        overrides: changed settings, such as ``recipe.epochs=5``.
        console: console for the progress display; by default stderr.
        quiet: True for no progress display.

    Raises:
        ConfigError: the study is invalid.
        StoreError: a run is not of the study, or the store cannot be written.
        UsageError: a run is not finished, or has no weights.
        Interrupted: SIGINT, SIGTERM or SIGHUP arrived.
    """
    from scaling.sweep.progress import ProgressDisplay

    workspace = workspace or Workspace()
    chosen = _find_runs(config, runs, workspace, overrides)
    stores = workspace.stores()
    check_writable(stores.first)
    missing = [cell_run for cell_run in chosen if not stores.has_weights(cell_run.run.id)]
    ids = pa.array([run.id for _, run in missing], pa.string())
    rows = stores.runs()
    rows = rows.filter(pc.is_in(rows["id"], ids))
    replicas = dict(zip(rows["id"].to_pylist(), rows["replicas"].to_pylist(), strict=True))
    packs = [
        group
        for pack in make_packs(missing)
        for group in pack.split(min(replicas[run.id] for run in pack.runs))
    ]
    differences: dict[str, str] = {}
    is_quiet = quiet or not packs
    with (
        handled_signals(),
        ProgressDisplay(packs, console or Console(stderr=True), quiet=is_quiet) as display,
    ):
        for pack in packs:
            differences |= _retrain_pack(pack, rows, workspace, display)
    return [
        RetrainedRun(
            id=run.id,
            label=_label(cell.architecture, run.seed),
            was_stored=run.id not in differences,
            difference=differences.get(run.id, ""),
        )
        for cell, run in chosen
    ]


def _label(network: AnyArchitecture, seed: int) -> str:
    return f"{network_label(network.title, network.filters, architecture=network.type)}, seed {seed}"


def _find_runs(
    config: StudySource, prefixes: Sequence[str], workspace: Workspace, overrides: Sequence[str]
) -> list[CellRun]:
    """Return the runs with these ids.

    Raises:
        StoreError: the study has no such run.
        UsageError: a run is not finished, or has no weights.
    """
    study_plan = plan(config, workspace, overrides=overrides)
    wanted = {run.id: CellRun(cell, run) for cell, run in study_plan.wanted}
    by_id: RunsById = {run_id: run for run_id, (_, run) in wanted.items()}
    ids = [
        find_run(
            prefix,
            by_id,
            workspace=workspace,
            searched=f"the study {study_plan.study.name}",
            hint="give one of its runs",
        ).id
        for prefix in prefixes
    ]
    for run_id in ids:
        if run_id not in study_plan.done:
            raise UsageError(f"{run_id}: is not finished; run the study first", option="retrain")
        if wanted[run_id].cell.architecture.fit_profile:
            kind = wanted[run_id].cell.architecture.type
            raise UsageError(f"{run_id}: {kind} is fitted in one go and has no weights", option="retrain")
    return [wanted[run_id] for run_id in dict.fromkeys(ids)]


def _retrain_pack(
    pack: Pack, rows: pa.Table, workspace: Workspace, on_progress: Callable[[PackEvent], None]
) -> dict[str, str]:
    """Train a pack, keep the weights of its runs whose numbers are equal, and return the differences by id.

    Args:
        pack: the pack.
        rows: stored rows of the table ``runs``.
        workspace: stores and folders.
        on_progress: called at the end of each epoch.
    """
    from scaling.data import load
    from scaling.sweep.executor import PackEvent
    from scaling.sweep.worker import encode_pack_weights
    from scaling.train import build_tables, train

    dataset = load(pack.cell.dataset, folder=workspace.data, verify=True)
    result = train(
        pack, dataset, on_epoch_end=lambda epoch: on_progress(PackEvent(key=pack.key, epoch=epoch.number))
    )
    tables, weights = build_tables(result, dataset, collect_provenance()), encode_pack_weights(result)
    stores = workspace.stores()
    differences = {}
    for run in pack.runs:
        stored = {"runs": _of_run(rows, run.id), "epochs": stores.epochs([run.id])}
        new = {kind: _of_run(tables[kind], run.id) for kind in stored}
        differences[run.id] = _first_difference(stored, new)
        if not differences[run.id]:
            stores.first.put_weights(stored["runs"], {run.id: weights[run.id]})
    return differences


def _of_run(table: pa.Table, run_id: str) -> pa.Table:
    return table.filter(pc.equal(table["id"], run_id))


def _first_difference(stored: Mapping[str, pa.Table], new: Mapping[str, pa.Table]) -> str:
    """Return the first number that differs, and the conditions that do; empty if no number differs.

    A number that an older version did not store is not compared.
    """
    curves = [name for name in stored["epochs"].column_names if name not in _NOT_COMPARED]
    for kind, names in (("runs", _COMPARED), ("epochs", curves)):
        for name in names:
            before, after = stored[kind][name].to_pylist(), new[kind][name].to_pylist()
            for index, (old, value) in enumerate(zip(before, after, strict=True)):
                are_nan = value != value and old != old
                if old is not None and value != old and not are_nan:
                    epoch = f" of epoch {index + 1}" if kind == "epochs" else ""
                    conditions = _conditions(stored["runs"], new["runs"])
                    return f"{name}{epoch} is {value}, and {old} is stored{conditions}"
    return ""


def _conditions(stored: pa.Table, new: pa.Table) -> str:
    """Return what differs between two trainings besides their numbers."""
    differing = [name for name in _CONDITIONS if stored[name].to_pylist() != new[name].to_pylist()]
    return f" ({', '.join(differing)} differ)" if differing else ""
