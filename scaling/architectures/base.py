"""What every architecture's specification shares."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Set
from dataclasses import dataclass
from typing import Annotated, TypeVar

from scaling.architectures.layers import LayerTable
from scaling.architectures.width_search import COST_SETTINGS, nearest
from scaling.settings import ConfigModel, ImageShape, NotInIdentity, PositiveInt, Problem

Network = TypeVar("Network", bound="Architecture")


@dataclass(frozen=True, kw_only=True)
class ParameterScale:
    """Of one tensor of weights: factors over the standard parametrisation."""

    initial: float = 1.0
    sgd: float = 1.0
    """Of its learning rate under SGD, with momentum or without."""
    adam: float = 1.0
    """Of its learning rate under Adam and AdamW."""


class Architecture(ConfigModel):
    """A family of networks, at one width."""

    type: str
    filters: PositiveInt
    """Filters of the first convolution (for each colour, where colours are convolved apart): the x axis of a study."""

    macs: Annotated[PositiveInt | None, NotInIdentity()] = None
    """Written in the place of ``filters``: multiply-adds of one image, to which those of the network are the nearest."""
    parameters: Annotated[PositiveInt | None, NotInIdentity()] = None
    """The same with parameters."""

    @abstractmethod
    def problem(self, image: ImageShape) -> Problem | None:
        """Why this network can't see such images: or None."""

    @abstractmethod
    def layer_table(self, image: ImageShape) -> LayerTable:
        """Its layers on such images; call ``problem`` first."""

    def parameter_scales(self, image: ImageShape) -> dict[str, ParameterScale]:
        """By the names of the weights; of those that are not named, as of all in the standard parametrisation, every factor is 1."""
        return {}

    def with_filters(self: Network, filters: int) -> Network:
        """The same network at another width; what nobody wrote, such as a second layer's filters, follows."""
        return self.model_validate(
            self.model_dump(exclude_unset=True, exclude=set(COST_SETTINGS)) | {"filters": filters}
        )

    def cost_problem(self, image: ImageShape, written: Set[str]) -> Problem | None:
        """Why no such network has the cost that it is written with, as ``problem`` says it.

        Args:
            image: what it sees, of which ``problem`` finds nothing wrong.
            written: the leaves that somebody wrote.
        """
        asked = [name for name in COST_SETTINGS if name in written]
        if len(asked) > 1:
            return Problem(asked[1], f"give {' or '.join(asked)}, not both")
        if "filters" in written:
            return Problem(asked[0], f"give filters or {asked[0]}, not both")
        return self._too_cheap(self.with_filters(1), image)

    def resolve_cost(self: Network, image: ImageShape, written: Set[str]) -> Network:
        """The network of the cost that is nearest to the one it is written with; call ``cost_problem`` first."""
        return self._noted(
            self.with_filters(
                nearest(lambda filters: self._cost(self.with_filters(filters), image), self._target)
            )
        )

    @property
    def _target(self) -> int:
        return self.macs or self.parameters or 0

    def _cost(self, network: Architecture, image: ImageShape) -> int:
        table = network.layer_table(image)
        return table.macs if self.macs else table.parameters

    def _noted(self: Network, network: Network) -> Network:
        """With the cost that was asked for."""
        return self.model_validate(
            network.model_dump(exclude_unset=True) | {name: getattr(self, name) for name in COST_SETTINGS}
        )

    def _too_cheap(self, least: Architecture, image: ImageShape) -> Problem | None:
        cost = self._cost(least, image)
        asked = COST_SETTINGS[0] if self.macs else COST_SETTINGS[1]
        return Problem(asked, f"must be at least {cost}, not {self._target}") if cost > self._target else None

    def filters_total(self, image: ImageShape) -> int:
        """All filters of the first layer."""
        return self.layer_table(image).layers[0].shape[0]
