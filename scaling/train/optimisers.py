"""Optimisers whose learning rate and weight decay are one number a replica.

torch's own take one number a parameter group, and a pack's parameters hold all replicas. The arithmetic is theirs, and tests compare the two.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from typing import Any

import torch
from torch import Tensor, nn

from scaling.config.recipe import Adam, AdamW, Sgd


class PackOptimiser(torch.optim.Optimizer):
    """One step of every replica. A group's ``lr`` is the schedule's share times its scale; ``rates`` and ``decays``, [R], are the replicas'.

    Args:
        scales: of each parameter's learning rate, in their order; its weight decay is over it. By default all are 1.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        rule: Sgd | Adam | AdamW,
        rates: Sequence[float],
        decays: Sequence[float],
        scales: Iterable[float] = repeat(1.0),
    ) -> None:
        groups: defaultdict[float, list[nn.Parameter]] = defaultdict(list)
        for parameter, scale in zip(parameters, scales, strict=False):
            groups[scale].append(parameter)
        super().__init__([{"params": members, "lr": scale} for scale, members in groups.items()], {})
        self.rule = rule
        device = self.param_groups[0]["params"][0].device
        self.rates = torch.tensor(rates, dtype=torch.float64, device=device)
        for group in self.param_groups:
            group["decays"] = torch.tensor(decays, dtype=torch.float64, device=device) / group["lr"]
        self.decaying = any(decays)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            rates = self.rates * group["lr"]
            for parameter in group["params"]:
                if parameter.grad is not None:
                    shape = (-1, *[1] * (parameter.ndim - 1))
                    rate, decay = (t.to(parameter.dtype).view(shape) for t in (rates, group["decays"]))
                    self.update(parameter, parameter.grad, rate, decay)
        return loss

    def update(self, parameter: Tensor, gradient: Tensor, rate: Tensor, decay: Tensor) -> None:
        state = self.state[parameter]
        match self.rule:
            case Sgd(momentum=momentum, nesterov=nesterov):
                if self.decaying:
                    gradient = gradient + decay * parameter
                if momentum:
                    if not state:
                        state["momentum"] = torch.zeros_like(parameter)
                    state["momentum"].mul_(momentum).add_(gradient)
                    gradient = gradient + momentum * state["momentum"] if nesterov else state["momentum"]
                parameter.sub_(rate * gradient)
            case (
                Adam(beta1=beta1, beta2=beta2, epsilon=epsilon)
                | AdamW(beta1=beta1, beta2=beta2, epsilon=epsilon)
            ):
                if not state:
                    state |= {
                        "step": torch.zeros(()),
                        "first": torch.zeros_like(parameter),
                        "second": torch.zeros_like(parameter),
                    }
                state["step"] += 1
                steps = state["step"].item()
                if self.decaying and isinstance(self.rule, AdamW):
                    parameter.mul_(1 - rate * decay)
                elif self.decaying:
                    gradient = gradient + decay * parameter
                state["first"].lerp_(gradient, 1 - beta1)
                state["second"].mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
                scale = (state["second"] / (1 - beta2**steps)).sqrt_().add_(epsilon)
                parameter.sub_(rate / (1 - beta1**steps) * state["first"] / scale)
