"""Memory: what two workers share of the data, and a pack's peak beside what ``plan`` predicts.

Shared: two processes train on CIFAR-10 at once, by the function that workers call. The proportional set sizes of the mapped files, in which a
page counts for each process by the share that it has of it, add up to one copy of the data; a private copy would be anonymous memory, by which
each process may grow while it opens the data for a second time and touches all of them.

Peak: the growth of a process' high-water mark while it trains a pack, all pages of the data having been touched before.

Run by themselves, the processes are ``python -m benchmarks.memory CONFIG``: they train the study's first pack, print what they saw, and
wait for their input to be closed.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.processes import ROOT, data_folder
from benchmarks.rows import Row, over_rounds
from scaling.api import Workspace, plan
from scaling.architectures import AnyArchitecture, Lenet5, Tree3
from scaling.data import load
from scaling.data.load import cache_folder
from scaling.datasets import Cifar10

NAME = "memory"
MIB = 2**20
WORKERS = 2
NETWORKS: tuple[AnyArchitecture, ...] = (
    Lenet5(filters=6),
    Lenet5(filters=48),
    Lenet5(filters=6, hidden=(3000, 3000)),
    Tree3(filters=6),
    Tree3(filters=15),
)
TRAIN_IMAGES = 1000
"""Enough for a peak: what a step and an evaluation need doesn't grow with their number."""


def measure(rounds: int) -> list[Row]:
    rows = [
        over_rounds(
            NAME,
            f"cifar10, {WORKERS} workers",
            "data in memory, mapped and private, all together",
            "copies",
            [_copies() for _ in range(rounds)],
        )
    ]
    for network in NETWORKS:
        seen = [_trained([_study(network, TRAIN_IMAGES)])[0] for _ in range(rounds)]
        case = f"cifar10, {network.type}, filters={network.filters}" + (
            f", hidden={list(network.hidden)}" if _unusual(network) else ""
        )
        predicted = seen[0]["predicted_bytes"]
        rows += [
            over_rounds(NAME, case, "peak of a pack", "MiB", [s["peak_bytes"] / MIB for s in seen]),
            over_rounds(NAME, case, "peak of a pack, predicted", "MiB", [predicted / MIB]),
            over_rounds(
                NAME, case, "predicted over measured peak", "", [predicted / s["peak_bytes"] for s in seen]
            ),
        ]
    return rows


def _unusual(network: AnyArchitecture) -> bool:
    return isinstance(network, Lenet5) and network.hidden != Lenet5(filters=1).hidden


def _copies() -> float:
    """Of the data, in the memory of all workers together."""
    place = cache_folder(load(Cifar10(), folder=data_folder()).info, None)
    size = sum(file.stat().st_size for file in place.glob("*_images.npy"))
    return (
        sum(
            seen["mapped_bytes"] + seen["private_bytes"]
            for seen in _trained([_study(Lenet5(filters=3), None)] * WORKERS)
        )
        / size
    )


def _study(network: AnyArchitecture, train_images: int | None) -> str:
    dataset = {"type": "cifar10"} | ({"train_images": train_images} if train_images else {})
    architecture = {"type": network.type, "filters": network.filters} | (
        {"hidden": list(network.hidden)} if _unusual(network) else {}
    )
    return json.dumps(
        {"study": "memory", "dataset": dataset, "architectures": [architecture], "recipe": {"epochs": 1}}
    )


def _trained(studies: list[str]) -> list[dict[str, float]]:
    """Train the first pack of each study, all at once, and see what their processes hold while all of them still live."""
    with tempfile.TemporaryDirectory() as name:
        workers = []
        for nth, study in enumerate(studies):
            config = Path(name, f"study{nth}.yaml")
            config.write_text(study)
            command = [sys.executable, "-m", "benchmarks.memory", str(config)]
            workers.append(
                subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
        try:
            seen = [json.loads(worker.stdout.readline()) for worker in workers]
            return [
                one | {"mapped_bytes": mapped_bytes(worker.pid, one["data"])}
                for worker, one in zip(workers, seen, strict=True)
            ]
        finally:
            for worker in workers:
                worker.communicate()


def mapped_bytes(pid: int, folder: str) -> int:
    """Proportional set size of the files of a folder that a process has mapped."""
    return pss_bytes(Path(f"/proc/{pid}/smaps").read_text(), folder)


def pss_bytes(smaps: str, folder: str) -> int:
    """Summed over the mappings of files in a folder; ``smaps`` as Linux writes it."""
    mappings = re.split(r"^(?=[0-9a-f]+-[0-9a-f]+ )", smaps, flags=re.MULTILINE)
    mine = (mapping for mapping in mappings if f" {folder}/" in mapping.partition("\n")[0])
    return 1024 * sum(
        int(kib) for mapping in mine for kib in re.findall(r"^Pss:\s+(\d+) kB", mapping, flags=re.MULTILINE)
    )


def _status_bytes(name: str) -> int:
    return 1024 * int(
        re.search(rf"^{name}:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)[1]
    )


def _train_one(config: Path) -> None:
    """In a process of its own."""
    from scaling.train import train

    made = plan(config, Workspace(store=str(config.parent / "none"), data=data_folder()))
    pack = made.packs[0]
    load(pack.cell.dataset, folder=data_folder())  # what the libraries need for it is not of the data
    anonymous = _status_bytes("RssAnon")
    dataset = load(pack.cell.dataset, folder=data_folder())
    for split in (dataset.train, dataset.test):
        split.images.max(), split.labels.max()  # touches every page
    private = max(0, _status_bytes("RssAnon") - anonymous)
    Path("/proc/self/clear_refs").write_text("5")  # the high-water mark begins anew at what is resident now
    before = _status_bytes("VmRSS")
    train(pack, dataset)
    seen = {
        "private_bytes": private,
        "peak_bytes": _status_bytes("VmHWM") - before,
        "predicted_bytes": made.rows()[0].memory_bytes,
        "data": str(cache_folder(dataset.info, None)),
    }
    print(json.dumps(seen), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    _train_one(Path(sys.argv[1]))
