"""A study of a thousand networks on a GPU, planned, trained and fitted through the public interface."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

from benchmarks.commands import data_folder
from benchmarks.gpu_setup import NAME, Setup, Skipped
from benchmarks.measurement import Measurement, summarise_rounds
from scaling import api
from scaling.errors import FitError
from scaling.interruption import Interrupted
from scaling.temporary_folder import temporary_folder

HOUR_S = 3600


def measure_study(setup: Setup) -> Iterator[Measurement | Skipped]:
    """Measure the wall time of a whole study, from its plan to its laws."""
    config = {"study": "gpu_benchmark", "dataset": setup.source.model_dump(mode="json"), **setup.sizes.study}
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
            outcome = api.run(file, workspace, in_process=setup.device.type == "cpu", quiet=True)
        except Interrupted:
            done = len(workspace.stores().ids())
            yield Skipped(
                case, f"stopped after {perf_counter() - started:.0f} s, with {done} networks trained"
            )
            return
        trained = perf_counter()
        laws = _describe_laws(file, workspace)
        fitted = perf_counter()
    if outcome.failures:
        yield Skipped(case, f"{len(outcome.failures)} packs failed: {outcome.failures[0].reason}")
    rate = outcome.trained * HOUR_S / (trained - planned)
    note = f"{outcome.trained} trained, {config.get('resources', 'one process')}"
    for quantity, unit, value, remark in (
        ("runs per hour, start and end of the workers included", "1/h", rate, note),
        ("wall time of the plan", "s", planned - started, ""),
        ("wall time of the training", "s", trained - planned, note),
        ("wall time of the fit", "s", fitted - trained, laws),
    ):
        yield summarise_rounds(NAME, case, quantity, unit=unit, values=[value], note=remark)


def _describe_laws(file: Path, workspace: api.Workspace) -> str:
    try:
        fits = api.fit(str(file), workspace)
    except FitError as error:
        return f"no law: {error}"
    return f"{len(fits)} curves, verdict {', '.join(fit.verdict.choice.value for fit in fits)}"
