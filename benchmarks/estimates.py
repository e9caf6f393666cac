"""What ``scaling plan`` says that a sweep will take, beside what ``scaling run`` then takes: wall time of whole commands, in empty stores.

The estimates are from this machine's own speed where ``scaling bench`` has measured it, else from the built-in one; a note says which.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from benchmarks import processes
from benchmarks.rows import Row, over_rounds, ratios
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


def measure(rounds: int) -> list[Row]:
    rows = []
    with tempfile.TemporaryDirectory() as name:
        written = Path(name, "two_widths.yaml")
        written.write_text(json.dumps(TWO_WIDTHS))
        for case, config in (
            ("configs/quickstart.yaml", processes.ROOT / "configs" / "quickstart.yaml"),
            ("cifar10, lenet5, d1 in [4, 16]", written),
        ):
            made = plan(config, Workspace(store=str(Path(name, "none")), data=processes.data_folder()))
            note = "another machine's speed" if made.speed is default_speed() else "this machine's speed"
            estimated = [made.schedule.wall_s] * rounds
            taken = [_taken_s(config, Path(name, f"{config.stem}{nth}")) for nth in range(rounds)]
            rows.append(over_rounds(NAME, case, "wall time, estimated", "s", estimated, note=note))
            rows.append(over_rounds(NAME, case, "wall time, taken", "s", taken))
            rows.append(
                over_rounds(
                    NAME, case, "wall time taken over estimated", "", ratios(taken, estimated), note=note
                )
            )
    return rows


def _taken_s(config: Path, store: Path) -> float:
    return processes.scaling(
        "run", config, "--quiet", "--store", store, "--data", processes.data_folder()
    ).wall_s
