"""Compiled training steps of a pack, for networks and recipes that they support."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor, nn

from scaling.config.recipe import Recipe, Sgd
from scaling.models.described_layers import DescribesLayers
from scaling.settings import ImageShape
from scaling.train.compiled_steps.layout import lay_out
from scaling.train.compiled_steps.records import Vectors
from scaling.train.compiled_steps.steps import Batches, Descent, Loss, Totals, run_steps
from scaling.train.compiled_steps.tile import LANES
from scaling.train.optimisers import PackOptimiser


class CompiledSteps:
    """Trains up to eight networks on several minibatches in one call.

    The networks' parameters and the optimiser's state are the truth: each call reads and writes them.

    Args:
        networks: networks on the CPU that describe their layers.
        image: shape of the images.
        recipe: recipe with gradient descent.
        optimiser: optimiser of the networks.
        steps_per_call: number of steps that one call should do.
    """

    def __init__(
        self,
        networks: nn.Module,
        image: ImageShape,
        recipe: Recipe,
        optimiser: PackOptimiser,
        *,
        steps_per_call: int = 1,
    ) -> None:
        if not isinstance(networks, DescribesLayers):
            raise TypeError(f"{type(networks).__name__} does not describe its layers")
        self.recipe, self.optimiser, self.steps_per_call = recipe, optimiser, steps_per_call
        self.parameters = {
            name.removeprefix("weights."): parameter for name, parameter in networks.named_parameters()
        }
        buffers = dict(networks.named_buffers())
        self.replicas, self.dtype = len(optimiser.learning_rates), next(networks.parameters()).dtype
        self.layout = lay_out(
            networks.described_layers(),
            image,
            parameters={name: value[0].numel() for name, value in self.parameters.items()},
            buffers={name: value[0].numel() for name, value in buffers.items()},
        )
        units, trained = self.layout.units, self.layout.trained
        self.vectors = Vectors(
            weights=self._zeros(self.layout.vectors),
            gradients=self._zeros(trained),
            units=self._zeros(units),
            slopes=self._zeros(units),
            deltas=self._zeros(units),
        )
        for maps in self.layout.maps:
            self.vectors.units[maps.first : maps.end] = maps.background
        for name, buffer in buffers.items():
            self._write(self.vectors.weights, name, buffer)
        self.descent = self._make_descent()

    def run(
        self,
        images: Float[Tensor, "n C side side"],
        labels: Int[Tensor, " n"],
        lr_factors: Sequence[float],
        *,
        loss: Float[Tensor, " R"],
        correct: Float[Tensor, " R"],
    ) -> None:
        """Train for one step after the other. The parameters have the gradients of the last one afterwards.

        Args:
            images: images of all steps, an equal number for each.
            labels: their labels.
            lr_factors: factor of a schedule for each step.
            loss: sum of the losses of the steps, which grows.
            correct: sum of the fractions of correct answers, which grows.
        """
        rates = torch.tensor(lr_factors, dtype=torch.float64).unsqueeze(1) * self.optimiser.learning_rates
        totals = Totals(self._zeros(1)[0], self._zeros(1)[0])
        for total, tensor in zip(totals, (loss, correct), strict=True):
            total[: self.replicas] = tensor.numpy()
        self._read_state()
        run_steps(
            self.layout.network,
            self.vectors,
            Batches(images.contiguous().flatten(1, 2).numpy(), labels.numpy(), self._lanes(rates)),
            Loss(self.recipe.loss == "mse", *map(float, self.recipe.targets)),
            self.descent,
            totals,
        )
        self._write_state()
        for total, tensor in zip(totals, (loss, correct), strict=True):
            tensor.copy_(torch.from_numpy(total[: self.replicas]))

    def _make_descent(self) -> Descent:
        rule = self.optimiser.rule
        if not isinstance(rule, Sgd):
            raise TypeError(f"{type(rule).__name__} is not compiled")
        trained = self.layout.trained
        decays, masks = self._zeros(0), self._zeros(0)
        if self.optimiser.has_weight_decay:
            decays = self._lanes(self.optimiser.weight_decays.unsqueeze(0))
        if self.optimiser.masks:
            masks = self._zeros(trained)
            masks[:] = 1
            mask_of = {id(parameter): mask for parameter, mask in self.optimiser.masks}
            for name, parameter in self.parameters.items():
                if id(parameter) in mask_of:
                    self._write(masks, name, mask_of[id(parameter)])
        momenta = self._zeros(trained if rule.momentum else 0)
        return Descent(float(rule.momentum), rule.nesterov, decays, momenta, masks)

    @torch.no_grad()
    def _read_state(self) -> None:
        """Read the parameters and their momenta."""
        for name, parameter in self.parameters.items():
            self._write(self.vectors.weights, name, parameter)
            if len(self.descent.momenta):
                self._write(self.descent.momenta, name, self.optimiser.state[parameter]["momentum"])

    @torch.no_grad()
    def _write_state(self) -> None:
        """Write the parameters, their momenta and their gradients."""
        for name, parameter in self.parameters.items():
            parameter.grad = torch.empty_like(parameter) if parameter.grad is None else parameter.grad
            self._read(self.vectors.weights, name, parameter)
            self._read(self.vectors.gradients, name, parameter.grad)
            if len(self.descent.momenta):
                self._read(self.descent.momenta, name, self.optimiser.state[parameter]["momentum"])

    def _write(self, vectors: NDArray, name: str, values: Tensor) -> None:
        """Write the values of a parameter into its vectors."""
        self._part(vectors, name, values).copy_(values.flatten(1).T)

    def _read(self, vectors: NDArray, name: str, values: Tensor) -> None:
        """Read the values of a parameter from its vectors."""
        values.copy_(self._part(vectors, name, values).T.reshape(values.shape))

    def _part(self, vectors: NDArray, name: str, values: Tensor) -> Tensor:
        """Return the vectors of a parameter, without the lanes that have no replica."""
        first = self.layout.weights[name]
        return torch.from_numpy(vectors)[first : first + values[0].numel(), : self.replicas]

    def _lanes(self, rows: Float[Tensor, "rows R"]) -> NDArray:
        """Return one vector for each row, with zeros in the lanes that have no replica."""
        vectors = self._zeros(len(rows))
        vectors[:, : self.replicas] = rows.to(self.dtype).numpy()
        return vectors

    def _zeros(self, vectors: int) -> NDArray:
        """Return an array of vectors. Those of torch begin where the processor loads them fastest."""
        zeros: NDArray = torch.zeros(vectors, LANES, dtype=self.dtype).numpy()
        return zeros
