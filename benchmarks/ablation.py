"""Contribution of each cause of the speed: a sweep, and the same sweep without one cause, in alternation.

Each cause is removed by patching this software in the process that runs it. The workers run under Ray:

    not fused                every pack has one network
    fp32                     instead of bf16
    DataLoader               a torch DataLoader reads training images one by one; evaluation images stay in
    memory no worker reuse          a new worker for each trial shortest trials first    the opposite order of
    the trials

    python -m benchmarks.ablation CAUSE ARGUMENT ...    # the command line without one cause
"""

from __future__ import annotations

import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any
from unittest import mock

from benchmarks.commands import data_folder, run_module
from benchmarks.measurement import Measurement, paired_ratios, summarise_rounds
from benchmarks.sweeps import Sweep
from scaling.cli import main

NAME = "ablation"
SWEEP = Sweep(dataset="mnist", epochs=1, learning_rate=0.08, augmentation={})
"""Four packs of unequal length for two cores."""


@contextmanager
def not_fused() -> Iterator[None]:
    with mock.patch("scaling.plan.packs.pack_size", return_value=1):
        yield


@contextmanager
def no_worker_reuse() -> Iterator[None]:
    from ray import tune

    tune_config = tune.TuneConfig

    def without_reuse(**options: Any) -> tune.TuneConfig:
        return tune_config(**options | {"reuse_actors": False})

    with mock.patch.object(tune, "TuneConfig", without_reuse):
        yield


@contextmanager
def shortest_trials_first() -> Iterator[None]:
    from scaling.sweep import ray_tune

    make_trials = ray_tune.make_trials
    with mock.patch.object(
        ray_tune, "make_trials", lambda *args, **kwargs: make_trials(*args, **kwargs)[::-1]
    ):
        yield


@contextmanager
def with_data_loader() -> Iterator[None]:
    from scaling.sweep.ray_trial import SweepTrial

    class DataLoaderTrial(SweepTrial):
        """Trial whose worker takes minibatches from a DataLoader."""

        def _work(self) -> None:
            from benchmarks.data_loader import DataLoaderMinibatches

            with mock.patch("scaling.train.device_data.Minibatches", DataLoaderMinibatches):
                super()._work()

    with mock.patch("scaling.sweep.ray_tune.SweepTrial", DataLoaderTrial):
        yield


CAUSES: dict[str, Callable[[], AbstractContextManager]] = {
    "nothing": nullcontext,
    "not fused": not_fused,
    "fp32": nullcontext,
    "DataLoader": with_data_loader,
    "no worker reuse": no_worker_reuse,
    "shortest trials first": shortest_trials_first,
}


def measure(rounds: int, sweep: Sweep = SWEEP) -> list[Measurement]:
    walls_s: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as name:
        config = Path(name, "study.yaml")
        for index in range(rounds):
            for cause in CAUSES:
                recipe = {"precision": "fp32"} if cause == "fp32" else {}
                config.write_text(sweep.study(1, **recipe))
                options = ("--quiet", "--store", Path(name, f"{cause}{index}"), "--data", data_folder())
                command = ("run", config, *options, "--set", "resources.engine=ray")
                walls_s[cause].append(run_module("ablation", cause, *command).wall_s)
    complete = walls_s.pop("nothing")
    measurements = [summarise_rounds(NAME, sweep.case, "wall time", unit="s", values=complete)]
    for cause, values in walls_s.items():
        relative = paired_ratios(values, complete)
        quantity = f"relative wall time: {cause}"
        measurements.append(summarise_rounds(NAME, sweep.case, quantity, unit="", values=relative))
    return measurements


if __name__ == "__main__":
    with CAUSES[sys.argv[1]]():
        sys.exit(main(sys.argv[2:]))
