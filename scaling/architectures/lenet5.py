"""LeNet-5, generalised: any width, kernel, activation, pooling and hidden layers; one or two convolutions.

Sources: LeCun, Bottou, Bengio & Haffner, Proc. IEEE 86, 2278 (1998), doi:10.1109/5.726791;
    widened at a fixed ratio d2/d1: Meir, Tevet, Tzach, Hodassman, Gross & Kanter, Sci. Rep. 13, 5423 (2023),
    doi:10.1038/s41598-023-32559-8

Set here: ReLU and max pooling by default, pooling without parameters, a dense second convolution, a linear
readout, and hidden layers that keep their size when filters are added.
"""

from __future__ import annotations

from collections.abc import Set
from math import floor, log
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, ModelWrapValidatorHandler, model_validator

from scaling.architectures.description import (
    CIFAR10_IMAGE,
    MNIST_IMAGE,
    BenchmarkNetwork,
    CatalogueEntry,
    DerivedWidth,
    MemoryProfile,
    Precision,
    SettingLabel,
)
from scaling.architectures.layers import LayerTable, convolution, linear, pooling
from scaling.architectures.mup import MupArchitecture
from scaling.architectures.width_search import COST_SETTINGS, largest_within, nearest
from scaling.settings import IdentityDefault, ImageShape, NonNegativeInt, NotInIdentity, PositiveInt, Problem


