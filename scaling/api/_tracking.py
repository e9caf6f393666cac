"""Copy the finished runs of a study to trackers, from the store, after or while a sweep trains."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, Thread
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Any

from scaling.api._workspace import Workspace
from scaling.config import Run, Study, flatten_settings
from scaling.config.labels import network_label
from scaling.errors import ScalingError, shorten
from scaling.store import StoreUnion, open_store
from scaling.tracking import (
    TRACKERS,
    Destination,
    TrackedEpoch,
    TrackedRun,
    TrackerProcess,
    check_tracker,
)

if TYPE_CHECKING:
    from scaling.sweep.executor import PackEvent

_DESCRIPTION = ("parameters", "macs", "filters", "train_images", "device", "host", "precision", "replicas")
"""Columns of the table ``runs`` that describe a run, beside its settings."""
_RESULTS = (
    *("train_error", "train_accuracy", "train_loss", "val_error", "val_loss", "test_error", "test_accuracy"),
    *("test_loss", "test_errors", "diverged", "wall_s", "images_per_s"),
)
"""Columns of the table ``runs`` with results."""
_NOT_METRICS = ("id", "epoch", "layer_zero_gradients", "wall_s")
"""Columns of the table ``epochs`` that are no numbers to plot."""
_MAX_SHARE = 0.01
"""Largest share of the time that copying takes while runs train; what is left follows at the end."""
_CHUNK = 64
"""Number of runs whose rows are read at once."""


@dataclass(frozen=True, kw_only=True)
class TrackingOutcome:
    """Numbers of runs that a tracker has received."""

    tracker: str
    written: int = 0
    """Runs that were written now."""
    present: int = 0
    """Runs that the tracker had."""
    missing: int = 0
    """Runs that were not written, because the tracker failed."""
    failure: str = ""
    """Reason in one line; empty without a failure."""
    log: Path
    """File with what the tracker's client printed."""
    how_to_view: str
    """Command that shows the runs."""


class Tracking:
    """Copying to one tracker, in a thread and a process of its own.

    The runs of published packs follow soon, in at most 1 % of the time. ``finish`` adds every finished run of
    the study that the tracker lacks, so that an interruption loses no copy. After a first failure, nothing
    more is written.

    Args:
        tracker: name of the tracker.
        study: the study, which names the runs.
        workspace: stores and folders.
        option: argument that an error names.

    Raises:
        UsageError: there is no such tracker, or its package is not installed.
    """

    def __init__(self, tracker: str, study: Study, workspace: Workspace, *, option: str) -> None:
        check_tracker(tracker, option=option)
        folder = (workspace.artifacts / study.name).absolute()
        destination = Destination(study=study.name, folder=folder)
        self.outcome = TrackingOutcome(
            tracker=tracker,
            log=folder / "logs" / f"{tracker}.log",
            how_to_view=TRACKERS[tracker].how_to_view(destination),
        )
        self._destination, self._workspace = destination, workspace
        self._labels = run_labels(study)
        self._seen: set[str] = set()
        self._queue: SimpleQueue[list[str] | None] = SimpleQueue()
        self._cancelled = Event()
        self._process: TrackerProcess | None = None
        self._thread = Thread(target=self._work, daemon=True)
        self._thread.start()

    def __enter__(self) -> Tracking:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._cancelled.set()
        self._queue.put(None)
        if error is None:
            self._thread.join()

    def add(self, ids: Iterable[str]) -> None:
        """Write finished runs soon; runs that are not of the study, such as pilot runs, are left out."""
        self._queue.put(list(ids))

    def add_study(self, study: Study) -> None:
        """Add the runs of a study whose learning rates were chosen meanwhile."""
        self._labels |= run_labels(study)

    def finish(self, study: Study, ids: Iterable[str]) -> TrackingOutcome:
        """Write the finished runs of a study that were not added before, and return what became of all.

        Args:
            study: the study with the learning rates that were chosen meanwhile.
            ids: ids of its finished runs.
        """
        self.add_study(study)
        self.add(ids)
        self.__exit__(None, None, None)
        return self.outcome

    def _work(self) -> None:
        """Copy what is in the queue, and rest after each copy, so that copying takes little of the time."""
        batch: list[str] = []
        is_over, rests_until = False, 0.0
        while not is_over:
            added = self._queue.get()
            while added is not None:
                batch += added
                try:
                    added = self._queue.get(timeout=max(0.0, rests_until - monotonic()))
                except Empty:
                    break
            is_over = added is None
            started = monotonic()
            wanted = dict.fromkeys(batch)  # a pack and the end of the sweep can name a run at once
            self._copy([run_id for run_id in wanted if run_id in self._labels and run_id not in self._seen])
            batch, ended = [], monotonic()
            rests_until = ended + (ended - started) / _MAX_SHARE
        if self._process is not None:
            self._process.kill() if self._cancelled.is_set() else self._process.close()

    def _copy(self, ids: Sequence[str]) -> None:
        """Copy runs; after a failure, only count them."""
        self._seen.update(ids)
        if not ids or self._cancelled.is_set():
            return
        if self.outcome.failure:
            self._count(missing=len(ids))
            return
        n_done = 0
        try:
            also = [open_store(uri) for uri in self._workspace.also]
            stores = StoreUnion(open_store(self._workspace.store), also)
            for run in read_tracked_runs(ids, stores, self._labels):
                if self._cancelled.is_set():
                    return
                if self._process is None:
                    self._process = TrackerProcess(
                        self.outcome.tracker, self._destination, log=self.outcome.log
                    )
                is_new = self._process.write(run)
                n_done += 1
                self._count(written=is_new, present=not is_new)
        except Exception as error:  # no failure of a copy may reach the sweep
            problem = error.problem if isinstance(error, ScalingError) else f"{type(error).__name__}: {error}"
            self.outcome = replace(self.outcome, failure=shorten(problem))
            self._count(missing=len(ids) - n_done)

    def _count(self, *, written: int = 0, present: int = 0, missing: int = 0) -> None:
        self.outcome = replace(
            self.outcome,
            written=self.outcome.written + written,
            present=self.outcome.present + present,
            missing=self.outcome.missing + missing,
        )


