"""A study of a thousand networks on a GPU, planned, trained and fitted through the public interface."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter

from benchmarks.commands import ROOT, data_folder
from benchmarks.gpu_setup import NAME, Setup, Skipped
from benchmarks.measurement import Measurement, summarise_rounds
from scaling import api
from scaling.errors import FitError
from scaling.interruption import Interrupted
from scaling.store import open_store
from scaling.temporary_folder import temporary_folder

HOUR_S = 3600


def measure_study(setup: Setup) -> Iterator[Measurement | Skipped]:
    """Measure the wall time of a whole study, from its plan to its laws."""
    config = {"study": "gpu_benchmark", "dataset": setup.source.model_dump(mode="json"), **setup.sizes.study}
    has_ray = setup.device.type == "cuda" and find_spec("ray") is not None
    how = f"Ray, {config['resources']}" if has_ray else f"{setup.sizes.drivers} processes, without Ray"
    with temporary_folder() as folder:
        file = Path(folder, "study.yaml")
        file.write_text(json.dumps(config))
        workspace = api.Workspace(
            store=str(Path(folder, "store")), data=data_folder(), artifacts=Path(folder, "artifacts")
        )
        started = perf_counter()
        plan = api.plan(file, workspace)
        planned = perf_counter()
        case = f"{setup.name}, {plan.new} networks, {config['recipe']['epochs']} epoch"
        try:
            with _drivers(file, workspace, 0 if has_ray else setup.sizes.drivers - 1):
                outcome = api.run(file, workspace, in_process=not has_ray, quiet=True)
        except Interrupted:
            done, taken_s = len(open_store(workspace.store).ids()), perf_counter() - planned
            yield Skipped(case, f"stopped after {taken_s:.0f} s, with {done} networks trained; {how}")
            return
        trained = perf_counter()
        laws = _describe_laws(file, workspace)
        fitted = perf_counter()
    if outcome.failures:
        yield Skipped(case, f"{len(outcome.failures)} packs failed: {outcome.failures[0].reason}")
    runs = outcome.trained + outcome.trained_by_others
    rate = runs * HOUR_S / (trained - planned)
    for quantity, unit, value, remark in (
        ("runs per hour, start and end of the workers included", "1/h", rate, f"{runs} trained; {how}"),
        ("wall time of the plan", "s", planned - started, ""),
        ("wall time of the training", "s", trained - planned, how),
        ("wall time of the fit", "s", fitted - trained, laws),
    ):
        yield summarise_rounds(NAME, case, quantity, unit=unit, values=[value], note=remark)


@contextmanager
def _drivers(file: Path, workspace: api.Workspace, count: int) -> Iterator[None]:
    """Let further processes train the study meanwhile; claims share the packs of one store among them."""
    words = ["run", str(file), "--in-process", "--quiet", "--store", workspace.store]
    command = [sys.executable, "-m", "scaling", *words, "--data", str(workspace.data)]
    drivers = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(count)
    ]
    try:
        yield
    finally:
        for driver in drivers:
            driver.terminate()
        for driver in drivers:
            driver.wait()


def _describe_laws(file: Path, workspace: api.Workspace) -> str:
    try:
        fits = api.fit(str(file), workspace)
    except FitError as error:
        return f"no law: {error}"
    return f"{len(fits)} curves, verdict {', '.join(fit.verdict.choice.value for fit in fits)}"
