"""Weights & Biases: a run with the id of the run, online or, with WANDB_MODE=offline, as files to sync."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import wandb

from scaling.tracking.record import TrackedRun
from scaling.tracking.trackers import Destination

_COMPLETE = "complete"
"""Empty file in the folder of an offline run that was written to its end."""


class WandbWriter:
    """Writer of runs by the client ``wandb``."""

    def __init__(self, destination: Destination) -> None:
        self.folder, self.project = destination.wandb, destination.wandb_project
        self.is_offline = os.environ.get("WANDB_MODE") == "offline"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.settings = wandb.Settings(
            silent=True,
            console="off",
            disable_git=True,
            save_code=False,
            x_disable_stats=True,  # the machine of the training is in the configuration
            x_disable_meta=True,
        )

    def write(self, run: TrackedRun) -> bool:
        if self._has(run):
            return False
        with wandb.init(
            project=self.project,
            dir=str(self.folder),
            id=run.id,
            name=run.label,
            group=run.group,
            config=run.settings,
            resume=None if self.is_offline else "allow",
            settings=self.settings,
        ) as tracked:
            for epoch in run.epochs:
                tracked.log(epoch.metrics | {"epoch": epoch.number}, step=epoch.number)
            tracked.summary.update(run.results)
        for folder in self._offline_folders(run):
            (folder / _COMPLETE).touch()
        return True

    def _has(self, run: TrackedRun) -> bool:
        """Return True if the run was written to its end; remove offline files of an interrupted one."""
        for folder in self._offline_folders(run):
            if (folder / _COMPLETE).exists():
                return True
            shutil.rmtree(folder)
        if self.is_offline:
            return False
        api = wandb.Api()
        entity = os.environ.get("WANDB_ENTITY") or api.default_entity
        try:
            return bool(api.run(f"{entity}/{self.project}/{run.id}").state == "finished")
        except (wandb.errors.CommError, ValueError):  # no such run, or no such project yet
            return False

    def _offline_folders(self, run: TrackedRun) -> list[Path]:
        return list((self.folder / "wandb").glob(f"offline-run-*-{run.id}"))


def open_writer(destination: Destination) -> WandbWriter:
    """Return the writer of a study's project."""
    return WandbWriter(destination)