class Trackings:
    """Copying to several trackers.

    Args:
        trackers: their names.
        study: the study, which names the runs.
        workspace: stores and folders.
        option: argument that an error names.

    Raises:
        UsageError: a tracker does not exist, or its package is not installed.
    """

    def __init__(
        self, trackers: Sequence[str], study: Study, workspace: Workspace, *, option: str = "track"
    ) -> None:
        for name in trackers:
            check_tracker(name, option=option)
        self.all = [Tracking(name, study, workspace, option=option) for name in dict.fromkeys(trackers)]

    def __enter__(self) -> Trackings:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for tracking in self.all:
            tracking.__exit__(kind, error, trace)

    def add_study(self, study: Study) -> None:
        """Add the runs of a study whose learning rates were chosen meanwhile."""
        for tracking in self.all:
            tracking.add_study(study)

    def on_event(self, event: PackEvent, ids: Sequence[str]) -> None:
        """Write the runs of a pack that was published."""
        if event.published:
            for tracking in self.all:
                tracking.add(ids)

    def finish(self, study: Study, ids: Iterable[str]) -> tuple[TrackingOutcome, ...]:
        """Write all finished runs of a study that a tracker lacks; see ``Tracking.finish``."""
        ids = list(ids)
        return tuple(tracking.finish(study, ids) for tracking in self.all)


def run_labels(study: Study) -> dict[str, str]:
    """Return the network of each run in words, such as ``lenet5, filters 6``, by the id of the run.

    Pilot runs, and runs whose learning rate is not chosen yet, are left out.
    """
    return {
        cell.run(seed).id: network_label(
            label, cell.architecture.filters, architecture=cell.architecture.type
        )
        for cell, label in zip(study.cells, study.curve_labels(), strict=True)
        if not cell.pending
        for seed in range(cell.seeds)
    }


def read_tracked_runs(ids: Sequence[str], stores: StoreUnion, labels: dict[str, str]) -> Iterator[TrackedRun]:
    """Yield finished runs as trackers get them.

    Args:
        ids: ids of the runs; those that no store holds are left out.
        stores: stores that are read.
        labels: network of each run, by the id of the run.
    """
    rows = {row["id"]: row for row in stores.runs().to_pylist()} if ids else {}
    stored = [run_id for run_id in ids if run_id in rows]
    for start in range(0, len(stored), _CHUNK):
        chunk = stored[start : start + _CHUNK]
        epochs: dict[str, list[dict[str, Any]]] = {run_id: [] for run_id in chunk}
        for row in stores.epochs(chunk).to_pylist():
            epochs[row["id"]].append(row)
        for run_id in chunk:
            yield make_tracked_run(rows[run_id], epochs[run_id], network=labels[run_id])


def make_tracked_run(row: dict[str, Any], epochs: Sequence[dict[str, Any]], *, network: str) -> TrackedRun:
    """Return a run as trackers get it.

    Args:
        row: row of the table ``runs``.
        epochs: rows of the table ``epochs``, in order.
        network: network of the run in words.
    """
    end_s = row["created_at"].timestamp()
    start_s = end_s - row["wall_s"]
    settings = flatten_settings(Run.from_json(row["config_json"]))
    return TrackedRun(
        id=row["id"],
        label=f"{network}, seed {row['seed']}",
        group=network,
        start_s=start_s,
        end_s=end_s,
        settings={
            name: value if isinstance(value, str | int | float | None) else str(value)
            for name, value in (settings | {name: row[name] for name in _DESCRIPTION}).items()
        },
        epochs=tuple(
            TrackedEpoch(
                number=epoch["epoch"],
                time_s=start_s + epoch["wall_s"],
                metrics=_finite({name: epoch[name] for name in epoch if name not in _NOT_METRICS}),
            )
            for epoch in epochs
        ),
        results=_finite({name: row[name] for name in _RESULTS}),
    )


def _finite(values: dict[str, Any]) -> dict[str, float]:
    """Return the values that are numbers; trackers draw no others."""
    return {name: float(value) for name, value in values.items() if value is not None and isfinite(value)}
