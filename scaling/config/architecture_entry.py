"""Networks as they stand in a file; one that is written with a cost, ``macs`` or ``parameters``, gets its filters when its images are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scaling.architectures import COST_SETTINGS, AnyArchitecture, architecture_union
from scaling.config.grid import Point, dotted
from scaling.config.problems import ConfigProblems, FieldPath
from scaling.settings import ImageShape, Problem


@dataclass(frozen=True)
class ArchitectureEntry:
    """One point of the grid of an entry of ``architectures``."""

    network: AnyArchitecture
    """With any number of filters, where these follow from a cost."""
    leaves: dict[str, Any]
    cost: str | None
    """The leaf that says it."""
    free: str
    """The leaf whose values make different networks of that cost."""
    places: dict[str, str]
    """Where its leaves stand in the file."""

    @classmethod
    def of(cls, point: Point, place: FieldPath, problems: ConfigProblems) -> ArchitectureEntry | None:
        """None where the leaves can't be a network."""
        leaves = {
            name: value
            for name, value in point.leaves.items()
            if name not in COST_SETTINGS or value is not None
        }
        cost = next((name for name in COST_SETTINGS if name in leaves), None)
        values = {"filters": 1, **leaves} if cost else leaves
        network = problems.validate(architecture_union(), values, place)
        if network is None:
            return None
        places = {name: dotted(place((name,))) for name in type(network).model_fields}
        if cost and "filters" not in leaves:
            places["filters"] = places[cost]
        ratio = (network.derived_width.ratio,) if network.derived_width else ()
        free = next((name for name in (*ratio, "filters") if (name,) in point.places), cost or "filters")
        return cls(network, leaves, cost, free, places)

    def problem(self, image: ImageShape) -> Problem | None:
        """Why there is no such network for such images: (the leaf, what is permitted), or None."""
        return self.network.problem(image) or (
            self.network.cost_problem(image, self.leaves.keys()) if self.cost else None
        )

    def on(self, image: ImageShape) -> AnyArchitecture:
        """The network for such images; call ``problem`` first."""
        return self.network.resolve_cost(image, self.leaves.keys()) if self.cost else self.network

    def entry(self, network: AnyArchitecture) -> dict[str, Any]:
        """The leaves that make this network alone, on any images."""
        if not self.cost:
            return self.leaves
        derived = network.derived_width
        followed = {*COST_SETTINGS, derived.ratio} if derived else {*COST_SETTINGS}
        widths = ("filters", derived.setting) if derived else ("filters",)
        return {name: value for name, value in self.leaves.items() if name not in followed} | {
            name: getattr(network, name) for name in widths if name in network.model_fields_set
        }
