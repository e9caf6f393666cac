"""Whole sweeps compared with the peer: wall time from an empty store to the last network.

Both sides start as fresh processes and alternate. Each round has seeds of its own on both sides.
``sweep_errors`` compares the test errors of the same sweeps.

    python -m benchmarks.sweeps --dataset mnist --filters 3 --seeds 1 --epochs 1    # a small trial; nothing
    is kept
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np

from benchmarks.commands import data_folder, run_module, run_scaling
from benchmarks.measurement import Measurement, paired_ratios, summarise_rounds
from benchmarks.peer import PeerSweep
from scaling.api import Workspace, plan
from scaling.config import Cell
from scaling.data import LoadedDataset, load
from scaling.store import open_store

NAME = "sweeps"
LOADER_WORKERS = (0, 2)
"""Numbers of worker processes of the peer's loaders; the faster is used."""
HOUR_S = 3600

LEARNED_BELOW = 0.855
"""Test error of ten classes, 95 % of that of a guess, from which a network has learned nothing."""

Errors = dict[int, list[float]]
"""Test errors by the number of filters: one for each network, or the mean of each order."""


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """Sweep that both sides train."""

    dataset: str
    epochs: int
    learning_rate: float
    augmentation: dict[str, Any]
    filters: tuple[int, ...] = (3, 6, 12)
    seeds: int = 8
    """Number of seeds per round and width."""

    @property
    def runs(self) -> int:
        """Return the number of runs per round."""
        return len(self.filters) * self.seeds

    @property
    def case(self) -> str:
        """Return the name of the sweep in tables."""
        augmented = " with crop and flip" if self.augmentation else ""
        epochs = "1 epoch" if self.epochs == 1 else f"{self.epochs} epochs"
        return f"{self.dataset}{augmented}, lenet5, d1 in {list(self.filters)}, {self.seeds} seeds, {epochs}"

    def study(self, rounds: int, **recipe: Any) -> str:
        """Return the study of the first rounds, as JSON, which is YAML."""
        own_recipe = {
            "epochs": self.epochs,
            "learning_rate": self.learning_rate,
            "augmentation": self.augmentation,
        }
        return json.dumps(
            {
                "study": "benchmark",
                "dataset": {"type": self.dataset},
                "architectures": [{"type": "lenet5", "filters": list(self.filters)}],
                "recipe": own_recipe | recipe,
                "seeds": self.seeds * rounds,
            }
        )


SWEEPS = (
    Sweep(dataset="mnist", epochs=2, learning_rate=0.08, augmentation={}),
    Sweep(dataset="cifar10", epochs=1, learning_rate=0.03, augmentation={"crop": 4, "flip": True}),
)


@dataclass(frozen=True)
class SweepResult:
    """A sweep that one side has finished."""

    wall_s: float
    errors: Errors
    """Without networks that learned nothing: one of them would hide all other differences."""
    untrained: dict[int, int]
    """Networks that learned nothing, by the number of filters."""


def measure(rounds: int, sweeps: Sequence[Sweep] = SWEEPS) -> list[Measurement]:
    return [measurement for sweep in sweeps for measurement in _compare(sweep, rounds)]


