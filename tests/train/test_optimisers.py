"""One step of a pack against torch's own optimisers, one per replica, in float64."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from scaling.config.recipe import Adam, AdamW, Sgd
from scaling.train import optimisers as pack_optimisers
from scaling.train.optimisers import PackOptimiser

R, STEPS = 5, 25
RATES = [0.1, 0.003, 0.05, 1.0, 1e-5]
DECAYS = [0.0, 0.01, 0.1, 5e-4, 1.0]
SHAPES = [(3, 4), (7,), (2, 3, 5)]
RULES = [
    Sgd(momentum=0.0, nesterov=False),
    Sgd(momentum=0.9, nesterov=False),
    Sgd(momentum=0.95, nesterov=True),
    Adam(),
    Adam(beta1=0.5, beta2=0.9, epsilon=1e-3),
    AdamW(),
    AdamW(beta1=0.0, beta2=0.99, epsilon=1e-5),
]


def random_tensor(generator: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def torch_optimiser(
    rule: Sgd | Adam | AdamW, parameters: list[nn.Parameter], rate: float, decay: float
) -> torch.optim.Optimizer:
    if isinstance(rule, Sgd):
        return torch.optim.SGD(
            parameters, lr=rate, momentum=rule.momentum, nesterov=rule.nesterov, weight_decay=decay
        )
    kind = torch.optim.AdamW if isinstance(rule, AdamW) else torch.optim.Adam
    return kind(parameters, lr=rate, betas=(rule.beta1, rule.beta2), eps=rule.epsilon, weight_decay=decay)


def take_step(optimiser: PackOptimiser, step: int) -> None:
    optimiser.select(torch.tensor([step]))
    optimiser.step()


@pytest.mark.parametrize("decays", [DECAYS, [0.0] * R], ids=["decays", "no decay"])
@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_each_replica_steps_as_with_torchs_optimiser_alone(rule, decays):
    generator = torch.Generator().manual_seed(1)
    packed = [nn.Parameter(random_tensor(generator, R, *shape)) for shape in SHAPES]
    alone = [[nn.Parameter(p[r].detach().clone()) for p in packed] for r in range(R)]
    pack = PackOptimiser(packed, rule, learning_rates=RATES, weight_decays=decays)
    torch_optimisers = [torch_optimiser(rule, alone[r], RATES[r], decays[r]) for r in range(R)]
    factors = [1 / (1 + step) for step in range(STEPS)]
    pack.load_schedule(factors)
    for step, lr_factor in enumerate(factors):
        for p, *singles in zip(packed, *alone, strict=True):
            p.grad = random_tensor(generator, *p.shape)
            for r, single in enumerate(singles):
                single.grad = p.grad[r].clone()
        take_step(pack, step)
        for r, optimiser in enumerate(torch_optimisers):
            optimiser.param_groups[0]["lr"] = RATES[r] * lr_factor
            optimiser.step()
    for p, *singles in zip(packed, *alone, strict=True):
        torch.testing.assert_close(
            p.detach(), torch.stack([single.detach() for single in singles]), rtol=1e-12, atol=1e-14
        )


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_scales_multiply_the_learning_rates_of_parameters(rule):
    """Scales act as torch's parameter groups do; the weight decay is divided by the scale."""
    generator, scales = torch.Generator().manual_seed(1), [4.0, 1.0, 0.25]
    packed = [nn.Parameter(random_tensor(generator, R, *shape)) for shape in SHAPES]
    alone = [[nn.Parameter(p[r].detach().clone()) for p in packed] for r in range(R)]
    pack = PackOptimiser(packed, rule, learning_rates=RATES, weight_decays=DECAYS, scales=scales)
    torch_optimisers = [
        [
            torch_optimiser(rule, [p], RATES[r] * scale, DECAYS[r] / scale)
            for p, scale in zip(alone[r], scales, strict=True)
        ]
        for r in range(R)
    ]
    pack.load_schedule([1.0] * STEPS)
    for step in range(STEPS):
        for p, *singles in zip(packed, *alone, strict=True):
            p.grad = random_tensor(generator, *p.shape)
            for r, single in enumerate(singles):
                single.grad = p.grad[r].clone()
        take_step(pack, step)
        for optimisers in torch_optimisers:
            for optimiser in optimisers:
                optimiser.step()
    for p, *singles in zip(packed, *alone, strict=True):
        torch.testing.assert_close(
            p.detach(), torch.stack([single.detach() for single in singles]), rtol=1e-12, atol=1e-14
        )


def test_parameters_without_a_gradient_do_not_change():
    one, other = nn.Parameter(torch.ones(2, 3)), nn.Parameter(torch.ones(2, 3))
    one.grad = torch.ones(2, 3)
    PackOptimiser([one, other], Sgd(), learning_rates=[1.0, 1.0], weight_decays=[1.0, 1.0]).step()
    assert (other == 1).all()
    assert (one != 1).all()


