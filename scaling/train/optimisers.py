"""Optimisers with one learning rate and one weight decay per replica.

torch's optimisers have one number per parameter group, and a parameter of a pack holds all replicas. The
arithmetic is torch's; tests compare the two.

A step reads no number on the host. What changes from step to step is in a table on the device, one row a
step, so that a step can be captured as a CUDA graph.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import repeat
from math import nan
from typing import Any

import torch
from jaxtyping import Int64
from torch import Tensor, nn

from scaling.config.recipe import Adam, AdamW, Sgd
from scaling.train.momentum_step import step_with_momentum, supports


def initial_state(rule: Sgd | Adam | AdamW, parameter: Tensor) -> dict[str, Tensor]:
    """Return the optimiser's tensors for a parameter before the first step."""
    zeros = torch.zeros_like(parameter)
    match rule:
        case Sgd(momentum=momentum):
            return {"momentum": zeros} if momentum else {}
        case Adam() | AdamW():
            return {"first": zeros, "second": zeros.clone()}


_PART_NUMBERS = 2**16
"""Largest number of weights of several parameters that are updated together on a CPU."""


@dataclass(frozen=True)
class _Part:
    """Parameters that are updated together, with what their updates need."""

    parameters: list[Tensor]
    rates: list[Tensor]
    """Learning rates of the replicas, with the number of axes of each parameter."""
    weight_decays: list[Tensor]

    def with_gradients(self) -> _Part:
        """Return the parameters that have gradients."""
        if all(parameter.grad is not None for parameter in self.parameters):
            return self
        columns = (self.parameters, self.rates, self.weight_decays)
        rows = [row for row in zip(*columns, strict=True) if row[0].grad is not None]
        return _Part(*(list(column) for column in zip(*rows, strict=True))) if rows else _Part([], [], [])


def _split(parameters: Sequence[nn.Parameter]) -> list[list[nn.Parameter]]:
    """Split parameters into parts that are updated together: on a GPU all, by one kernel an operation.

    On a CPU a part stays in the cache, and its intermediate results need little memory.
    """
    parts: list[list[nn.Parameter]] = [[]]
    for parameter in parameters:
        size = sum(other.numel() for other in parts[-1]) + parameter.numel()
        if parts[-1] and size > _PART_NUMBERS and not parameter.is_cuda:
            parts.append([])
        parts[-1].append(parameter)
    return parts


