"""What every architecture's specification shares."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TypeVar

from scaling.architectures.layers import LayerTable
from scaling.leaves import Count, ImageShape, Leaves

Network = TypeVar("Network", bound="Architecture")


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Of one tensor of weights: factors over the standard parametrisation."""

    initial: float = 1.0
    sgd: float = 1.0
    """Of its learning rate under SGD, with momentum or without."""
    adam: float = 1.0
    """Of its learning rate under Adam and AdamW."""


class Architecture(Leaves):
    """A family of networks, at one width."""

    type: str
    filters: Count
    """Filters of the first convolution (for each colour, where colours are convolved apart): the x axis of a study."""

    @abstractmethod
    def fault(self, image: ImageShape) -> tuple[str, str] | None:
        """Why this network can't see such images: (the field, what is permitted), or None."""

    @abstractmethod
    def layers(self, image: ImageShape) -> LayerTable:
        """Its layers on such images; call ``fault`` first."""

    def scales(self, image: ImageShape) -> dict[str, Scale]:
        """By the names of the weights; of those that are not named, as of all in the standard parametrisation, every factor is 1."""
        return {}

    def at(self: Network, filters: int) -> Network:
        """The same network at another width; what nobody wrote, such as a second layer's filters, follows."""
        return self.model_validate(self.model_dump(exclude_unset=True) | {"filters": filters})

    def filters_total(self, image: ImageShape) -> int:
        """All filters of the first layer."""
        return self.layers(image).layers[0].shape[0]
