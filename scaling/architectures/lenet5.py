"""LeNet-5, generalised: any width, kernel, activation, pooling and hidden layers, with one convolution or two.

Sources: LeCun, Bottou, Bengio & Haffner, Proc. IEEE 86, 2278 (1998), doi:10.1109/5.726791;
    widened at a fixed ratio d2/d1: Meir, Tevet, Tzach, Hodassman, Gross & Kanter, Sci. Rep. 13, 5423 (2023), doi:10.1038/s41598-023-32559-8

Set here: ReLU and max pooling by default, parameterless pooling, a dense second convolution, a linear readout, and hidden layers
that keep their size when filters are added.
"""

from __future__ import annotations

from collections.abc import Set
from math import floor, log
from typing import Annotated, Literal

from pydantic import Field, model_validator

from scaling.architectures.layers import LayerTable, convolution, linear, pooling
from scaling.architectures.mup import MupArchitecture
from scaling.architectures.width_search import COST_SETTINGS, largest_within, nearest
from scaling.settings import IdentityDefault, ImageShape, NonNegativeInt, NotInIdentity, PositiveInt, Problem

RATIO = 16 / 6


class Lenet5(MupArchitecture):
    """One convolution or two, each followed by 2x2 pooling; then ``hidden`` layers and a readout."""

    type: Literal["lenet5"] = "lenet5"
    ratio: Annotated[float, Field(gt=0, lt=2**53), NotInIdentity()] = RATIO
    """d2/d1. Published for the 1998 network: 16/6."""
    second_filters: NonNegativeInt = 0
    """d2; by default ``ratio`` times ``filters``, rounded half up, at least 1. 0 where there is no second convolution."""
    convolutions: Annotated[Literal[1, 2], IdentityDefault(2)] = 2
    kernel: Annotated[PositiveInt, IdentityDefault(5)] = 5
    """Side of both convolutions' filters, in pixels."""
    activation: Annotated[Literal["relu", "tanh"], IdentityDefault("relu")] = "relu"
    pooling: Annotated[Literal["max", "average"], IdentityDefault("max")] = "max"
    hidden: Annotated[tuple[PositiveInt, ...], Field(strict=False), IdentityDefault((120, 84))] = (120, 84)
    """Units of the fully connected layers before the readout."""

    @model_validator(mode="after")
    def _resolve(self) -> Lenet5:
        """Identity knows d2, never the ratio that it was written with."""
        written = self.model_fields_set
        if self.convolutions == 1:
            if self.second_filters or "ratio" in written:
                raise ValueError("ratio and second_filters need convolutions: 2")
        elif "second_filters" not in written:
            second = max(1, floor(self.ratio * self.filters + 0.5))
            if second >= 2**53:
                raise ValueError(
                    f"ratio and filters make {second:.3g} second filters, more than can be counted; make either smaller"
                )
            # Not set the usual way: the leaf stays one that nobody wrote.
            object.__setattr__(self, "second_filters", second)
        elif self.second_filters == 0:
            raise ValueError("second_filters must be at least 1 where there are two convolutions")
        elif "ratio" in written:
            raise ValueError("give ratio or second_filters, not both")
        return self

    def cost_problem(self, image: ImageShape, written: Set[str]) -> Problem | None:
        free = {"filters", "second_filters", "ratio"} & written
        if self.convolutions == 1 or free == {"second_filters"} or set(COST_SETTINGS) <= written:
            return super().cost_problem(image, written)
        if "filters" in free and len(free) > 1:
            asked = next(name for name in COST_SETTINGS if name in written)
            return Problem(asked, f"follows from {' and '.join(sorted(free))}; leave one of the three out")
        return self._too_cheap(self._pair(self.filters, 1), image)

    def resolve_cost(self, image: ImageShape, written: Set[str]) -> Lenet5:
        """With both numbers of filters free, that of the pairs nearest to the cost, one for each d1, whose d2/d1 is nearest to the ratio."""
        if self.convolutions == 1 or "second_filters" in written:
            return super().resolve_cost(image, written)

        def second(filters: int) -> int:
            return nearest(lambda d2: self._cost(self._pair(filters, d2), image), self._target)

        if "filters" in written:
            return self._noted(self._pair(self.filters, second(self.filters)))
        widest = largest_within(lambda d1: self._cost(self._pair(d1, 1), image), self._target)
        # d2 falls as d1 rises.
        below = min(widest, largest_within(lambda d1: d1 - second(min(d1, widest)) / self.ratio, 0))
        tried = range(below, min(below + 1, widest) + 1)
        filters = min(tried, key=lambda d1: abs(log(second(d1) / d1 / self.ratio)))
        return self._noted(self._pair(filters, second(filters)))

    def _pair(self, filters: int, second_filters: int) -> Lenet5:
        plain = self.model_dump(exclude_unset=True, exclude={"ratio", *COST_SETTINGS})
        return self.model_validate(plain | {"filters": filters, "second_filters": second_filters})

    def padding(self, image: ImageShape) -> int:
        """Pixels added on each side: MNIST's 28x28 become the 32x32 of 1998; nothing else is padded."""
        return 2 if image.side == 28 else 0

    def problem(self, image: ImageShape) -> Problem | None:
        side = image.side + 2 * self.padding(image)
        # A convolution and its pooling leave (side - kernel + 1) // 2. So one pixel is left of kernel + 1, and after two of 3 kernel + 1.
        largest = (side - 1) // (2**self.convolutions - 1)
        if largest < 1:
            return Problem("type", f"needs images of at least {2**self.convolutions}x{2**self.convolutions}")
        if self.kernel > largest:
            return Problem(
                "kernel",
                f"must be at most {largest} for a pixel of {image.side}x{image.side} to be left, not {self.kernel}",
            )
        return None

    def layer_table(self, image: ImageShape) -> LayerTable:
        side, channels = image.side + 2 * self.padding(image), image.channels
        table = []
        for index, filters in enumerate((self.filters, self.second_filters)[: self.convolutions], start=1):
            table.append(convolution(f"conv{index}", channels, filters, side, self.kernel))
            table.append(pooling(f"pool{index}", filters, side - self.kernel + 1))
            side, channels = (side - self.kernel + 1) // 2, filters
        units = channels * side**2
        for index, outputs in enumerate((*self.hidden, image.classes), start=1):
            table.append(linear("readout" if index > len(self.hidden) else f"hidden{index}", units, outputs))
            units = outputs
        return LayerTable(image, tuple(table))