def _compare(sweep: Sweep, rounds: int) -> list[Measurement]:
    """Train one sweep on both sides, in alternation."""
    walls_s: dict[str, list[float]] = {"peer": [], "scaling": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        loader_workers = _faster_loader(sweep, folder)
        for index in range(rounds):
            walls_s["scaling"].append(train_own(sweep, index, folder).wall_s)
            walls_s["peer"].append(train_peer(sweep, index, folder, loader_workers=loader_workers).wall_s)
    measurements = []
    for side, values in walls_s.items():
        note = f"{loader_workers} loader workers" if side == "peer" else ""
        rates = [sweep.runs * HOUR_S / wall_s for wall_s in values]
        measurements += [
            summarise_rounds(NAME, sweep.case, f"wall time, {side}", unit="s", values=values, note=note),
            summarise_rounds(NAME, sweep.case, f"runs per hour, {side}", unit="1/h", values=rates, note=note),
        ]
    relative = paired_ratios(walls_s["peer"], walls_s["scaling"])
    quantity = "runs per hour relative to the peer"
    return [*measurements, summarise_rounds(NAME, sweep.case, quantity, unit="", values=relative)]


def train_own(sweep: Sweep, index: int, folder: Path) -> SweepResult:
    """Train one round with this software, in an empty store.

    The stores of earlier rounds are read too, so that only this round's seeds are missing.
    """
    config, stores = folder / f"study{index}.yaml", [folder / f"store{i}" for i in range(index + 1)]
    config.write_text(sweep.study(index + 1))
    also = [argument for store in stores[:-1] for argument in ("--also", store)]
    result = run_scaling("run", config, "--quiet", "--store", stores[-1], "--data", data_folder(), *also)
    return SweepResult(result.wall_s, *own_errors(stores[-1], sweep))


def own_errors(store: Path, sweep: Sweep) -> tuple[Errors, dict[int, int]]:
    """Return the mean errors of the orders of a round's store, and the networks that learned nothing."""
    orders: dict[tuple[int, int], list[float]] = defaultdict(list)
    for run in open_store(store).runs(["filters", "order", "test_error"]).to_pylist():
        orders[run["filters"], run["order"]].append(run["test_error"])
    counts: dict[int, int] = defaultdict(int)
    untrained: dict[int, int] = defaultdict(int)
    errors: Errors = defaultdict(list)
    for (filters, _), values in orders.items():
        learned = [error for error in values if error < LEARNED_BELOW]
        counts[filters] += len(values)
        untrained[filters] += len(values) - len(learned)
        errors[filters].append(mean(learned))
    _check_complete(dict(counts), sweep)
    return errors, untrained


def train_peer(
    sweep: Sweep, index: int, folder: Path, *, loader_workers: int, in_memory: bool = False
) -> SweepResult:
    """Train one round with the peer."""
    config, answer = folder / "peer.json", folder / "errors.json"
    settings = peer_sweep(sweep, index, folder, loader_workers=loader_workers)
    config.write_text(json.dumps(asdict(replace(settings, in_memory=in_memory))))
    result = run_module("peer", config, answer)
    return SweepResult(result.wall_s, *peer_errors(answer, sweep))


def peer_errors(answer: Path, sweep: Sweep) -> tuple[Errors, dict[int, int]]:
    """Return the errors of the peer's networks, and the networks that learned nothing."""
    errors: Errors = defaultdict(list)
    for network in json.loads(answer.read_text()):
        errors[network["filters"]].append(network["test_error"])
    _check_complete({filters: len(values) for filters, values in errors.items()}, sweep)
    learned = {filters: [e for e in values if e < LEARNED_BELOW] for filters, values in errors.items()}
    return learned, {filters: len(values) - len(learned[filters]) for filters, values in errors.items()}


def peer_sweep(sweep: Sweep, index: int, folder: Path, *, loader_workers: int) -> PeerSweep:
    """Return one round of a sweep for the peer, with all numbers from this software's plan."""
    config = folder / "peer.yaml"
    config.write_text(sweep.study(1))
    cells = plan(config, Workspace(store=str(folder / "empty"), data=data_folder())).study.cells
    return convert_cells(
        cells,
        dataset=load(cells[0].dataset, folder=data_folder()),
        folder=folder,
        seeds=range(index * sweep.seeds, (index + 1) * sweep.seeds),
        loader_workers=loader_workers,
    )


def convert_cells(
    cells: Sequence[Cell], *, dataset: LoadedDataset, folder: Path, seeds: Sequence[int], loader_workers: int
) -> PeerSweep:
    """Return cells that differ in their width only, as a sweep of the peer.

    Args:
        cells: the cells.
        dataset: their data set.
        folder: folder for the arrays of the data set, which the peer reads.
        seeds: seeds of the networks.
        loader_workers: worker processes of each DataLoader.
    """
    for split in ("train", "test"):
        for part in ("images", "labels"):
            np.save(folder / f"{split}_{part}.npy", getattr(getattr(dataset, split), part))
    recipe = cells[0].recipe
    return PeerSweep(
        dataset=cells[0].dataset.type,
        images=str(folder),
        mean=dataset.mean.tolist(),
        std=dataset.std.tolist(),
        crop=recipe.augmentation.crop,
        flip=recipe.augmentation.flip,
        filters=[cell.architecture.filters for cell in cells],
        second_filters=[cell.architecture.second_filters for cell in cells],
        seeds=list(seeds),
        epochs=recipe.epochs,
        batch_size=recipe.batch_size,
        learning_rate=recipe.learning_rate,
        momentum=recipe.optimizer.momentum,
        nesterov=recipe.optimizer.nesterov,
        warmup=recipe.schedule.warmup,
        loader_workers=loader_workers,
    )


def _faster_loader(sweep: Sweep, folder: Path) -> int:
    """Return the peer's faster number of loader workers, with one network per core for one epoch."""
    trial = replace(sweep, filters=sweep.filters[:1], seeds=2, epochs=1)
    return min(
        LOADER_WORKERS, key=lambda workers: train_peer(trial, 0, folder, loader_workers=workers).wall_s
    )


def _check_complete(counts: dict[int, int], sweep: Sweep) -> None:
    if counts != dict.fromkeys(sweep.filters, sweep.seeds):
        raise RuntimeError(f"not every network was trained: {counts}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Train a small sweep on both sides; nothing is kept.")
    parser.add_argument("--dataset", choices=[sweep.dataset for sweep in SWEEPS], default="mnist")
    parser.add_argument("--filters", type=int, nargs="+", default=[3])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    sweep = next(sweep for sweep in SWEEPS if sweep.dataset == options.dataset)
    sweep = replace(sweep, filters=tuple(options.filters), seeds=options.seeds, epochs=options.epochs)
    print(*measure(options.rounds, [sweep]), sep="\n")


if __name__ == "__main__":
    main()
