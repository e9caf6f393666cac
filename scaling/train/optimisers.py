"""Optimisers with one learning rate and one weight decay per replica.

torch's optimisers have one number per parameter group, and a parameter of a pack holds all replicas. The
arithmetic is torch's; tests compare the two.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from scaling.config.recipe import Adam, AdamW, Sgd


class _Rates(NamedTuple):
    """Rates of the replicas for one parameter, in its type, with its number of axes."""

    learning_rate: Tensor
    weight_decay: Tensor


def initial_state(rule: Sgd | Adam | AdamW, parameter: Tensor) -> dict[str, Tensor]:
    """Return the optimiser's tensors for a parameter before the first step."""
    zeros = torch.zeros_like(parameter)
    match rule:
        case Sgd(momentum=momentum):
            return {"momentum": zeros} if momentum else {}
        case Adam() | AdamW():
            return {"step": torch.zeros(()), "first": zeros, "second": zeros.clone()}


class PackOptimiser(torch.optim.Optimizer):
    """One optimiser step of every replica.

    A group's ``lr`` is the schedule's factor times the scale of the group's parameters; the replicas'
    learning rates multiply it.

    Args:
        parameters: parameters with the replicas as their first axis.
        rule: optimiser of the recipe.
        learning_rates: learning rate of each replica: [R].
        weight_decays: weight decay of each replica: [R].
        scales: factor of each parameter's learning rate, in the order of the parameters; the weight decay is
            divided by the factor. By default all are 1.
        masks: False for the elements of each parameter that are set to 0 after each step; None for a
            parameter without such elements.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        rule: Sgd | Adam | AdamW,
        *,
        learning_rates: Sequence[float],
        weight_decays: Sequence[float],
        scales: Iterable[float] = repeat(1.0),
        masks: Iterable[Tensor | None] = repeat(None),
    ) -> None:
        parameters = list(parameters)
        self.masks = [
            (parameter, mask) for parameter, mask in zip(parameters, masks, strict=False) if mask is not None
        ]
        groups: defaultdict[float, list[nn.Parameter]] = defaultdict(list)
        for parameter, scale in zip(parameters, scales, strict=False):
            groups[scale].append(parameter)
        super().__init__(
            [
                {"params": members, "lr": scale, "scale": scale, "converted_lr": None}
                for scale, members in groups.items()
            ],
            {},
        )
        self.rule = rule
        device = self.param_groups[0]["params"][0].device
        self.learning_rates = torch.tensor(learning_rates, dtype=torch.float64, device=device)
        for group in self.param_groups:
            decays = torch.tensor(weight_decays, dtype=torch.float64, device=device)
            group["weight_decays"] = decays / group["lr"]
        self.has_weight_decay = any(weight_decays)
        for parameter in parameters:
            self.state[parameter] = initial_state(rule, parameter)

    def set_lr_factor(self, factor: float) -> None:
        """Set the factor of a schedule for the next step."""
        for group in self.param_groups:
            group["lr"] = group["scale"] * factor

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            # The step of a narrow pack is mostly the start of operations, so that a constant rate is
            # converted once a training.
            if group["lr"] != group["converted_lr"]:
                group["converted_lr"], group["rates"] = group["lr"], self._convert_rates(group)
            for parameter, (rate, decay) in zip(group["params"], group["rates"], strict=True):
                if parameter.grad is not None:
                    self._update(parameter, parameter.grad, rate, decay)
        for parameter, mask in self.masks:
            parameter.mul_(mask)
        return loss

    def _convert_rates(self, group: dict[str, Any]) -> list[_Rates]:
        """Return the replicas' rates for each parameter of a group, in the parameters' type and shape."""
        dtype = group["params"][0].dtype
        rates = (self.learning_rates * group["lr"]).to(dtype)
        decays = group["weight_decays"].to(dtype)
        shapes = [(-1, *[1] * (parameter.ndim - 1)) for parameter in group["params"]]
        return [_Rates(rates.view(shape), decays.view(shape)) for shape in shapes]

    def _update(self, parameter: Tensor, gradient: Tensor, rate: Tensor, decay: Tensor) -> None:
        state = self.state[parameter]
        match self.rule:
            case Sgd(momentum=momentum, nesterov=nesterov):
                if self.has_weight_decay:
                    gradient = gradient + decay * parameter
                if momentum:
                    state["momentum"].mul_(momentum).add_(gradient)
                    gradient = gradient + momentum * state["momentum"] if nesterov else state["momentum"]
                parameter.sub_(rate * gradient)
            case (
                Adam(beta1=beta1, beta2=beta2, epsilon=epsilon)
                | AdamW(beta1=beta1, beta2=beta2, epsilon=epsilon)
            ):
                state["step"] += 1
                steps = state["step"].item()
                if self.has_weight_decay and isinstance(self.rule, AdamW):
                    parameter.mul_(1 - rate * decay)
                elif self.has_weight_decay:
                    gradient = gradient + decay * parameter
                state["first"].lerp_(gradient, 1 - beta1)
                state["second"].mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
                scale = (state["second"] / (1 - beta2**steps)).sqrt_().add_(epsilon)
                parameter.sub_(rate / (1 - beta1**steps) * state["first"] / scale)
