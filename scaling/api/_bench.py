"""Measure the training speed of this machine.

As many processes are measured at once as a sweep has workers, because CPU cores share caches and memory
bandwidth.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing import active_children, get_context, parent_process
from pathlib import Path
from signal import SIG_IGN, SIGINT, signal
from statistics import median
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from scaling.api._run import run
from scaling.api._workspace import Workspace
from scaling.errors import UsageError
from scaling.plan import machine
from scaling.plan.speed import Machine, NetworkKind, NetworkTime, Speed, TimingCurve, TimingPoint, UpdateTime
from scaling.plan.speed_file import load_speed, processor_name, speed_path, write_speed
from scaling.store import collect_provenance
from scaling.temporary_folder import temporary_folder

if TYPE_CHECKING:
    from scaling.train.measure_speed import TimingCase

ProgressCallback = Callable[[int, int], None]
"""Function that is called with the number of finished steps and the number of all steps."""

_Value = TypeVar("_Value")

_REPETITIONS_END_S = 95
"""Seconds after which no network is measured again; each is measured once, however long that takes."""

_TINY_STUDY = """\
study: start
dataset: {{type: synthetic, size: 100, test_size: 100, side: 8}}
architectures: [{{type: tree3, rows: 1, filters: 1}}]
recipe: {{epochs: 1, learning_rate: [{rates}]}}
resources: {{workers: {workers}}}
"""
"""Study with one tiny pack for each worker."""


@dataclass(frozen=True, kw_only=True)
class BenchResult:
    """Measured speed of this machine."""

    speed: Speed
    path: Path
    """File with the speed, from which plans estimate their time."""


def bench(
    *,
    workers: int | None = None,
    out: Path | None = None,
    on_progress: ProgressCallback = lambda done, steps: None,
) -> BenchResult:
    """Measure this machine in about two minutes, and store its speed for all later estimates.

    Args:
        workers: number of processes that train at once; by default one for each available CPU.
        out: file for the result; by default in the user's cache folder.
        on_progress: called after each step.

    Raises:
        UsageError: the file cannot be written, Ray cannot start, or a process died.
    """
    path, workers = out or speed_path(), workers or machine.cpu_count()
    _delete_damaged_speed()
    try:
        speed = _measure_speed(workers, on_progress)
    except BrokenProcessPool as error:
        raise UsageError(
            f"one of {workers} processes died during the measurement, perhaps for lack of memory;"
            " try fewer `workers`"
        ) from error
    write_speed(speed, path)
    return BenchResult(speed=speed, path=path)


def _measure_speed(workers: int, on_progress: ProgressCallback) -> Speed:
    from scaling.train import measure_speed

    all_cases = list(measure_speed.benchmark_cases())
    steps = 2 * len(all_cases) + 3
    with _processes(workers) as run_in_all:
        empty = measure_speed.EpochTime(*_medians(run_in_all(measure_speed.measure_empty_epoch)))
        on_progress(1, steps)
        fastest = _measure_twice(
            all_cases,
            lambda case: _medians(run_in_all(measure_speed.measure_steps, case, empty)),
            on_measured=lambda done: on_progress(done + 1, steps),
        )
        augment_s, affine_s = (
            {
                channels: median(run_in_all(measure_speed.measure_augment_seconds, channels, augmentation))
                for channels in measure_speed.IMAGE_SIDES
            }
            for augmentation in (measure_speed.CROP_AND_FLIP, measure_speed.AFFINE)
        )
        adam = run_in_all(measure_speed.measure_adam)
        start_s = median(run_in_all(measure_speed.measure_pack_start_seconds))
        on_progress(steps - 1, steps)
    with _processes(1) as run_in_all:  # a new process, like the process of a command
        (sweep_s,) = run_in_all(_sweep_s, workers)
    on_progress(steps, steps)
    times = {
        case: measure_speed.network_time(case, measure_speed.StepTimes(*values))
        for case, values in fastest.items()
    }
    return Speed(
        machine=Machine(
            processor=processor_name(),
            cores=machine.cpu_count(),
            workers=workers,
            versions=dict(collect_provenance().versions),
            measured_at=datetime.now(UTC),
        ),
        curves=tuple(_timing_curves(times)),
        augment_s=augment_s,
        affine_pixel_s={
            channels: seconds / measure_speed.IMAGE_SIDES[channels] ** 2
            for channels, seconds in affine_s.items()
        },
        adam=UpdateTime(
            tensor_s=median(update.tensor_s for update in adam),
            number_s=median(update.number_s for update in adam),
        ),
        epoch_s=sum(empty),
        pack_start_s=start_s,
        sweep_start_s=max(0.0, sweep_s - start_s),
    )


def _measure_twice(
    cases: Sequence[TimingCase],
    measure: Callable[[TimingCase], Iterable[float]],
    *,
    on_measured: Callable[[int], None],
    seconds: float = _REPETITIONS_END_S,
) -> dict[TimingCase, tuple[float, ...]]:
    """Return the fastest times of each network in two measurements.

    Other work on the machine lasts for seconds, and spoils one of two measurements that lie apart. No network
    is measured again after ``seconds``.
    """
    begin = monotonic()
    fastest: dict[TimingCase, tuple[float, ...]] = {}
    for done, case in enumerate([*cases, *cases], start=1):
        if case in fastest and monotonic() - begin > seconds:
            break
        times = tuple(measure(case))
        fastest[case] = tuple(map(min, fastest.get(case, times), times))
        on_measured(done)
    return fastest


def _medians(measured: Sequence[Sequence[float]]) -> Iterator[float]:
    """Yield the median of each number over the processes."""
    return map(median, zip(*measured, strict=True))


@contextmanager
def _processes(count: int) -> Iterator[Callable[..., list[Any]]]:
    """Start processes, and yield a function that calls another function in all of them at the same time.

    After an error or a signal the processes end at once; the pool alone would wait for the current step.
    """
    others = active_children()
    with ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_obey_parent) as pool:

        def run_in_all(function: Callable[..., _Value], *arguments: object) -> list[_Value]:
            futures = [pool.submit(function, *arguments) for _ in range(count)]
            return [future.result() for future in futures]

        try:
            yield run_in_all
        except BaseException:
            for process in active_children():
                if process not in others:
                    process.terminate()
            raise


def _obey_parent() -> None:
    """Leave Ctrl+C to the parent, and end when the parent ends."""
    signal(SIGINT, SIG_IGN)
    Thread(target=_exit_with_parent, daemon=True).start()


def _exit_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _sweep_s(workers: int) -> float:
    """Return the seconds of a whole sweep over tiny packs."""
    with temporary_folder() as folder:
        study = folder / "start.yaml"
        rates = ", ".join(str(0.1 + 0.001 * index) for index in range(workers))
        study.write_text(_TINY_STUDY.format(rates=rates, workers=workers))
        return run(study, Workspace(store=f"{folder}/store", artifacts=folder), quiet=True).wall_s


def _timing_curves(times: dict[TimingCase, NetworkTime]) -> Iterator[TimingCurve]:
    points: defaultdict[tuple[NetworkKind, int | None], list[TimingPoint]] = defaultdict(list)
    for case, time in times.items():
        point = TimingPoint(
            filters=case.architecture.filters,
            side=case.side,
            macs=case.layer_table.macs,
            **time._asdict(),
        )
        points[case.kind, case.depth].append(point)
    for (kind, depth), curve_points in points.items():
        yield TimingCurve(
            **kind._asdict(),
            depth=depth,
            points=tuple(sorted(curve_points, key=lambda point: point.macs)),
        )


def _delete_damaged_speed() -> None:
    """Delete a damaged file of a former measurement, because the measured sweep would refuse it."""
    try:
        load_speed()
    except UsageError:
        speed_path().unlink(missing_ok=True)
