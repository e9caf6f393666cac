"""Wall time that ``scaling plan`` estimates, and that of ``scaling run``: whole commands, in empty stores.

The estimates use this machine's own speed if ``scaling bench`` has measured it, and otherwise the built-in
speed. A note names the speed.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from benchmarks.commands import ROOT, data_folder, run_scaling
from benchmarks.measurement import Measurement, paired_ratios, summarise_rounds
from scaling.api import Workspace, plan
from scaling.plan.speed_file import default_speed

NAME = "estimates"
TWO_WIDTHS = {
    "study": "estimates",
    "dataset": {"type": "cifar10"},
    "architectures": [{"type": "lenet5", "filters": [4, 16]}],
    "recipe": {"epochs": 2, "augmentation": {"crop": 4, "flip": True}},
    "seeds": 8,
}


def measure(rounds: int) -> list[Measurement]:
    measurements = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        two_widths = folder / "two_widths.yaml"
        two_widths.write_text(json.dumps(TWO_WIDTHS))
        for case, config in (
            ("configs/quickstart.yaml", ROOT / "configs" / "quickstart.yaml"),
            ("cifar10, lenet5, d1 in [4, 16]", two_widths),
        ):
            measurements += _compare(case, config, folder, rounds=rounds)
    return measurements


def _compare(case: str, config: Path, folder: Path, *, rounds: int) -> list[Measurement]:
    study_plan = plan(config, Workspace(store=str(folder / "empty"), data=data_folder()))
    note = "another machine's speed" if study_plan.speed is default_speed() else "this machine's speed"
    estimated_s = [study_plan.schedule.wall_s] * rounds
    actual_s = [_wall_s(config, folder / f"{config.stem}{index}") for index in range(rounds)]
    relative = "actual wall time relative to the estimate"
    return [
        summarise_rounds(NAME, case, "wall time, estimated", unit="s", values=estimated_s, note=note),
        summarise_rounds(NAME, case, "wall time, actual", unit="s", values=actual_s),
        summarise_rounds(
            NAME, case, relative, unit="", values=paired_ratios(actual_s, estimated_s), note=note
        ),
    ]


def _wall_s(config: Path, store: Path) -> float:
    return run_scaling("run", config, "--quiet", "--store", store, "--data", data_folder()).wall_s
