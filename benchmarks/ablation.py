"""What each cause of the speed gives: a sweep as it is, beside the same sweep with one cause taken away, in turns.

The causes are taken away from outside, by changing parts of this software in the process that runs it:

    not fused        every pack holds one network
    fp32             in place of bf16
    DataLoader       training images come one by one from torchvision's set through a loader; those that are tested stay in memory
    no reuse         a fresh worker for each batch of packs
    shortest first   batches in the opposite order

    python -m benchmarks.ablation CAUSE WORD ...    # the command line without a cause
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

from benchmarks import processes
from benchmarks.rows import Row, over_rounds, ratios
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
def no_reuse() -> Iterator[None]:
    from ray import tune

    made = tune.TuneConfig
    with mock.patch.object(tune, "TuneConfig", lambda **given: made(**given | {"reuse_actors": False})):
        yield


@contextmanager
def shortest_first() -> Iterator[None]:
    from scaling.sweep import ray_tune

    made = ray_tune.batches
    with mock.patch.object(ray_tune, "batches", lambda *given, **named: made(*given, **named)[::-1]):
        yield


@contextmanager
def through_a_loader() -> Iterator[None]:
    with mock.patch("scaling.sweep.ray_tune._trial", trial_with_a_loader):
        yield


def trial_with_a_loader(config: dict[str, Any], **rest: Any) -> None:
    """A trial, in its worker, whose batches come from a DataLoader."""
    from benchmarks.loader import LoadedBatches
    from scaling.sweep.ray_tune import _trial

    with mock.patch("scaling.train.device_data.Minibatches", LoadedBatches):
        _trial(config, **rest)


CAUSES: dict[str, Callable[[], AbstractContextManager]] = {
    "nothing": nullcontext,
    "not fused": not_fused,
    "fp32": nullcontext,
    "DataLoader": through_a_loader,
    "no reuse": no_reuse,
    "shortest first": shortest_first,
}


def measure(rounds: int, sweep: Sweep = SWEEP) -> list[Row]:
    walls: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as name:
        config = Path(name, "study.yaml")
        for nth in range(rounds):
            for cause in CAUSES:
                config.write_text(sweep.study(1, **({"precision": "fp32"} if cause == "fp32" else {})))
                place = ("--store", Path(name, f"{cause}{nth}"), "--data", processes.data_folder())
                walls[cause].append(
                    processes.module("ablation", cause, "run", config, "--quiet", *place).wall_s
                )
    rows = [over_rounds(NAME, sweep.case, "wall time", "s", walls["nothing"])]
    for cause in list(CAUSES)[1:]:
        rows.append(
            over_rounds(
                NAME, sweep.case, f"times as long: {cause}", "", ratios(walls[cause], walls["nothing"])
            )
        )
    return rows


if __name__ == "__main__":
    with CAUSES[sys.argv[1]]():
        sys.exit(main(sys.argv[2:]))
