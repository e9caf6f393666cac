"""Other ways to train many networks on one GPU: torch.func.vmap, and one plain process for each network.

python -m benchmarks.gpu_rivals DEVICE FILTERS SECONDS SEED    # one plain process

All ways train LeNet-5 on the same images, in bf16 with weights in fp32, with SGD, and with the data set on
the device. The plain process is a loop as tutorials have it, with autocast and torch's fused optimiser.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from time import perf_counter

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.commands import ROOT
from benchmarks.gpu_setup import (
    BATCH,
    NAME,
    Setup,
    Sizes,
    Skipped,
    describe_step,
    make_setup,
    seconds_per_step,
)
from benchmarks.measurement import Measurement, summarise_rounds
from benchmarks.plain_lenet5 import LeNet5
from scaling.architectures import Lenet5
from scaling.train.device_data import load_on_device

RATE, MOMENTUM = 0.02, 0.9
PADDING = 2
PLAIN_S = 3.0
"""Seconds for which plain processes train at once."""
_START_S = 90.0
"""Longest time until all plain processes are ready."""


def measure_rivals(setup: Setup) -> Iterator[Measurement | Skipped]:
    """Measure a captured pack, vmap, and plain processes at once, with networks of one width."""
    network = Lenet5(filters=setup.sizes.rival_filters)
    case = f"{setup.name}, lenet5, d1={network.filters}"
    for R in setup.sizes.rival_replicas:
        module = setup.make_module(network, R)
        rates = [R * BATCH / seconds_per_step(setup, [module]) for _ in range(setup.sizes.rounds)]
        quantity, note = "images per second beside rivals", f"R={R}, {describe_step(module)}"
        yield summarise_rounds(NAME, case, quantity, unit="1/s", values=rates, note=note)
        yield _measure_vmap(setup, network, R, case, is_compiled=False)
    quantity, count = "images per second, one plain process a network", setup.sizes.processes
    if setup.deadline.is_over:
        yield Skipped(f"{case}: {quantity}", "no time left")
    for processes in sorted({1, count}) if count else ():
        rate = plain_processes_rate(setup, network, processes)
        note = f"{processes} at once"
        yield summarise_rounds(NAME, case, quantity, unit="1/s", values=[rate], note=note)
    if not count:
        rate = PlainTraining(setup, network, seed=0).images_per_s(setup.sizes.timed_s)
        yield summarise_rounds(NAME, case, quantity, unit="1/s", values=[rate], note="1 at once")
    for R in setup.sizes.rival_replicas if setup.device.type == "cuda" else ():
        yield _measure_vmap(setup, network, R, case, is_compiled=True)


def _measure_vmap(
    setup: Setup, network: Lenet5, R: int, case: str, *, is_compiled: bool
) -> Measurement | Skipped:
    quantity = f"images per second, torch.func.vmap, {'compiled' if is_compiled else 'eager'}"
    if setup.deadline.is_over:
        return Skipped(f"{case}, R={R}: {quantity}", "no time left")
    try:
        rates = vmap_rates(setup, network, R, is_compiled=is_compiled)
    except Exception as error:  # a compiler may be missing; the other ways still count
        reason = (str(error).splitlines() or [""])[0]
        return Skipped(f"{case}, R={R}: {quantity}", f"{type(error).__name__}: {reason}")
    return summarise_rounds(NAME, case, quantity, unit="1/s", values=rates, note=f"R={R}")


def vmap_rates(setup: Setup, network: Lenet5, R: int, *, is_compiled: bool) -> list[float]:
    """Return the images per second of R networks whose plain module is mapped over stacked weights."""
    networks = [plain_network(setup, network, seed) for seed in range(R)]
    stacked, _ = torch.func.stack_module_state(networks)
    weights = {name: value.detach() for name, value in stacked.items()}
    template = networks[0].to("meta")
    velocity = {name: torch.zeros_like(value) for name, value in weights.items()}
    step_index = torch.zeros(1, dtype=torch.int64, device=setup.device)
    batch = _batches(setup, step_index)

    def loss(weights: dict[str, Tensor], images: Tensor, labels: Tensor) -> Tensor:
        half = {name: value.bfloat16() for name, value in weights.items()}
        logits = torch.func.functional_call(template, half, (images,))
        return F.cross_entropy(logits.float(), labels)

    gradients_of = torch.func.vmap(torch.func.grad(loss), in_dims=(0, None, None))

    @torch.no_grad()
    def step() -> None:
        images, labels = batch()
        for name, gradient in gradients_of(weights, images, labels).items():
            velocity[name].mul_(MOMENTUM).add_(gradient)
            weights[name].sub_(RATE * (gradient + MOMENTUM * velocity[name]))

    if is_compiled:
        for tensor in (*weights.values(), *velocity.values(), step_index):
            # Otherwise torch uses no CUDA graph, because the step changes the tensor.
            torch._dynamo.mark_static_address(tensor)
        step = torch.compile(step, mode="reduce-overhead")
    return [_images_per_s(setup, step, R * BATCH) for _ in range(setup.sizes.rounds)]


def plain_network(setup: Setup, network: Lenet5, seed: int) -> LeNet5:
    """Return the network as a plain module on the device, in channels_last."""
    second = network.second_filters
    plain = LeNet5(1, network.filters, second, seed, padding=PADDING).to(setup.device)
    return plain.to(memory_format=torch.channels_last)


def _batches(setup: Setup, step_index: Tensor) -> Callable[[], tuple[Tensor, Tensor]]:
    """Return a function that returns the next minibatch of normalised images on the device.

    Args:
        setup: device and images.
        step_index: number of the next minibatch, on the device.
    """
    minibatches = load_on_device(setup.dataset, setup.device).batches(
        setup.make_cell(Lenet5(filters=setup.sizes.rival_filters)).recipe, 0
    )
    minibatches.load_epoch(0)

    def next_batch() -> tuple[Tensor, Tensor]:
        batch = minibatches.select(step_index)
        step_index.add_(1).remainder_(len(minibatches))
        return batch

    return next_batch


def _images_per_s(setup: Setup, step: Callable[[], object], images: int, least_s: float = 0.0) -> float:
    """Return the images per second of a step, over the least time of a measurement or longer."""
    for _ in range(5):  # the first ones warm up, or compile
        step()
    setup.synchronise()
    started, count = perf_counter(), 0
    while True:
        for _ in range(20 if setup.device.type == "cuda" else 1):
            step()
            count += 1
        setup.synchronise()
        taken_s = perf_counter() - started
        if taken_s >= max(least_s, setup.sizes.timed_s):
            return count * images / taken_s


class PlainTraining:
    """One network, trained in a plain loop."""

    def __init__(self, setup: Setup, network: Lenet5, seed: int) -> None:
        self.setup = setup
        self.batch = _batches(setup, torch.zeros(1, dtype=torch.int64, device=setup.device))
        self.network = plain_network(setup, network, seed)
        is_fused = setup.device.type == "cuda"
        self.optimiser = torch.optim.SGD(
            self.network.parameters(), lr=RATE, momentum=MOMENTUM, nesterov=True, fused=is_fused
        )

    def step(self) -> None:
        images, labels = self.batch()
        self.optimiser.zero_grad()
        with torch.autocast(self.setup.device.type, torch.bfloat16):
            logits = self.network(images)
        F.cross_entropy(logits.float(), labels).backward()
        self.optimiser.step()

    def images_per_s(self, seconds: float) -> float:
        return _images_per_s(self.setup, self.step, BATCH, seconds)


def plain_processes_rate(setup: Setup, network: Lenet5, count: int) -> float:
    """Return the images per second of plain processes that train at the same time, one network each."""
    arguments = [str(setup.device), str(network.filters), str(PLAIN_S)]
    command = [sys.executable, "-m", "benchmarks.gpu_rivals", *arguments]
    processes = [
        subprocess.Popen(
            [*command, str(seed)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for seed in range(count)
    ]
    try:
        for process in processes:
            if _read_line(process) != "ready":
                raise RuntimeError("a plain process ended before its training")
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        return sum(float(_read_line(process)) for process in processes)
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def _read_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def main() -> None:
    device, filters, seconds, seed = sys.argv[1:]
    setup = make_setup(torch.device(device), Sizes(), seconds=_START_S)
    training = PlainTraining(setup, Lenet5(filters=int(filters)), int(seed))
    training.images_per_s(0.0)
    print("ready", flush=True)
    sys.stdin.readline()
    print(training.images_per_s(float(seconds)), flush=True)


if __name__ == "__main__":
    main()
