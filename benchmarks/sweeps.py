"""Whole sweeps beside the peer's: wall time from an empty store to the last network, and equal errors.

Both sides begin as fresh processes and take turns. Each round has seeds of its own on both sides, so that rounds add up to a larger sample of
errors. Eight of this software's seeds share a minibatch order, so an order's mean counts as one observation of its side, and further orders are
trained after the rounds, untimed. In the peer no two networks share an order: there each network counts.

    python -m benchmarks.sweeps --dataset mnist --filters 3 --seeds 1 --epochs 1    # a small trial; nothing is kept
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

from benchmarks import processes
from benchmarks.equivalence import ratio_of_means
from benchmarks.peer import PeerSweep
from benchmarks.rows import Row, over_rounds, ratios
from scaling.api import Workspace, plan
from scaling.config import Cell
from scaling.data import load
from scaling.data.load import cache_folder
from scaling.store import open_store

NAME = "sweeps"
LOADER_WORKERS = (0, 2)
"""Of the peer's loaders; the faster is taken."""
HOUR_S = 3600
ORDERS = 6
"""Of minibatches that this software's errors come from, at least."""

Errors = dict[int, list[float]]
"""Test errors by filters: of each network, or the mean of each order."""


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """What both sides train."""

    dataset: str
    epochs: int
    learning_rate: float
    augmentation: dict[str, Any]
    filters: tuple[int, ...] = (3, 6, 12)
    seeds: int = 8
    """A round and width."""

    @property
    def runs(self) -> int:
        return len(self.filters) * self.seeds

    @property
    def case(self) -> str:
        augmented = " with crop and flip" if self.augmentation else ""
        epochs = "1 epoch" if self.epochs == 1 else f"{self.epochs} epochs"
        return f"{self.dataset}{augmented}, lenet5, d1 in {list(self.filters)}, {self.seeds} seeds, {epochs}"

    def study(self, rounds: int, **recipe: Any) -> str:
        """The study of all rounds so far; JSON is YAML."""
        return json.dumps(
            {
                "study": "benchmark",
                "dataset": {"type": self.dataset},
                "architectures": [{"type": "lenet5", "filters": list(self.filters)}],
                "recipe": {
                    "epochs": self.epochs,
                    "learning_rate": self.learning_rate,
                    "augmentation": self.augmentation,
                }
                | recipe,
                "seeds": self.seeds * rounds,
            }
        )


SWEEPS = (
    Sweep(dataset="mnist", epochs=2, learning_rate=0.08, augmentation={}),
    Sweep(dataset="cifar10", epochs=1, learning_rate=0.03, augmentation={"crop": 4, "flip": True}),
)


def measure(rounds: int, sweeps: Sequence[Sweep] = SWEEPS) -> list[Row]:
    return [row for sweep in sweeps for row in _beside(sweep, rounds)]


def _beside(sweep: Sweep, rounds: int) -> list[Row]:
    """One sweep on both sides, in turns; then this software's further orders."""
    walls: dict[str, list[float]] = {"peer": [], "scaling": []}
    errors: dict[str, Errors] = {"peer": defaultdict(list), "scaling": defaultdict(list)}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        workers = _faster_loader(sweep, folder)
        for nth in range(max(rounds, ORDERS)):
            sides = {"scaling": ours(sweep, nth, folder)}
            if nth < rounds:
                sides["peer"] = peers(sweep, nth, folder, loader_workers=workers)
                for side, trained in sides.items():
                    walls[side].append(trained.wall_s)
            for side, trained in sides.items():
                for filters, found in trained.errors.items():
                    errors[side][filters].extend(found)
    rows = []
    for side, wall_s in walls.items():
        note = f"{workers} loader workers" if side == "peer" else ""
        rows.append(over_rounds(NAME, sweep.case, f"wall time, {side}", "s", wall_s, note=note))
        rows.append(
            over_rounds(
                NAME,
                sweep.case,
                f"runs an hour, {side}",
                "1/h",
                [sweep.runs * HOUR_S / s for s in wall_s],
                note=note,
            )
        )
    rows.append(
        over_rounds(NAME, sweep.case, "speed over the peer's", "", ratios(walls["peer"], walls["scaling"]))
    )
    return rows + _compared(sweep, errors, rounds)


def _compared(sweep: Sweep, errors: dict[str, Errors], rounds: int) -> list[Row]:
    """Test errors of both sides, width by width."""
    rows = []
    for filters in sweep.filters:
        case = f"{sweep.case}: d1={filters}"
        for side, found in errors.items():
            low, high = min(found[filters]), max(found[filters])
            of = "orders of 8 seeds" if side == "scaling" else "seeds"
            rows.append(
                _row(
                    case,
                    f"test error, {side}: mean and extremes of {len(found[filters])} {of}",
                    mean(found[filters]),
                    low,
                    high,
                    rounds,
                )
            )
        ratio = ratio_of_means(errors["scaling"][filters], errors["peer"][filters])
        quantity = "mean test error over the peer's, 90 % interval"
        note = f"{ratio.verdict}; {len(errors['scaling'][filters])} orders and {len(errors['peer'][filters])} networks"
        rows.append(_row(case, quantity, ratio.estimate, ratio.low, ratio.high, rounds, note=note))
    return rows


