"""Memory: the data that two workers hold in common, and the peak of a pack relative to its prediction.

Shared data: two processes train on CIFAR-10 at once, with the function that workers call. The proportional
set size of a
mapped file counts each page by the share of the process, so the sizes of both processes add up to one copy of
the data. A private copy would be anonymous memory: the benchmark measures by how much anonymous memory grows
while a process opens the data for a second time and touches all pages.

Peak: the growth of a process' high-water mark while it trains a pack, after it has touched all pages of the
data.

The processes are ``python -m benchmarks.memory CONFIG``. They train the study's first pack, print their
measurements, and wait until their input is closed.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from benchmarks.commands import ROOT, data_folder
from benchmarks.measurement import Measurement, summarise_rounds
from scaling.api import Workspace, plan
from scaling.architectures import AnyArchitecture, Lenet5, Tree3
from scaling.data import load
from scaling.data.cache import cache_folder
from scaling.datasets import Cifar10

NAME = "memory"
_MIB = 2**20
_WORKERS = 2
NETWORKS: tuple[AnyArchitecture, ...] = (
    Lenet5(filters=6),
    Lenet5(filters=48),
    Lenet5(filters=6, hidden=(3000, 3000)),
    Tree3(filters=6),
    Tree3(filters=15),
)
_TRAIN_IMAGES = 1000
"""Number of training images; the memory of a step and of an evaluation does not depend on it."""


def measure(rounds: int) -> list[Measurement]:
    copies = [_copies_of_the_data() for _ in range(rounds)]
    quantity = "copies of the data in memory, mapped and private"
    measurements = [summarise_rounds(NAME, f"cifar10, {_WORKERS} workers", quantity, unit="", values=copies)]
    for network in NETWORKS:
        measurements += _measure_peak(network, rounds)
    return measurements


def _measure_peak(network: AnyArchitecture, rounds: int) -> list[Measurement]:
    reports = [_train_packs([_study(network, _TRAIN_IMAGES)])[0] for _ in range(rounds)]
    hidden = f", hidden={list(network.hidden)}" if _has_own_hidden(network) else ""
    predicted = reports[0]["predicted_bytes"]
    peaks = [report["peak_bytes"] for report in reports]
    relative = [predicted / peak for peak in peaks]
    summarise = partial(summarise_rounds, NAME, f"cifar10, {network.type}, filters={network.filters}{hidden}")
    return [
        summarise("peak of a pack", unit="MiB", values=[peak / _MIB for peak in peaks]),
        summarise("predicted peak of a pack", unit="MiB", values=[predicted / _MIB]),
        summarise("predicted peak relative to the measured peak", unit="", values=relative),
    ]


def _has_own_hidden(network: AnyArchitecture) -> bool:
    return isinstance(network, Lenet5) and network.hidden != Lenet5(filters=1).hidden


def _copies_of_the_data() -> float:
    """Return the memory of all workers for the data, in units of one copy of the images."""
    folder = cache_folder(load(Cifar10(), folder=data_folder()).info, None)
    images_bytes = sum(file.stat().st_size for file in folder.glob("*_images.bin"))
    reports = _train_packs([_study(Lenet5(filters=3), None)] * _WORKERS)
    return sum(report["mapped_bytes"] + report["private_bytes"] for report in reports) / images_bytes


def _study(network: AnyArchitecture, train_images: int | None) -> str:
    dataset = {"type": "cifar10"} | ({"train_images": train_images} if train_images else {})
    architecture = {"type": network.type, "filters": network.filters}
    if _has_own_hidden(network):
        architecture["hidden"] = list(network.hidden)
    return json.dumps(
        {"study": "memory", "dataset": dataset, "architectures": [architecture], "recipe": {"epochs": 1}}
    )


def _train_packs(studies: list[str]) -> list[dict[str, float]]:
    """Train the first pack of each study, all at once, and measure while all processes are alive."""
    with tempfile.TemporaryDirectory() as folder:
        processes = []
        for index, study in enumerate(studies):
            config = Path(folder, f"study{index}.yaml")
            config.write_text(study)
            command = [sys.executable, "-m", "benchmarks.memory", str(config)]
            processes.append(
                subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
        try:
            reports = [json.loads(process.stdout.readline()) for process in processes]
            return [
                report | {"mapped_bytes": mapped_bytes(process.pid, report["data"])}
                for process, report in zip(processes, reports, strict=True)
            ]
        finally:
            for process in processes:
                process.communicate()


def mapped_bytes(pid: int, folder: str) -> int:
    """Return the proportional set size of the files of a folder that a process has mapped."""
    return proportional_bytes(Path(f"/proc/{pid}/smaps").read_text(), folder)


def proportional_bytes(smaps: str, folder: str) -> int:
    """Return the sum of the proportional set sizes of the mappings of files in a folder.

    Args:
        smaps: content of Linux's ``/proc/PID/smaps``.
        folder: absolute path of the folder.
    """
    mappings = re.split(r"^(?=[0-9a-f]+-[0-9a-f]+ )", smaps, flags=re.MULTILINE)
    of_folder = (mapping for mapping in mappings if f" {folder}/" in mapping.partition("\n")[0])
    sizes = (
        size for mapping in of_folder for size in re.findall(r"^Pss:\s+(\d+) kB", mapping, flags=re.MULTILINE)
    )
    return 1024 * sum(map(int, sizes))


def _status_bytes(name: str) -> int:
    """Return a field of this process' status."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(re.search(rf"^{name}:\s+(\d+) kB", status, re.MULTILINE)[1])


def _train_and_report(config: Path) -> None:
    """Train the first pack of a study in this process, and print its memory."""
    from scaling.train import train

    study_plan = plan(config, Workspace(store=str(config.parent / "empty"), data=data_folder()))
    pack = study_plan.packs[0]
    load(
        pack.cell.dataset, folder=data_folder()
    )  # memory that the libraries need once is not memory of the data
    anonymous_before = _status_bytes("RssAnon")
    dataset = load(pack.cell.dataset, folder=data_folder())
    for split in (dataset.train, dataset.test):
        split.images.max(), split.labels.max()  # touches every page
    private = max(0, _status_bytes("RssAnon") - anonymous_before)
    Path("/proc/self/clear_refs").write_text("5")  # resets the high-water mark to the resident memory
    resident_before = _status_bytes("VmRSS")
    train(pack, dataset)
    report = {
        "private_bytes": private,
        "peak_bytes": _status_bytes("VmHWM") - resident_before,
        "predicted_bytes": study_plan.rows()[0].memory_bytes,
        "data": str(cache_folder(dataset.info, None)),
    }
    print(json.dumps(report), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    _train_and_report(Path(sys.argv[1]))
