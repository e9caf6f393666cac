"""What all parts of the GPU benchmark share: device, sizes, images, packs and timed steps."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from time import monotonic, perf_counter
from typing import Any

import torch

from benchmarks.commands import data_folder
from scaling.architectures import AnyArchitecture
from scaling.config import Cell, Recipe
from scaling.data import LoadedDataset, load
from scaling.datasets import Synthetic
from scaling.datasets.mnist import Mnist
from scaling.errors import DataError
from scaling.plan.packs import Pack
from scaling.train.device_data import load_on_device
from scaling.train.module import PackModule

NAME = "gpu"
BATCH = 100
WARM_UP_STEPS = 8
"""Steps before a measurement; the capture is among them."""


EnterStream = Callable[[], AbstractContextManager[object]]


@dataclass(frozen=True)
class Skipped:
    """A case that was not measured."""

    case: str
    reason: str


class Deadline:
    """End of the time of a part."""

    def __init__(self, seconds: float) -> None:
        self.end_s = monotonic() + seconds

    @property
    def left_s(self) -> float:
        return self.end_s - monotonic()

    @property
    def is_over(self) -> bool:
        return self.left_s <= 0


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Sizes of all cases: those for a GPU, or toy sizes for a CPU."""

    filters: tuple[int, ...] = (6, 24, 1, 96)
    replicas: tuple[int, ...] = (8, 64, 256, 1)
    matrix_sides: tuple[int, ...] = (4096, 8192)
    packs_at_once: tuple[int, ...] = (1, 4, 16)
    oracle_steps: int = 20
    oracle_filters: int = 6
    oracle_replicas: int = 4
    rival_filters: int = 6
    rival_replicas: tuple[int, ...] = (8, 64)
    processes: int = 16
    """Plain processes at once; 0 to run the plain training in this process."""
    drivers: int = 8
    """Processes that share the study's packs if Ray is not installed."""
    timed_s: float = 0.3
    """Least time of a measurement."""
    rounds: int = 3
    images: int = 60_000
    study: dict[str, Any] = field(
        default_factory=lambda: {
            "architectures": [
                {"type": "lenet5", "filters": [1, 2, 4, 8, 16], "recipe": {"learning_rate": 0.08}}
            ],
            "recipe": {"epochs": 1, "precision": "bf16"},
            "seeds": 200,
            "resources": {"gpus": 0.125, "workers": 8},
        }
    )


TOY = Sizes(
    filters=(1,),
    replicas=(2, 1),
    matrix_sides=(64,),
    packs_at_once=(1, 2),
    oracle_steps=4,
    oracle_filters=2,
    oracle_replicas=2,
    rival_filters=1,
    rival_replicas=(2,),
    processes=0,
    drivers=1,
    timed_s=0.0,
    rounds=1,
    images=400,
    study={
        "architectures": [{"type": "lenet5", "filters": [1, 2, 3, 4], "recipe": {"learning_rate": 0.08}}],
        "recipe": {"epochs": 1, "precision": "fp32"},
        "seeds": 2,
    },
)


@dataclass(frozen=True, kw_only=True)
class Setup:
    """Device, sizes, images, and the time that is left."""

    device: torch.device
    sizes: Sizes
    dataset: LoadedDataset
    source: Mnist | Synthetic
    deadline: Deadline

    @property
    def name(self) -> str:
        """Name of the images in a case."""
        return "mnist" if isinstance(self.source, Mnist) else "synthetic images"

    def make_cell(self, architecture: AnyArchitecture, **recipe: Any) -> Cell:
        settings = {"epochs": 1, "batch_size": BATCH, "precision": "bf16", "learning_rate": 0.02} | recipe
        return Cell(
            dataset=self.source, info=self.dataset.info, architecture=architecture, recipe=Recipe(**settings)
        )

    def make_module(
        self, architecture: AnyArchitecture, R: int, *, device: torch.device | None = None, **recipe: Any
    ) -> PackModule:
        """Return R networks that share each minibatch, ready for the first step of an epoch."""
        device, cell = device or self.device, self.make_cell(architecture, **recipe)
        pack = Pack(cell, tuple(cell.run(seed) for seed in range(R)), R)
        data = load_on_device(self.dataset, device)
        module = PackModule(
            pack,
            data.batches(cell.recipe, 0),
            test=data.test_split(cell.recipe),
            validation=None,
            on_step_end=lambda: None,
            on_epoch_end=lambda epoch: None,
        )
        module.load_epoch()
        return module

    def synchronise(self) -> None:
        """Wait until the device has done everything."""
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def new_stream(self) -> EnterStream:
        """Return a function that enters a new stream; on a CPU, a function that does nothing."""
        if self.device.type != "cuda":
            return nullcontext
        stream = torch.cuda.Stream()
        return lambda: torch.cuda.stream(stream)

    def free_bytes(self) -> float:
        """Return the memory that is left on the GPU; no limit on a CPU."""
        if self.device.type != "cuda":
            return float("inf")
        gc.collect()  # a module and its captured step refer to each other
        torch.cuda.empty_cache()
        return float(torch.cuda.mem_get_info()[0])


def make_setup(device: torch.device, sizes: Sizes, seconds: float) -> Setup:
    """Return the setup of a part, with MNIST or, if it is absent or sizes are small, images of its size."""
    source: Mnist | Synthetic = Mnist()
    if sizes.images < 60_000:
        source = Synthetic(size=sizes.images, test_size=100, side=28)
    try:
        dataset = load(source, folder=data_folder())
    except DataError:
        source = Synthetic(size=sizes.images, test_size=10_000, side=28)
        dataset = load(source, folder=data_folder())
    return Setup(device=device, sizes=sizes, dataset=dataset, source=source, deadline=Deadline(seconds))


def seconds_per_step(
    setup: Setup, modules: Sequence[PackModule], streams: Sequence[EnterStream] = (nullcontext,)
) -> float:
    """Return the seconds of one step of all modules, which take turns.

    Args:
        setup: device and least time.
        modules: packs with equally many steps in an epoch.
        streams: stream of each module; by default the current stream.
    """
    length = modules[0].steps_per_epoch

    def run(count: int) -> float:
        for module in modules:
            module.step_index.zero_()
        setup.synchronise()
        started = perf_counter()
        for _ in range(count):
            for module, stream in zip(modules, streams, strict=True):
                with stream():
                    module.step()
        setup.synchronise()
        return perf_counter() - started

    run(min(WARM_UP_STEPS, length))
    count = min(length, 4)
    while True:
        taken_s = run(count)
        if taken_s >= setup.sizes.timed_s or count == length:
            return taken_s / count
        count = min(length, max(2 * count, int(1.2 * count * setup.sizes.timed_s / taken_s)))


def describe_step(module: PackModule) -> str:
    """Return how the steps of a module run."""
    captured = module.captured_step
    return "captured" if captured is not None and captured.is_captured else "not captured"
