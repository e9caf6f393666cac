"""Trackio: a run in the project of the study, in the user's folder of trackio or where its variables say."""

from __future__ import annotations

import trackio

from scaling.tracking.record import TrackedRun
from scaling.tracking.trackers import Destination


class TrackioWriter:
    """Writer of runs by the client ``trackio``. The name of a run ends in the beginning of its id."""

    def __init__(self, project: str) -> None:
        self.project = project

    def write(self, run: TrackedRun) -> bool:
        if run.name in self._names():
            return False
        tracked = trackio.init(
            project=self.project,
            name=run.name,
            group=run.group,
            config={"run": run.id, **run.settings},
            embed=False,
            auto_log_gpu=False,
            auto_log_cpu=False,
        )
        for epoch in run.epochs:
            tracked.log(dict(epoch.metrics), step=epoch.number)
        last = run.epochs[-1].number if run.epochs else 0
        tracked.log({f"final/{name}": value for name, value in run.results.items()}, step=last)
        tracked.finish()
        return True

    def _names(self) -> set[str]:
        try:
            return {run.name for run in trackio.Api().runs(self.project)}
        except ValueError:  # no such project yet
            return set()


def open_writer(destination: Destination) -> TrackioWriter:
    """Return the writer of a study's project."""
    return TrackioWriter(destination.study)
