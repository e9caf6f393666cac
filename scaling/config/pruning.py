"""Pruning of trained networks: the section of a study's file, and the settings of a pruned network."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise, takewhile
from typing import Annotated, Literal

from pydantic import Field, field_validator

from scaling.config.recipe import Epochs, LearningRate, Recipe, Schedule
from scaling.settings import ConfigModel, PositiveInt, Problem

PruningMethod = Literal["saliency", "magnitude", "random"]
"""What decides which parameters are deleted: Optimal Brain Damage, the absolute value, or chance."""

METHODS: tuple[PruningMethod, ...] = ("saliency", "magnitude", "random")
"""All methods, in the order of tables and figures."""


_MAX_ROUNDS = 100
"""Largest number of rounds. The id of a network hashes the sizes of all rounds before it."""


class Pruning(ConfigModel):
    """Rounds of deletion and retraining that made a network out of a trained network."""

    method: PruningMethod
    """What decides which parameters are deleted."""
    sizes: Annotated[tuple[PositiveInt, ...], Field(strict=False, min_length=1)]
    """Number of parameters left after each round, the last round included."""
    recipe: Recipe
    """Recipe of the retraining in each round."""

    @field_validator("sizes")
    @classmethod
    def _check_sizes(cls, sizes: tuple[int, ...]) -> tuple[int, ...]:
        if any(earlier <= later for earlier, later in pairwise(sizes)):
            raise ValueError(f"expected falling numbers of parameters, got {list(sizes)}")
        return sizes

    @property
    def parameters_left(self) -> int:
        """Number of parameters that the network has left."""
        return self.sizes[-1]

    @property
    def label(self) -> str:
        """Method and number of parameters left, for messages."""
        return f"{self.method} to {self.parameters_left:,} parameters"

    @property
    def previous(self) -> Pruning | None:
        """The rounds before the last one; None if there is none."""
        return self.model_copy(update={"sizes": self.sizes[:-1]}) if len(self.sizes) > 1 else None


class PruningConfig(ConfigModel):
    """Section ``pruning`` of a study's file: how ``scaling prune`` prunes the networks of the study.

    The section changes no id of a run of the study.

    Set here: each round deletes a fixed fraction of the parameters that are left. Biases count as parameters.
    """

    parameters_left: PositiveInt
    """Number of parameters that each network has left after the last round."""
    factor: Annotated[float, Field(ge=0.01, le=0.99)] = 0.8
    """Parameters left after a round over those before it."""
    methods: Annotated[tuple[PruningMethod, ...], Field(strict=False, min_length=1)] = METHODS
    """Methods that are compared; each starts from the same trained networks."""
    epochs: Epochs | None = None
    """Number of epochs of the retraining in each round; by default that of the recipe."""
    learning_rate: LearningRate | None = None
    """Learning rate of the retraining; by default that of the recipe."""
    schedule: Schedule | None = None
    """Schedule of the retraining; by default that of the recipe."""

    @field_validator("methods")
    @classmethod
    def _check_methods(cls, methods: tuple[PruningMethod, ...]) -> tuple[PruningMethod, ...]:
        if len(set(methods)) < len(methods):
            raise ValueError(f"expected each method once, got {list(methods)}")
        return methods

    def problem(self, recipe: Recipe, parameters: int) -> Problem | None:
        """Return why a network cannot be pruned, or None.

        Args:
            recipe: recipe of the network.
            parameters: number of its parameters.
        """
        if recipe.loss != "mse":
            text = f"needs the loss mse, whose second derivatives it computes, got {recipe.loss}"
            return Problem("", f"{text}; set recipe.loss: mse")
        if self.parameters_left >= parameters:
            text = f"expected fewer than the network's {parameters:,} parameters, got {self.parameters_left}"
            return Problem("parameters_left", text)
        sizes = round_sizes(parameters, final=self.parameters_left, factor=self.factor)
        if len(sizes) > _MAX_ROUNDS or len(set(sizes)) < len(sizes):
            text = f"{self.factor} makes {len(sizes):,} rounds from {parameters:,} parameters"
            limit = f"expected at most {_MAX_ROUNDS}, each of which deletes some"
            return Problem("factor", f"{text}; {limit}; make factor smaller or parameters_left larger")
        return None

    def retraining(self, recipe: Recipe) -> Recipe:
        """Return the recipe of the retraining.

        Args:
            recipe: recipe of the trained network.
        """
        given = {name: getattr(self, name) for name in ("epochs", "learning_rate", "schedule")}
        return recipe.model_copy(update={name: value for name, value in given.items() if value is not None})

    def rounds(self, recipe: Recipe, parameters: int) -> Iterator[Pruning]:
        """Yield all rounds of one network: method by method, each by falling numbers of parameters left.

        Args:
            recipe: recipe of the trained network.
            parameters: number of its parameters.
        """
        retraining = self.retraining(recipe)
        sizes = round_sizes(parameters, final=self.parameters_left, factor=self.factor)
        for method in self.methods:
            for number in range(1, len(sizes) + 1):
                yield Pruning(method=method, sizes=sizes[:number], recipe=retraining)


def round_sizes(parameters: int, *, final: int, factor: float) -> tuple[int, ...]:
    """Return the number of parameters left after each round.

    Args:
        parameters: number of parameters before the first round.
        final: number of parameters after the last round.
        factor: parameters left after a round over those before it, above 0 and below 1.
    """
    sizes = (round(parameters * factor**number) for number in range(1, parameters))
    return (*takewhile(lambda size: size > final, sizes), final)