class PackOptimiser(torch.optim.Optimizer):
    """One optimiser step of every replica.

    The learning rate of a parameter is that of its replica, times the schedule's factor, times the scale of
    the parameter's group.

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
        super().__init__([{"params": members, "scale": scale} for scale, members in groups.items()], {})
        self.rule = rule
        self.learning_rates = torch.tensor(learning_rates, dtype=torch.float64)
        self.weight_decays = torch.tensor(weight_decays, dtype=torch.float64)
        self.has_weight_decay = any(weight_decays)
        for parameter in parameters:
            self.state[parameter] = initial_state(rule, parameter)
        like = parameters[0].detach()
        width = len(groups) * len(learning_rates) + 2
        self._table = like.new_empty(0, width)
        self._row = like.new_empty(1, width)
        """Row of the current step: the rates [groups, R], then the bias corrections of Adam."""
        *rates, self._first_correction, self._second_correction = [
            *self._row[0, :-2].view(len(groups), -1),
            *self._row[0, -2:],
        ]
        self._parts: list[_Part] = []
        for (scale, members), rate in zip(groups.items(), rates, strict=True):
            decay = (self.weight_decays / scale).to(like)
            for part in _split(members):
                shapes = [(-1, *[1] * (parameter.ndim - 1)) for parameter in part]
                columns = ([values.view(shape) for shape in shapes] for values in (rate, decay))
                self._parts.append(_Part(list(part), *columns))
        self.load_schedule([1.0])
        self.select(torch.zeros(1, dtype=torch.int64, device=like.device))
        if isinstance(rule, Adam | AdamW):
            self._row[0, -2:] = nan  # they change in each step, so a row has to be selected

    def load_schedule(self, factors: Sequence[float], *, completed_steps: int = 0) -> None:
        """Write the table of the next steps, over that of earlier steps if it has as many rows.

        Args:
            factors: the schedule's factor of each step.
            completed_steps: number of steps before the first one of the table.
        """
        steps = range(completed_steps + 1, completed_steps + len(factors) + 1)
        corrections = torch.ones(len(factors), 2, dtype=torch.float64)
        if isinstance(self.rule, Adam | AdamW):
            betas = (self.rule.beta1, self.rule.beta2)
            corrections = torch.tensor(
                [[1 - beta**step for beta in betas] for step in steps], dtype=torch.float64
            )
        rates = [
            self.learning_rates
            * torch.tensor([[group["scale"] * factor] for factor in factors], dtype=torch.float64)
            for group in self.param_groups
        ]
        table = torch.cat([*rates, corrections], dim=1).to(self._row.dtype)
        if len(table) != len(self._table):
            self._table = table.to(self._row.device)
        else:
            self._table.copy_(table)

    @torch.no_grad()
    def select(self, step: Int64[Tensor, " 1"]) -> None:
        """Select a row of the table for the next call of ``step``, by a number on the device.

        Before the first call, the factor of the schedule is 1.
        """
        torch.index_select(self._table, 0, step, out=self._row)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for part in self._parts:
            if (trained := part.with_gradients()).parameters:
                self._update(trained)
        for parameter, mask in self.masks:
            parameter.mul_(mask)
        return loss

    def _step_with_momentum(self, part: _Part, rule: Sgd) -> None:
        for parameter, rate, decay in zip(part.parameters, part.rates, part.weight_decays, strict=True):
            if parameter.grad is not None:
                step_with_momentum(
                    parameter,
                    parameter.grad,
                    self.state[parameter]["momentum"],
                    rate,
                    decay if self.has_weight_decay else None,
                    momentum=rule.momentum,
                    nesterov=rule.nesterov,
                )

    def _update(self, part: _Part) -> None:
        parameters, rates, decays = part.parameters, part.rates, part.weight_decays
        if isinstance(self.rule, Sgd) and self.rule.momentum and all(map(supports, parameters)):
            self._step_with_momentum(part, self.rule)
            return
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        states = [self.state[parameter] for parameter in parameters]
        if self.has_weight_decay and isinstance(self.rule, AdamW):
            factors = [1 - rate * decay for rate, decay in zip(rates, decays, strict=True)]
            torch._foreach_mul_(parameters, factors)
        elif self.has_weight_decay:
            decayed = torch._foreach_mul(decays, parameters)
            torch._foreach_add_(decayed, gradients)
            gradients = list(decayed)
        match self.rule:
            case Sgd(momentum=momentum, nesterov=nesterov):
                if momentum:
                    momenta = [state["momentum"] for state in states]
                    torch._foreach_mul_(momenta, momentum)
                    torch._foreach_add_(momenta, gradients)
                    if nesterov:
                        ahead = torch._foreach_mul(momenta, momentum)
                        torch._foreach_add_(ahead, gradients)
                        gradients = list(ahead)
                    else:
                        gradients = momenta
                torch._foreach_sub_(parameters, torch._foreach_mul(rates, gradients))
            case (
                Adam(beta1=beta1, beta2=beta2, epsilon=epsilon)
                | AdamW(beta1=beta1, beta2=beta2, epsilon=epsilon)
            ):
                firsts, seconds = ([state[name] for state in states] for name in ("first", "second"))
                torch._foreach_lerp_(firsts, gradients, 1 - beta1)
                torch._foreach_mul_(seconds, beta2)
                torch._foreach_addcmul_(seconds, gradients, gradients, value=1 - beta2)
                scales = torch._foreach_div(seconds, self._second_correction)
                torch._foreach_sqrt_(scales)
                torch._foreach_add_(scales, epsilon)
                updates = torch._foreach_mul([rate / self._first_correction for rate in rates], firsts)
                torch._foreach_div_(updates, scales)
                torch._foreach_sub_(parameters, updates)