@pytest.mark.parametrize("replica", range(R))
@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_a_replica_does_not_depend_on_the_others(replica, rule):
    """Learning rates, decays and gradients of other replicas, infinite ones too, change none of its bits."""
    ends = []
    for stranger, rate, decay in ((1.0, 0.1, 0.5), (float("nan"), 1e30, 1e30)):
        parameter = nn.Parameter(torch.linspace(-1, 1, R * 12).view(R, 3, 4))
        is_own = torch.arange(R) == replica
        rates, decays = torch.where(is_own, 0.01, rate).tolist(), torch.where(is_own, 0.1, decay).tolist()
        optimiser = PackOptimiser([parameter], rule, learning_rates=rates, weight_decays=decays)
        optimiser.load_schedule([1.0] * 3)
        for step in range(3):
            parameter.grad = torch.where(is_own.view(R, 1, 1), torch.cos(parameter.detach()), stranger)
            take_step(optimiser, step)
        ends.append(parameter.detach()[replica])
    assert torch.equal(*ends)


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_masked_elements_stay_zero_and_others_step_as_without_a_mask(rule):
    start = torch.linspace(-1, 1, R * 12).view(R, 3, 4)
    mask = torch.rand(R, 3, 4, generator=torch.Generator().manual_seed(1)) < 0.5
    masked, free = nn.Parameter(start * mask), nn.Parameter(start.clone())
    optimisers = [
        PackOptimiser([parameter], rule, learning_rates=RATES, weight_decays=DECAYS, masks=masks)
        for parameter, masks in ((masked, [mask]), (free, [None]))
    ]
    for optimiser in optimisers:
        optimiser.load_schedule([1.0] * STEPS)
    for step in range(STEPS):
        masked.grad = free.grad = torch.cos(start + step)
        for optimiser in optimisers:
            take_step(optimiser, step)
    assert torch.equal(masked.detach(), free.detach() * mask)


def test_a_closure_runs_with_gradients_and_its_loss_is_returned():
    parameter = nn.Parameter(torch.ones(2, 3))

    def closure() -> Tensor:
        loss = parameter.square().sum()
        loss.backward()
        return loss

    loss = PackOptimiser(
        [parameter], Sgd(momentum=0.0, nesterov=False), learning_rates=[0.5, 0.25], weight_decays=[0.0, 0.0]
    ).step(closure)
    assert loss.item() == 6
    torch.testing.assert_close(parameter.detach(), torch.tensor([[0.0] * 3, [0.5] * 3]))


@pytest.mark.parametrize("rule", [Adam(), AdamW()], ids=repr)
def test_a_schedule_that_is_loaded_in_parts_gives_the_bits_of_one_that_is_loaded_whole(rule):
    """Adam's bias corrections depend on the steps before a part."""
    factors = [1.0, 0.5, 0.25, 0.125]
    ends = []
    for size in (4, 2):
        parameter = nn.Parameter(torch.linspace(-1, 1, R * 12).view(R, 3, 4))
        optimiser = PackOptimiser([parameter], rule, learning_rates=RATES, weight_decays=DECAYS)
        for first in range(0, len(factors), size):
            optimiser.load_schedule(factors[first : first + size], completed_steps=first)
            for step in range(size):
                parameter.grad = torch.cos(parameter.detach())
                take_step(optimiser, step)
        ends.append(parameter.detach())
    assert torch.equal(*ends)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("decays", [DECAYS, [0.0] * R], ids=["decays", "no decay"])
@pytest.mark.parametrize("nesterov", [False, True])
def test_one_pass_over_the_weights_gives_the_bits_of_torchs_operations(nesterov, decays, dtype, monkeypatch):
    """Gradients in another order of memory are read in the order of the parameters."""
    outcomes = []
    for one_pass in (True, False):
        generator = torch.Generator().manual_seed(3)
        parameters = [nn.Parameter(random_tensor(generator, R, *shape).to(dtype)) for shape in SHAPES]
        rule = Sgd(momentum=0.9, nesterov=nesterov)
        optimiser = PackOptimiser(parameters, rule, learning_rates=RATES, weight_decays=decays)
        if not one_pass:
            monkeypatch.setattr(pack_optimisers, "supports", lambda parameter: False)
        for _ in range(STEPS):
            for parameter in parameters:
                gradient = random_tensor(generator, *reversed(parameter.shape)).to(dtype)
                parameter.grad = gradient.permute(*reversed(range(gradient.ndim)))
            optimiser.step()
        outcomes.append([*parameters, *(optimiser.state[p]["momentum"] for p in parameters)])
    assert all(torch.equal(*both) for both in zip(*outcomes, strict=True))