def _row(
    case: str, quantity: str, value: float, low: float, high: float, rounds: int, *, note: str = ""
) -> Row:
    return Row(
        benchmark=NAME,
        case=case,
        quantity=quantity,
        unit="",
        value=value,
        low=low,
        high=high,
        rounds=rounds,
        note=note,
    )


@dataclass(frozen=True)
class Trained:
    """A sweep that one side finished."""

    wall_s: float
    errors: Errors


def ours(sweep: Sweep, nth: int, folder: Path) -> Trained:
    """This software, in an empty store. The runs of earlier rounds are read as done, so that the seeds of this one are left."""
    config, stores = folder / f"study{nth}.yaml", [folder / f"store{earlier}" for earlier in range(nth + 1)]
    config.write_text(sweep.study(nth + 1))
    also = [word for store in stores[:-1] for word in ("--also", store)]
    done = processes.scaling(
        "run", config, "--quiet", "--store", stores[-1], "--data", processes.data_folder(), *also
    )
    orders: dict[tuple[int, int], list[float]] = defaultdict(list)
    for row in open_store(stores[-1]).runs(["filters", "order", "test_error"]).to_pylist():
        orders[row["filters"], row["order"]].append(row["test_error"])
    _check(
        {
            filters: sum(len(found) for (of, _), found in orders.items() if of == filters)
            for filters, _ in orders
        },
        sweep,
    )
    errors: Errors = defaultdict(list)
    for (filters, _), found in orders.items():
        errors[filters].append(mean(found))
    return Trained(done.wall_s, errors)


def peers(sweep: Sweep, nth: int, folder: Path, *, loader_workers: int) -> Trained:
    told, answer = folder / "peer.json", folder / "errors.json"
    told.write_text(json.dumps(asdict(peer_sweep(sweep, nth, folder, loader_workers=loader_workers))))
    done = processes.module("peer", told, answer)
    errors: Errors = defaultdict(list)
    for row in json.loads(answer.read_text()):
        errors[row["filters"]].append(row["test_error"])
    _check({filters: len(found) for filters, found in errors.items()}, sweep)
    return Trained(done.wall_s, errors)


def peer_sweep(sweep: Sweep, nth: int, folder: Path, *, loader_workers: int) -> PeerSweep:
    """The same sweep in the peer's words, all numbers taken from this software's plan."""
    config = folder / "peer.yaml"
    config.write_text(sweep.study(1))
    cells = plan(config, Workspace(store=str(folder / "none"), data=processes.data_folder())).study.cells
    dataset = load(cells[0].dataset, folder=processes.data_folder())
    return in_peers_words(
        cells,
        images=cache_folder(dataset.info, None),
        mean=dataset.mean.tolist(),
        std=dataset.std.tolist(),
        seeds=range(nth * sweep.seeds, (nth + 1) * sweep.seeds),
        loader_workers=loader_workers,
    )


def in_peers_words(
    cells: Sequence[Cell],
    *,
    images: Path,
    mean: list[float],
    std: list[float],
    seeds: Sequence[int],
    loader_workers: int,
) -> PeerSweep:
    """Cells that differ in their width alone, as the peer is told."""
    recipe = cells[0].recipe
    return PeerSweep(
        dataset=cells[0].dataset.type,
        images=str(images),
        mean=mean,
        std=std,
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
    """The peer's best: one network a core, one epoch, with loaders of their own and without."""
    trial = replace(sweep, filters=sweep.filters[:1], seeds=2, epochs=1)
    return min(LOADER_WORKERS, key=lambda workers: peers(trial, 0, folder, loader_workers=workers).wall_s)


def _check(counts: dict[int, int], sweep: Sweep) -> None:
    if counts != dict.fromkeys(sweep.filters, sweep.seeds):
        raise RuntimeError(f"not every network was trained: {counts}")


def main() -> None:
    parser = argparse.ArgumentParser(description="A small trial; nothing is kept.")
    parser.add_argument("--dataset", choices=[sweep.dataset for sweep in SWEEPS], default="mnist")
    parser.add_argument("--filters", type=int, nargs="+", default=[3])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=1)
    asked = parser.parse_args()
    chosen = next(sweep for sweep in SWEEPS if sweep.dataset == asked.dataset)
    sweep = replace(chosen, filters=tuple(asked.filters), seeds=asked.seeds, epochs=asked.epochs)
    print(*measure(asked.rounds, [sweep]), sep="\n")


if __name__ == "__main__":
    main()
