"""Equality of a training on a GPU with plain networks in float64 on a CPU, and of captured with eager steps.

Losses in fp32 differ from those in float64 by rounding, which the steps amplify. How far depends on the
networks and on the rates, and the same training in fp32 on a CPU shows it. A GPU adds in another order: its
largest deviation is another sample of the same size. It is called equal up to ``LIMIT`` times the CPU's. TF32
would exceed this by far: it has 13 bits less, a factor of 8192.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.gpu_setup import NAME, Setup, Skipped, describe_step
from benchmarks.measurement import Measurement, summarise_rounds
from scaling.architectures import AnyArchitecture, Lenet5, Tree3
from scaling.config.recipe import Adam, Constant, Sgd
from scaling.models import build
from scaling.models.operations import reference_operations
from scaling.train.device_data import load_on_device
from scaling.train.module import PackModule

LIMIT = 8.0
"""Largest deviation that is called equal, relative to that of a CPU in fp32."""
CPU = torch.device("cpu")
_LOSS_ROUNDING = 8 * 2.0**-24
"""Rounding of one loss alone: the exponentials, the sum and the logarithm of ten classes."""


def measure_equality(setup: Setup) -> Iterator[Measurement | Skipped]:
    """Compare losses of the first steps, and the bits of captured and eager steps."""
    cases: list[tuple[str, AnyArchitecture, Sgd | Adam, float]] = [
        ("lenet5", Lenet5(filters=setup.sizes.oracle_filters), Sgd(), 0.02),
        ("tree3", Tree3(filters=setup.sizes.oracle_filters, rows=4), Adam(), 0.003),
    ]
    for name, network, optimizer, rate in cases:
        case = f"{setup.name}, {name}, {setup.sizes.oracle_steps} steps in fp32"
        if setup.deadline.is_over:
            yield Skipped(case, "no time left")
            continue
        recipe = {
            "precision": "fp32",
            "optimizer": optimizer,
            "learning_rate": rate,
            "schedule": Constant(),
        }
        yield from _compare(setup, case, network, recipe)


def _compare(
    setup: Setup, case: str, network: AnyArchitecture, recipe: dict[str, object]
) -> Iterator[Measurement]:
    R, steps = setup.sizes.oracle_replicas, setup.sizes.oracle_steps
    expected = plain_losses(setup, network, recipe)
    on_cpu = setup.make_module(network, R, device=CPU, **recipe)
    captured, eager = (setup.make_module(network, R, **recipe) for _ in range(2))
    eager.captured_step = None
    with reference_operations():  # on the CPU too, the operations of torch that a GPU runs
        cpu, device, uncaptured = (step_losses(module, steps) for module in (on_cpu, captured, eager))
    allowed = max(_largest_deviation(cpu, expected), _LOSS_ROUNDING)
    ratio = _largest_deviation(device, expected) / allowed
    yield summarise_rounds(
        NAME,
        case,
        "largest deviation of a loss from plain networks in float64, relative to a CPU in fp32",
        unit="",
        values=[ratio],
        note=f"{'equal' if ratio <= LIMIT else 'NOT EQUAL'}; at most {LIMIT:g}, CPU {allowed:.2g}",
    )
    is_same = torch.equal(device, uncaptured) and all(
        torch.equal(one, other)
        for one, other in zip(captured.networks.parameters(), eager.networks.parameters(), strict=True)
    )
    yield summarise_rounds(
        NAME,
        case,
        "captured steps have the bits of eager steps",
        unit="",
        values=[float(is_same)],
        note=f"{'yes' if is_same else 'NO'}; {describe_step(captured)}",
    )


def step_losses(module: PackModule, steps: int) -> Tensor:
    """Return the losses of the next steps: float64, [steps, R]."""
    losses = []
    for _ in range(steps):
        module.loss.zero_()
        module.step()
        losses.append(module.loss.clone())
    return torch.stack(losses).cpu().double()


def plain_losses(setup: Setup, network: AnyArchitecture, recipe: dict[str, object]) -> Tensor:
    """Return the losses of networks that torch's optimisers train one by one in float64: [steps, R]."""
    cell = setup.make_cell(network, **recipe)
    batches = load_on_device(setup.dataset, CPU).batches(cell.recipe, 0)
    columns = []
    for seed in range(setup.sizes.oracle_replicas):
        alone = build(network, setup.dataset.info.image, [seed]).double()
        rule, rate = cell.recipe.optimizer, cell.recipe.learning_rate
        optimiser: torch.optim.Optimizer
        if isinstance(rule, Sgd):
            optimiser = torch.optim.SGD(
                alone.parameters(), lr=rate, momentum=rule.momentum, nesterov=rule.nesterov
            )
        else:
            betas = (rule.beta1, rule.beta2)
            optimiser = torch.optim.Adam(alone.parameters(), lr=rate, betas=betas, eps=rule.epsilon)
        losses = []
        for step in range(setup.sizes.oracle_steps):
            images, labels = batches.batch(0, step)
            optimiser.zero_grad()
            loss = F.cross_entropy(alone(images.double())[0], labels)
            loss.backward()
            optimiser.step()
            losses.append(loss.detach())
        columns.append(torch.stack(losses))
    return torch.stack(columns, dim=1)


def _largest_deviation(losses: Tensor, expected: Tensor) -> float:
    return float(((losses - expected) / expected).abs().max())