class Lenet5(MupArchitecture):
    """One or two convolutions, each followed by 2x2 pooling; then ``hidden`` layers and a readout."""

    memory_profile: ClassVar[MemoryProfile] = MemoryProfile(
        fp32_evaluation_copies=1, bf16_pooling_index_bytes=1
    )
    derived_width: ClassVar[DerivedWidth | None] = DerivedWidth(
        setting="second_filters",
        ratio="ratio",
        description="Filters of the second convolution / filters of the first, d2/d1",
    )
    setting_labels: ClassVar[dict[str, SettingLabel]] = {
        "ratio": SettingLabel(plural="d2/d1 {:.3g}"),
        "convolutions": SettingLabel(plural="{} convolutions", singular="1 convolution"),
        "activation": SettingLabel(plural="{}"),
        "pooling": SettingLabel(plural="{} pooling"),
    }

    type: Literal["lenet5"] = "lenet5"
    ratio: Annotated[float, Field(ge=1e-6, le=1e6), NotInIdentity()] = 16 / 6
    """Ratio d2/d1. By default that of the network of 1998. No machine has memory for a million filters."""
    second_filters: NonNegativeInt = 0
    """Filters d2 of the second convolution: by default ``ratio`` x ``filters``, rounded; 0 without one.

    A half is rounded up, and the result is at least 1.
    """
    convolutions: Annotated[Literal[1, 2], IdentityDefault(2)] = 2
    """Number of convolutions, each with its pooling."""
    kernel: Annotated[PositiveInt, IdentityDefault(5)] = 5
    """Side of the filters of both convolutions, in pixels."""
    activation: Annotated[Literal["relu", "tanh"], IdentityDefault("relu")] = "relu"
    """Activation after each layer but the readout."""
    pooling: Annotated[Literal["max", "average"], IdentityDefault("max")] = "max"
    """Pooling of 2x2 pixels after each convolution."""
    hidden: Annotated[tuple[PositiveInt, ...], Field(strict=False), IdentityDefault((120, 84))] = (120, 84)
    """Units of the fully connected layers before the readout."""

    @model_validator(mode="wrap")
    @classmethod
    def _derive_second_filters(cls, values: Any, handler: ModelWrapValidatorHandler[Lenet5]) -> Lenet5:
        """Resolve ``second_filters``, which is part of a run's identity; ``ratio`` is not."""
        network = handler(values)
        if not isinstance(values, dict):
            return network
        written = network.model_fields_set
        if network.convolutions == 1:
            if network.second_filters or "ratio" in written:
                raise ValueError("ratio and second_filters need convolutions: 2")
        elif "second_filters" not in written:
            second = max(1, floor(network.ratio * network.filters + 0.5))
            if second >= 2**53:
                raise ValueError(
                    f"ratio and filters make {second:.3g} second filters, more than can be counted; "
                    "make either smaller"
                )
            network = handler({**values, "second_filters": second})
            network.model_fields_set.discard("second_filters")  # derived, not written
        elif network.second_filters == 0:
            raise ValueError("second_filters: expected an integer >= 1 for two convolutions, got 0")
        elif "ratio" in written:
            raise ValueError("give ratio or second_filters, not both")
        return network

    @classmethod
    def benchmark_networks(cls, side: int, precision: Precision) -> list[BenchmarkNetwork]:
        is_bf16 = precision == "bf16"
        usual, average = ((1, 3, 6, 12, 24, 48), (1, 3, 6, 12, 24)) if is_bf16 else ((1, 6, 24), (1, 6, 24))
        tanh = (1, 6, 24) if side == MNIST_IMAGE.side else ()
        others = (1, 6) if is_bf16 else ()
        networks = [
            *(cls(filters=filters) for filters in usual),
            *(cls(filters=filters, pooling="average") for filters in average),
            *(cls(filters=filters, activation="tanh") for filters in tanh),
            *(cls(filters=filters, convolutions=1) for filters in others),
            *(cls(filters=filters, kernel=3) for filters in others),
        ]
        return [
            BenchmarkNetwork(network=cls(filters=1), side=16),
            *(BenchmarkNetwork(network=network, side=side) for network in networks),
        ]

    @property
    def lane_filters(self) -> int | None:
        if self.kernel != 5 or self.pooling != "max":
            return None
        return self.second_filters or self.filters

    @property
    def timing_variant(self) -> str:
        """Variant of the operations: ``general`` without the kernels for 5x5 filters and max pooling.

        ``small kernel`` is a general one with filters of less than 5x5 pixels.
        """
        if self.lane_filters is None:
            return "small kernel" if self.kernel < 5 else "general"
        if self.convolutions == 1:
            return "one convolution"
        return "tanh" if self.activation == "tanh" else ""

    @classmethod
    def catalogue(cls) -> list[CatalogueEntry]:
        usual = cls(filters=6)
        entries = [
            CatalogueEntry(
                name="lenet5, 6 filters",
                dataset="MNIST",
                image=MNIST_IMAGE,
                network=usual,
                published="61,706 parameters",
                source="LeCun et al. 1998, with a dense C3 and a linear readout",
                remark=(
                    "It has 1,706 parameters more than lenet5_1998, whose second convolution is sparse, whose"
                    " subsampling has weights, and whose outputs compare with fixed codes."
                ),
            ),
            CatalogueEntry(
                name="lenet5, 6 filters",
                dataset="CIFAR-10",
                image=CIFAR10_IMAGE,
                network=usual,
                published="layers 400-120-84-10",
                source="Meir et al. 2023, Sci. Rep. 13, 962",
            ),
        ]
        for convolutions in (1, 2):
            for hidden in ((120,), (120, 84), (120, 120, 84)):
                network = cls(filters=6, convolutions=convolutions, hidden=hidden)
                if network != usual:
                    units, plural = "-".join(map(str, hidden)), "s" * (convolutions > 1)
                    name = f"lenet5, 6 filters, {convolutions} convolution{plural}, hidden {units}"
                    entries.append(
                        CatalogueEntry(name=name, dataset="CIFAR-10", image=CIFAR10_IMAGE, network=network)
                    )
        return entries

    def padding(self, image: ImageShape) -> int:
        """Return the pixels added on each side: 28x28 images become the 32x32 of 1998."""
        return 2 if image.side == 28 else 0

    def problem(self, image: ImageShape) -> Problem | None:
        side = image.side + 2 * self.padding(image)
        # A convolution and its pooling leave (side - kernel + 1) // 2 pixels: one pixel is left of kernel +
        # 1, and after
        # two convolutions of 3 kernel + 1.
        largest = (side - 1) // (2**self.convolutions - 1)
        if largest < 1:
            return Problem("type", f"needs images of at least {2**self.convolutions}x{2**self.convolutions}")
        if self.kernel > largest:
            return Problem(
                "kernel",
                f"expected at most {largest}, so that a pixel of {image.side}x{image.side} is left, "
                f"got {self.kernel}",
            )
        return None

    def layer_table(self, image: ImageShape) -> LayerTable:
        side, channels = image.side + 2 * self.padding(image), image.channels
        layers = []
        for index, filters in enumerate((self.filters, self.second_filters)[: self.convolutions], start=1):
            layers.append(
                convolution(f"conv{index}", channels, filters=filters, side=side, kernel=self.kernel)
            )
            side, channels = side - self.kernel + 1, filters
            layers.append(pooling(f"pool{index}", channels, side=side))
            side //= 2
        units = channels * side**2
        for index, outputs in enumerate(self.hidden, start=1):
            layers.append(linear(f"hidden{index}", units, outputs=outputs))
            units = outputs
        return LayerTable(image, (*layers, linear("readout", units, outputs=image.classes)))

    def cost_problem(self, image: ImageShape, written: Set[str]) -> Problem | None:
        widths = {"filters", "second_filters", "ratio"} & written
        if self.convolutions == 1 or widths == {"second_filters"} or set(COST_SETTINGS) <= written:
            return super().cost_problem(image, written)
        if "filters" in widths and len(widths) > 1:
            cost = next(name for name in COST_SETTINGS if name in written)
            return Problem(cost, f"follows from {' and '.join(sorted(widths))}; leave one of the three out")
        return self._minimum_cost_problem(self._with_pair(self.filters, 1), image)

    def resolve_cost(self, image: ImageShape, written: Set[str]) -> Lenet5:
        """Return the network with the cost nearest to the one that is given.

        If neither number of filters is given, each d1 has one d2 that comes nearest to the cost; the pair
        whose d2/d1 is nearest to ``ratio`` is taken.
        """
        if self.convolutions == 1 or "second_filters" in written:
            return super().resolve_cost(image, written)

        def nearest_second(filters: int) -> int:
            return nearest(lambda d2: self._cost(self._with_pair(filters, d2), image), self._target_cost)

        if "filters" in written:
            return self._with_costs_of_self(self._with_pair(self.filters, nearest_second(self.filters)))
        widest = largest_within(lambda d1: self._cost(self._with_pair(d1, 1), image), self._target_cost)
        # d2 falls as d1 rises, so d1 - d2 / ratio rises and changes its sign once.
        below = min(widest, largest_within(lambda d1: d1 - nearest_second(min(d1, widest)) / self.ratio, 0))
        candidates = range(below, min(below + 1, widest) + 1)
        filters = min(candidates, key=lambda d1: abs(log(nearest_second(d1) / d1 / self.ratio)))
        return self._with_costs_of_self(self._with_pair(filters, nearest_second(filters)))

    def _with_pair(self, filters: int, second_filters: int) -> Lenet5:
        values = self.model_dump(exclude_unset=True, exclude={"ratio", *COST_SETTINGS})
        return self.model_validate(values | {"filters": filters, "second_filters": second_filters})
