"""TensorBoard: a folder for each run, with learning curves and an entry for the HParams page."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from tensorboardX import SummaryWriter
from tensorboardX.summary import hparams

from scaling.tracking.record import TrackedRun
from scaling.tracking.trackers import Destination

_RESULT = "final/"
"""Prefix of the results, which need other names than the learning curves."""


class TensorBoardWriter:
    """Writer of event files. A folder appears with its final name when it is complete."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, run: TrackedRun) -> bool:
        folder = self.folder / re.sub(r"[^\w .,=+-]+", "_", run.name)
        if folder.exists():
            return False
        unfinished = self.folder / f".{folder.name}"
        shutil.rmtree(unfinished, ignore_errors=True)
        results = {_RESULT + name: value for name, value in run.results.items()}
        with SummaryWriter(logdir=str(unfinished)) as writer:
            settings = {name: value for name, value in run.settings.items() if value is not None}
            for summary in hparams({"run": run.id, **settings}, results):
                writer.file_writer.add_summary(summary)
            for epoch in run.epochs:
                for name, value in epoch.metrics.items():
                    writer.add_scalar(name, value, epoch.number, walltime=epoch.time_s)
            last = run.epochs[-1].number if run.epochs else 0
            for name, value in results.items():
                writer.add_scalar(name, value, last, walltime=run.end_s)
        unfinished.rename(folder)
        return True


def open_writer(destination: Destination) -> TensorBoardWriter:
    """Return the writer of a study's folder."""
    return TensorBoardWriter(destination.tensorboard)
