"""How fast this machine is: measured with as many processes at once as a sweep has workers, because cores share caches and memory."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from signal import SIG_IGN, SIGINT, signal
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeVar

from scaling.api._run import run
from scaling.api._workspace import Workspace
from scaling.errors import UsageError
from scaling.plan import machine
from scaling.plan.speed import ImageTime, Machine, Speed, TimingCurve, TimingPoint
from scaling.plan.speed_file import load_speed, processor_name, speed_path, write_speed
from scaling.store import collect_provenance

if TYPE_CHECKING:
    from scaling.train.measure_speed import TimingCase

OnProgress = Callable[[int, int], None]
"""Is told how many steps of how many are done."""

Value = TypeVar("Value")

STUDY = """\
study: start
dataset: {{type: synthetic, size: 100, test_size: 100, side: 8}}
architectures: [{{type: tree3, rows: 1, filters: 1}}]
recipe: {{epochs: 1, learning_rate: [{rates}]}}
resources: {{workers: {workers}}}
"""
"""One tiny pack for each worker."""


def bench(
    *, workers: int | None = None, out: Path | None = None, told: OnProgress = lambda done, steps: None
) -> tuple[Speed, Path]:
    """Measure this machine, in a minute or two, and keep what was found for all estimates to come.

    Args:
        workers: processes at once; by default one a core.
        out: a file for the result, in place of the user's cache.
        told: is told how it goes.

    Returns:
        What was measured, and the file.

    Raises:
        UsageError: the file can't be written, Ray can't start, or a process died.
    """
    place, workers = out or speed_path(), workers or machine.cpu_count()
    _forget_what_is_damaged()
    try:
        speed = _measured(workers, told)
    except BrokenProcessPool as error:
        raise UsageError(
            f"one of {workers} processes died while it was measured, perhaps for want of memory; try fewer --workers"
        ) from error
    write_speed(speed, place)
    return speed, place


def _measured(workers: int, told: OnProgress) -> Speed:
    from scaling.train.measure_speed import (
        SIDES,
        benchmark_cases,
        measure_augment_seconds,
        measure_case,
        measure_epoch_seconds,
        measure_pack_start_seconds,
    )

    measured = list(benchmark_cases())
    steps = len(measured) + 3
    times: dict[TimingCase, ImageTime] = {}
    with _workers(workers) as each:
        empty_s = median(each(measure_epoch_seconds))
        told(1, steps)
        for done, case in enumerate(measured, start=2):
            train_s, evaluate_s = map(median, zip(*each(measure_case, case, empty_s), strict=True))
            times[case] = ImageTime(train_s, evaluate_s)
            told(done, steps)
        augmenting = {channels: median(each(measure_augment_seconds, channels)) for channels in SIDES}
        start_s = median(each(measure_pack_start_seconds))
        told(steps - 1, steps)
    with _workers(1) as each:  # new again, as the process is in which a command runs
        (sweep_s,) = each(_sweep_s, workers)
    told(steps, steps)
    return Speed(
        machine=Machine(
            processor=processor_name(),
            cores=machine.cpu_count(),
            workers=workers,
            versions=json.loads(str(collect_provenance()["versions"])),
            measured_at=datetime.now(UTC),
        ),
        curves=tuple(_curves(times)),
        augment_s=augmenting,
        epoch_s=empty_s,
        pack_start_s=start_s,
        sweep_start_s=max(0.0, sweep_s - start_s),
    )


@contextmanager
def _workers(count: int) -> Iterator[Callable[..., list[Any]]]:
    """New processes, and a way to have all of them do one thing at the same time."""
    # Ctrl+C is the parent's alone: it waits for what is being measured, a second or two.
    with ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_deaf) as pool:

        def each(work: Callable[..., Value], *arguments: object) -> list[Value]:
            return [future.result() for future in [pool.submit(work, *arguments) for _ in range(count)]]

        yield each


def _deaf() -> None:
    signal(SIGINT, SIG_IGN)


def _sweep_s(workers: int) -> float:
    """A whole sweep of next to nothing."""
    with TemporaryDirectory(prefix="scaling-bench-") as folder:
        study = Path(folder, "start.yaml")
        rates = ", ".join(str(0.1 + 0.001 * nth) for nth in range(workers))
        study.write_text(STUDY.format(rates=rates, workers=workers))
        return run(study, Workspace(store=f"{folder}/store", artifacts=Path(folder)), quiet=True).wall_s


def _curves(times: dict[TimingCase, ImageTime]) -> Iterator[TimingCurve]:
    points: defaultdict[tuple[str, int, str, int | None], list[TimingPoint]] = defaultdict(list)
    for case, (train_s, evaluate_s) in times.items():
        point = TimingPoint(
            filters=case.architecture.filters,
            side=case.side,
            macs=case.layer_table.macs,
            train_s=train_s,
            evaluate_s=evaluate_s,
        )
        points[case.architecture.type, case.channels, case.precision, case.depth].append(point)
    for (architecture, channels, precision, depth), found in points.items():
        rising = tuple(sorted(found, key=lambda point: point.macs))
        yield TimingCurve(
            architecture=architecture, channels=channels, precision=precision, depth=depth, points=rising
        )


def _forget_what_is_damaged() -> None:
    """Else the sweep that is measured would be refused."""
    try:
        load_speed()
    except UsageError:
        speed_path().unlink(missing_ok=True)
