"""Entries of ``architectures`` in a study's file.

An entry may give a cost, ``macs`` or ``parameters``, in place of its filters. The number of filters follows
when the shape of the images is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scaling.architectures import COST_SETTINGS, AnyArchitecture, architecture_union
from scaling.config.grid import GridPoint, Locate, dotted
from scaling.config.problems import ConfigProblems
from scaling.settings import ImageShape, Problem


@dataclass(frozen=True, kw_only=True)
class ArchitectureEntry:
    """One point of the grid of an entry of ``architectures``."""

    architecture: AnyArchitecture
    """Architecture; its number of filters is a placeholder if the filters follow from a cost."""
    settings: dict[str, Any]
    """Settings that the entry gives."""
    cost: str | None
    """Name of the cost that the entry gives, ``macs`` or ``parameters``; None if it gives the filters."""
    varied_field: str
    """Name of the setting that varies among networks of one cost."""
    setting_paths: dict[str, str]
    """Path of each setting in the file."""
    locate: Locate
    """Finds a setting of the entry in the file."""

    @classmethod
    def from_point(
        cls, point: GridPoint, locate: Locate, *, folder: Path, problems: ConfigProblems
    ) -> ArchitectureEntry | None:
        """Validate a point of the grid of an entry.

        Args:
            point: settings of the entry, without its recipe and its seeds.
            locate: finds the settings in the file.
            folder: folder of the study's file.
            problems: collects what is wrong.

        Returns:
            The entry, or None if the settings describe no architecture.
        """
        settings = {
            name: value
            for name, value in point.settings.items()
            if name not in COST_SETTINGS or value is not None
        }
        cost = next((name for name in COST_SETTINGS if name in settings), None)
        placeholder = {"filters": 1} if cost else {}
        architecture = problems.validate(architecture_union(), placeholder | settings, locate)
        if architecture is None:
            return None
        architecture = architecture.read_files(folder)
        if isinstance(architecture, Problem):
            problems.add(locate(architecture.path), architecture.text)
            return None
        paths = {name: dotted(locate((name,))) for name in type(architecture).model_fields}
        if cost and "filters" not in settings:
            paths["filters"] = paths[cost]
        derived = architecture.derived_width
        widths = (derived.ratio, "filters") if derived else ("filters",)
        varied = [name for name in widths if (name,) in point.value_paths]
        return cls(
            architecture=architecture,
            settings=settings,
            cost=cost,
            varied_field=varied[0] if varied else cost or "filters",
            setting_paths=paths,
            locate=locate,
        )

    def problem(self, image: ImageShape, train_size: int) -> Problem | None:
        """Return why no such network can be trained on so many images of this shape, or None."""
        problem = self.architecture.problem(image) or self.architecture.train_size_problem(train_size)
        if problem:
            return problem
        return self.architecture.cost_problem(image, self.settings.keys()) if self.cost else None

    def resolve(self, image: ImageShape) -> AnyArchitecture:
        """Return the network for images of this shape. Call ``problem`` first."""
        if not self.cost:
            return self.architecture
        return self.architecture.resolve_cost(image, self.settings.keys())

    def settings_of(self, network: AnyArchitecture) -> dict[str, Any]:
        """Return the settings that describe a resolved network alone, for images of any shape."""
        if not self.cost:
            return self.settings
        derived = network.derived_width
        replaced = (*COST_SETTINGS, derived.ratio) if derived else COST_SETTINGS
        other_settings = {name: value for name, value in self.settings.items() if name not in replaced}
        widths = ("filters", derived.setting) if derived else ("filters",)
        numbers = [name for name in widths if name in network.model_fields_set]
        return other_settings | {name: getattr(network, name) for name in numbers}
