"""Simulations in several processes, with a progress bar."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

from rich.console import Console
from rich.progress import track

from scaling.plan import machine

Task, Result = TypeVar("Task"), TypeVar("Result")


def add_arguments(parser: argparse.ArgumentParser, *, studies: int) -> None:
    """Add the arguments that all simulations share.

    Args:
        parser: parser of the simulation's command line.
        studies: default number of studies of each task.
    """
    parser.add_argument("--studies", type=int, default=studies, help="studies of each case (%(default)s)")
    parser.add_argument("--workers", type=int, default=machine.cpu_count(), help="processes (%(default)s)")


def map_in_processes(
    function: Callable[[Task, int], Result], tasks: Sequence[Task], *, studies: int, workers: int
) -> Iterator[Result]:
    """Yield the result of each task, in order, while a bar on stderr shows the time that is left.

    Args:
        function: function of a module, of a task and the number of its studies.
        tasks: the tasks.
        studies: number of studies of each task.
        workers: number of processes.
    """
    with ProcessPoolExecutor(workers) as pool:
        results = pool.map(function, tasks, [studies] * len(tasks))
        yield from track(results, "Simulations", total=len(tasks), console=Console(stderr=True))
