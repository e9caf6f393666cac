"""Images a second of captured packs on a GPU, and the share of its matrix-product rate."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from time import perf_counter

import torch

from benchmarks.gpu_setup import BATCH, NAME, EnterStream, Setup, Skipped, describe_step, seconds_per_step
from benchmarks.measurement import Measurement, summarise_rounds
from scaling.architectures import Lenet5
from scaling.plan.pack_memory import torch_bytes
from scaling.train.module import PackModule

TERA = 1e12
_MEMORY_SHARE = 0.9
"""Share of the free memory that a pack may need."""
_PRODUCTS = 20


def measure_speed(setup: Setup) -> Iterator[Measurement | Skipped]:
    """Measure each width with each number of networks, in alternation with matrix products."""
    for filters in setup.sizes.filters:
        for R in setup.sizes.replicas:
            network = Lenet5(filters=filters)
            case = f"{setup.name}, lenet5, d1={filters}"
            needed = torch_bytes(setup.make_cell(network), R)
            if setup.deadline.is_over:
                yield Skipped(f"{case}, R={R}", "no time left")
            elif needed > _MEMORY_SHARE * setup.free_bytes():
                yield Skipped(f"{case}, R={R}", f"needs up to {needed / 2**30:.3g} GiB")
            else:
                yield from _measure_pack(setup, network, R, case)


def _measure_pack(setup: Setup, network: Lenet5, R: int, case: str) -> Iterator[Measurement]:
    module = setup.make_module(network, R)
    rates, shares, products = [], [], []
    flops = network.layer_table(setup.dataset.info.image).training_flops
    for _ in range(setup.sizes.rounds):
        products.append(matrix_product_rate(setup))
        rates.append(R * BATCH / seconds_per_step(setup, [module]))
        shares.append(100 * rates[-1] * flops / products[-1])
    note = f"R={R}, {describe_step(module)}"
    summarise = partial(summarise_rounds, NAME, case)
    yield summarise("images per second", unit="1/s", values=rates, note=note)
    yield summarise("share of the matrix-product rate", unit="%", values=shares, note=note)
    if setup.sizes.replicas[0] == R:
        tera = [rate / TERA for rate in products]
        yield summarise("matrix-product rate, bf16", unit="TFLOP/s", values=tera)
        yield from _measure_variants(setup, network, R, case)


def _measure_variants(setup: Setup, network: Lenet5, R: int, case: str) -> Iterator[Measurement]:
    """Measure the step without its parts: the capture, bf16, and cuDNN's deterministic kernels."""
    module = setup.make_module(network, R)
    base_s = seconds_per_step(setup, [module])
    eager = setup.make_module(network, R)
    eager.captured_step = None
    variants = {
        "not captured": lambda: seconds_per_step(setup, [eager]),
        "fp32": lambda: seconds_per_step(setup, [setup.make_module(network, R, precision="fp32")]),
        "cuDNN chooses any kernel": lambda: _with_any_kernel(setup, network, R),
    }
    for name, measure in variants.items():
        value = measure() / base_s
        yield summarise_rounds(
            NAME, case, f"relative time of a step: {name}", unit="", values=[value], note=f"R={R}"
        )


def _with_any_kernel(setup: Setup, network: Lenet5, R: int) -> float:
    with torch.backends.cudnn.flags(enabled=True, benchmark=True, deterministic=False, allow_tf32=False):
        return seconds_per_step(setup, [setup.make_module(network, R)])


def measure_packs_at_once(setup: Setup) -> Iterator[Measurement | Skipped]:
    """Measure several packs of eight networks in one process, each on a stream of its own."""
    network, R = Lenet5(filters=setup.sizes.rival_filters), setup.sizes.rival_replicas[0]
    modules: list[PackModule] = []
    streams: list[EnterStream] = []
    for count in setup.sizes.packs_at_once:
        case = f"{setup.name}, lenet5, d1={network.filters}, {count} packs at once in one process"
        if setup.deadline.is_over:
            yield Skipped(case, "no time left")
            continue
        for _ in range(count - len(modules)):
            modules.append(setup.make_module(network, R))
            streams.append(setup.new_stream())
        images = count * R * BATCH
        rates = [images / seconds_per_step(setup, modules, streams) for _ in range(setup.sizes.rounds)]
        yield summarise_rounds(NAME, case, "images per second", unit="1/s", values=rates, note=f"R={R}")


def matrix_product_rate(setup: Setup) -> float:
    """Return the FLOP/s of the fastest square matrix product in bf16, into a kept result."""
    best = 0.0
    for side in setup.sizes.matrix_sides:
        first, second = torch.randn(2, side, side, device=setup.device).bfloat16()
        out = torch.empty_like(first)
        for count in (3, _PRODUCTS):  # the first ones warm up
            setup.synchronise()
            started = perf_counter()
            for _ in range(count):
                torch.mm(first, second, out=out)
            setup.synchronise()
        best = max(best, count * 2 * side**3 / (perf_counter() - started))
    return best
