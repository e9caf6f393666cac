"""MLflow: a run in the experiment of the study, on the server or in the file that the tracking URI names."""

from __future__ import annotations

from mlflow import MlflowClient
from mlflow.entities import Metric, Param

from scaling.tracking.record import TrackedRun
from scaling.tracking.trackers import Destination

_ID_TAG = "scaling.run_id"
_MAX_METRICS, _MAX_PARAMS = 1000, 100
"""Largest numbers of metrics and parameters in one request."""


class MlflowWriter:
    """Writer of runs by MLflow's client. A run is finished when all of it is written."""

    def __init__(self, destination: Destination) -> None:
        uri = destination.mlflow
        if uri.startswith("sqlite:///"):
            destination.folder.mkdir(parents=True, exist_ok=True)
        self.client = MlflowClient(tracking_uri=uri)
        name = destination.mlflow_experiment
        experiment = self.client.get_experiment_by_name(name)
        self.experiment = experiment.experiment_id if experiment else self.client.create_experiment(name)

    def write(self, run: TrackedRun) -> bool:
        if self._has(run):
            return False
        tracked = self.client.create_run(
            self.experiment,
            run_name=run.label,
            start_time=_milliseconds(run.start_s),
            tags={_ID_TAG: run.id, "group": run.group},
        ).info.run_id
        params = [Param(name, str(value)) for name, value in run.settings.items()]
        for start in range(0, len(params), _MAX_PARAMS):
            self.client.log_batch(tracked, params=params[start : start + _MAX_PARAMS])
        metrics = [
            Metric(name, value, _milliseconds(epoch.time_s), epoch.number)
            for epoch in run.epochs
            for name, value in epoch.metrics.items()
        ]
        last = run.epochs[-1].number if run.epochs else 0
        known = {(metric.key, metric.step) for metric in metrics}
        metrics += [
            Metric(name, value, _milliseconds(run.end_s), last)
            for name, value in run.results.items()
            if (name, last) not in known
        ]
        for start in range(0, len(metrics), _MAX_METRICS):
            self.client.log_batch(tracked, metrics=metrics[start : start + _MAX_METRICS])
        self.client.set_terminated(tracked, end_time=_milliseconds(run.end_s))
        return True

    def _has(self, run: TrackedRun) -> bool:
        """Return True if the run was written to its end; delete what is left of an interrupted one."""
        has_finished = False
        for tracked in self.client.search_runs([self.experiment], f"tags.`{_ID_TAG}` = '{run.id}'"):
            if tracked.info.status == "FINISHED":
                has_finished = True
            else:
                self.client.delete_run(tracked.info.run_id)
        return has_finished


def _milliseconds(seconds: float) -> int:
    return int(1000 * seconds)


def open_writer(destination: Destination) -> MlflowWriter:
    """Return the writer of a study's experiment."""
    return MlflowWriter(destination)
