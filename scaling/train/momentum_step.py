"""A step of gradient descent with momentum on a CPU, as one pass over the weights."""

from __future__ import annotations

from typing import no_type_check

from jaxtyping import Float
from torch import Tensor

from scaling.models.vector_kernels import kernel


def supports(parameter: Tensor) -> bool:
    """Return True if ``step_with_momentum`` can update a parameter."""
    return parameter.device.type == "cpu" and parameter.is_contiguous()


def step_with_momentum(
    parameter: Float[Tensor, "R ..."],
    gradient: Float[Tensor, "R ..."],
    momenta: Float[Tensor, "R ..."],
    rates: Float[Tensor, "R ..."],
    weight_decays: Float[Tensor, "R ..."] | None,
    *,
    momentum: float,
    nesterov: bool,
) -> None:
    """Update a parameter and its momenta in place, as torch.optim.SGD does, with the same bits.

    Separate operations of torch take three times as long: each one reads and writes all weights.

    Args:
        parameter: a parameter of all replicas.
        gradient: its gradient.
        momenta: sums of earlier gradients.
        rates: learning rate of each replica.
        weight_decays: weight decay of each replica, or None if all are 0.
        momentum: momentum factor.
        nesterov: True for Nesterov momentum.
    """
    rows = [tensor.detach().reshape(len(parameter), -1).numpy() for tensor in (parameter, gradient, momenta)]
    decays = rates if weight_decays is None else weight_decays
    factors = [factor.reshape(-1).numpy() for factor in (rates, decays)]
    momentum_factor = rows[0].dtype.type(momentum)
    _step(*rows, *factors, momentum_factor, nesterov, weight_decays is not None)


@no_type_check
@kernel
def _step(parameters, gradients, momenta, rates, decays, momentum, nesterov, has_decay):
    """Update parameters and momenta [R, n]; each product and each sum is rounded, as by torch."""
    for replica in range(parameters.shape[0]):
        rate, decay = rates[replica], decays[replica]
        for i in range(parameters.shape[1]):
            gradient = gradients[replica, i]
            if has_decay:
                gradient = decay * parameters[replica, i] + gradient
            update = momenta[replica, i] * momentum + gradient
            momenta[replica, i] = update
            if nesterov:
                update = update * momentum + gradient
            parameters[replica, i] -= rate * update
