"""The interface of a specification: what the other layers ask of an architecture."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence, Set
from pathlib import Path
from typing import Annotated, ClassVar, TypeVar

from scaling.architectures.description import (
    BenchmarkNetwork,
    CatalogueEntry,
    DerivedWidth,
    FitProfile,
    MemoryProfile,
    ParameterScale,
    Precision,
    SettingLabel,
    StepTimes,
)
from scaling.architectures.layers import LayerTable
from scaling.architectures.width_search import COST_SETTINGS, nearest
from scaling.settings import ConfigModel, ImageShape, NotInIdentity, PositiveInt, Problem

Network = TypeVar("Network", bound="Architecture")


class Architecture(ConfigModel):
    """A family of networks at one width.

    A subclass defines ``type``, a ``Literal`` with a default, and its own settings; ``problem`` and
    ``layer_table``; and, where the defaults do not fit, the class attributes and the other methods.
    ``register`` makes it known.
    """

    memory_profile: ClassVar[MemoryProfile] = MemoryProfile()
    fit_profile: ClassVar[FitProfile | None] = None
    """Cost of an architecture that is fitted in one go; None for one that is trained by gradient descent."""
    derived_width: ClassVar[DerivedWidth | None] = None
    """Second width that follows from ``filters``; None for an architecture without one."""
    setting_labels: ClassVar[dict[str, SettingLabel]] = {
        "macs": SettingLabel(plural="{:,} MACs"),
        "parameters": SettingLabel(plural="{:,} parameters"),
    }
    """Labels of the class's own settings; a setting that is missing here shows its name and value."""
    timed_by_depth: ClassVar[bool] = False
    """True if ``benchmark_networks`` has several depths, between which speed is interpolated."""

    describes_layers: ClassVar[bool] = False
    """True if the network's module describes its layers, so that compiled steps can train it."""

    has_seeds: ClassVar[bool] = True
    """False if neither the weights nor the training use random numbers: such an architecture has one run."""
    has_widths: ClassVar[bool] = True
    """False if the architecture has one size, at which ``filters`` is 1."""
    filter_step: ClassVar[int] = 1
    """``filters`` must be a multiple of this number."""
    required_settings: ClassVar[tuple[str, ...]] = ()
    """Settings with a default that a study has to give, because the default stands for stored runs only."""
    recipe_settings: ClassVar[frozenset[str] | None] = None
    """Settings of the recipe that have a meaning; None if all have. The others identify no run."""
    trains_itself: ClassVar[bool] = False
    """True if the network has its own optimiser and loss, and trains one run at a time."""
    precisions: ClassVar[tuple[Precision, ...]] = ("bf16", "fp32")
    """Values of ``recipe.precision`` with which the network can be trained."""
    can_be_pruned: ClassVar[bool] = True
    """True if weights of trained networks can be deleted."""
    title_setting: ClassVar[str | None] = None
    """Setting whose value names the networks in place of ``type``; None for most architectures."""

    type: str
    filters: PositiveInt
    """Filters of the first convolution, for each colour if colours are convolved apart: a study's x axis."""

    macs: Annotated[PositiveInt | None, NotInIdentity()] = None
    """Multiply-adds of one image, given instead of ``filters``; the network has the nearest number."""
    parameters: Annotated[PositiveInt | None, NotInIdentity()] = None
    """Number of parameters, given instead of ``filters``; the network has the nearest number."""

    @property
    def title(self) -> str:
        """Name of the architecture in messages, tables and figures."""
        return str(getattr(self, self.title_setting)) if self.title_setting else self.type

    def read_files(self: Network, folder: Path) -> Network | Problem:
        """Return the network with what it takes from files beside the study, or why it cannot take it.

        Args:
            folder: folder of the study's file.
        """
        return self

    @property
    def missing_code(self) -> str:
        """Name of the code that training needs and that is not here; empty for most architectures."""
        return ""

    @abstractmethod
    def problem(self, image: ImageShape) -> Problem | None:
        """Return why this network cannot process images of this shape; None if it can."""

    def train_size_problem(self, train_size: int) -> Problem | None:
        """Return why this network cannot be trained on so many images; None if it can."""
        return None

    @abstractmethod
    def layer_table(self, image: ImageShape) -> LayerTable:
        """Return the layers for images of this shape, for which ``problem`` returned None."""

    def known_layer_table(self, image: ImageShape) -> LayerTable | None:
        """Return the layers, or None if only code that is not here could tell them."""
        return self.layer_table(image)

    def hidden_numbers(self, image: ImageShape) -> int:
        """Return how many numbers of an image a training step keeps besides the outputs of the layers."""
        return 0

    @property
    def lane_filters(self) -> int | None:
        """Filters of a group of the last convolution, if kernels with images as lanes compute the network.

        Such kernels keep no maps before pooling. The number is None if torch's own operations compute it.
        """
        return None

    def step_times(self, image: ImageShape) -> StepTimes | None:
        """Return the measured times of this very network on this machine; None for most architectures.

        Without them, times are estimated from those of the most similar networks of ``scaling bench``.
        """
        return None

    def training_note(self, image: ImageShape) -> str:
        """Return a sentence for the plan on how the replicas are trained; empty for most architectures."""
        return ""

    def check_packages(self) -> None:
        """Check that the optional packages that training needs are installed, without importing them.

        Raises:
            UsageError: a package is missing.
        """

    @classmethod
    def benchmark_networks(cls, side: int, precision: Precision) -> Sequence[BenchmarkNetwork]:
        """Return the networks that ``scaling bench`` times.

        Without any, speed is estimated from the most similar architecture.

        Args:
            side: side of a data set's images, in pixels; a network may be timed on other sides too.
            precision: precision of the training.
        """
        return ()

    @property
    def timing_variant(self) -> str:
        """Name of networks whose time differs from others of equal multiply-adds; empty for most.

        Each variant has a timing curve of its own, if ``benchmark_networks`` has networks of it.
        """
        return ""

    @classmethod
    def catalogue(cls) -> Sequence[CatalogueEntry]:
        """Return the networks that ``scaling models`` lists, with their published counts."""
        return ()

    def parameter_scales(self, image: ImageShape) -> dict[str, ParameterScale]:
        """Return factors over the standard parametrisation by weight name; by default 1."""
        return {}

    def filters_total(self, image: ImageShape) -> int:
        """Return the number of filters of the first layer, over all colours."""
        return self.layer_table(image).layers[0].shape[0]

    def with_filters(self: Network, filters: int) -> Network:
        """Return the same network at another width, with its derived settings computed again."""
        return self.model_validate(
            self.model_dump(exclude_unset=True, exclude=set(COST_SETTINGS)) | {"filters": filters}
        )

    def cost_problem(self, image: ImageShape, written: Set[str]) -> Problem | None:
        """Return why no network has the cost that is given; None if there is one.

        Args:
            image: image shape for which ``problem`` returned None.
            written: names of the settings that the study gives.
        """
        costs = [name for name in COST_SETTINGS if name in written]
        if len(costs) > 1:
            return Problem(costs[1], f"give {' or '.join(costs)}, not both")
        if "filters" in written:
            return Problem(costs[0], f"give filters or {costs[0]}, not both")
        return self._minimum_cost_problem(self.with_filters(self.filter_step), image)

    def resolve_cost(self: Network, image: ImageShape, written: Set[str]) -> Network:
        """Return the network with the cost nearest to the one that is given; call ``cost_problem`` first.

        Args:
            image: image shape for which ``problem`` returned None.
            written: names of the settings that the study gives.
        """
        step = self.filter_step
        multiple = nearest(lambda n: self._cost(self.with_filters(n * step), image), self._target_cost)
        return self._with_costs_of_self(self.with_filters(multiple * step))

    @property
    def _target_cost(self) -> int:
        return self.macs or self.parameters or 0

    def _cost(self, network: Architecture, image: ImageShape) -> int:
        """Return the total of ``network`` that this network's cost setting names."""
        table = network.layer_table(image)
        return table.macs if self.macs else table.parameters

    def _with_costs_of_self(self: Network, network: Network) -> Network:
        return self.model_validate(
            network.model_dump(exclude_unset=True) | {name: getattr(self, name) for name in COST_SETTINGS}
        )

    def _minimum_cost_problem(self, cheapest: Architecture, image: ImageShape) -> Problem | None:
        cost = self._cost(cheapest, image)
        setting = COST_SETTINGS[0] if self.macs else COST_SETTINGS[1]
        if cost > self._target_cost:
            smallest = f"the {setting} of the narrowest such network"
            return Problem(setting, f"expected at least {cost:,}, {smallest}, got {self._target_cost:,}")
        return None
