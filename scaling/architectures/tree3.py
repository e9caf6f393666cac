"""Tree-3: one convolution, one tree layer, one readout.

Source: Meir, Ben-Noam, Tzach, Hodassman & Kanter, Sci. Rep. 13, 962 (2023), Fig. 1c and Methods.
    doi:10.1038/s41598-023-27986-6

Set here: no biases by default, logits as output, and strips of 2 rows by default, the geometry for CIFAR-10
(4 for MNIST).
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from scaling.architectures.base import Architecture
from scaling.architectures.description import (
    CIFAR10_IMAGE,
    MNIST_IMAGE,
    BenchmarkNetwork,
    CatalogueEntry,
    MemoryProfile,
    Precision,
    SettingLabel,
)
from scaling.architectures.layers import Layer, LayerKind, LayerTable, convolution, linear, pooling
from scaling.settings import IdentityDefault, ImageShape, PositiveInt, Problem

_MANY_BRANCHES = 36
"""Number of branches above which a tree has times like one with 80 branches, rather than with 16.

Set here: the geometric mean of the two numbers of branches that are measured.
"""


class Tree3(Architecture):
    """A network in which each pooled unit feeds exactly one unit of each branch."""

    KERNEL: ClassVar[int] = 5
    """Side of the filters, in pixels."""

    memory_profile: ClassVar[MemoryProfile] = MemoryProfile(pools_by_group=True)
    setting_labels: ClassVar[dict[str, SettingLabel]] = {
        "branches": SettingLabel(plural="{} branches", singular="1 branch"),
        "activation": SettingLabel(plural="{}"),
    }

    type: Literal["tree3"] = "tree3"
    branches: Annotated[PositiveInt, IdentityDefault(16)] = 16
    """Number of branches, M in the paper."""
    rows: PositiveInt = 2
    """Rows of the pooled map that one tree unit sees, over the map's whole width; must divide the map."""
    activation: Annotated[Literal["sigmoid", "relu"], IdentityDefault("sigmoid")] = "sigmoid"
    """Activation of the pooled map and of the tree units."""
    biases: Annotated[bool, IdentityDefault(False)] = False
    """True for a bias in each unit and in each filter."""

    @classmethod
    def benchmark_networks(cls, side: int, precision: Precision) -> list[BenchmarkNetwork]:
        widths = (1, 3, 6, 15, 48) if precision == "bf16" else (1, 6, 15)
        rows = 4 if side == MNIST_IMAGE.side else 2
        return [
            BenchmarkNetwork(network=cls(filters=1, rows=1), side=8),
            *(BenchmarkNetwork(network=cls(filters=filters, rows=rows), side=side) for filters in widths),
            *(
                BenchmarkNetwork(network=cls(filters=filters, rows=rows, branches=80), side=side)
                for filters in ((3, 15) if precision == "bf16" else ())
            ),
        ]

    @property
    def timing_variant(self) -> str:
        """``many branches`` if most of the arithmetic is that of the branches; empty for the others."""
        return "many branches" if self.branches > _MANY_BRANCHES else ""

    @classmethod
    def catalogue(cls) -> list[CatalogueEntry]:
        return [
            CatalogueEntry(
                name=f"tree3, {filters} filters, {branches} branches",
                dataset=dataset,
                image=image,
                network=cls(filters=filters, branches=branches, rows=rows),
                published=f"M {outputs} tree outputs",
                source="Meir et al. 2023, Sci. Rep. 13, 962",
            )
            for dataset, image, rows, outputs in (
                ("CIFAR-10", CIFAR10_IMAGE, 2, "x 3 x 7"),
                ("MNIST", MNIST_IMAGE, 4, "x 3"),
            )
            for filters, branches in ((6, 16), (15, 16), (15, 80))
        ]

    @property
    def lane_filters(self) -> int:
        return 1

    def pooled_side(self, image: ImageShape) -> int:
        """Return the side of the pooled map, in pixels."""
        return (image.side - self.KERNEL + 1) // 2

    def strips(self, image: ImageShape) -> int:
        """Return the number of strips of the pooled map."""
        return self.pooled_side(image) // self.rows

    def problem(self, image: ImageShape) -> Problem | None:
        side = self.pooled_side(image)
        if side < 1:
            return Problem("type", f"needs images of at least {self.KERNEL + 1}x{self.KERNEL + 1}")
        if side % self.rows:
            divisors = ", ".join(str(n) for n in range(1, side + 1) if side % n == 0)
            return Problem(
                "rows",
                f"expected a divisor of the {side} rows of the pooled map: {divisors}; got {self.rows}",
            )
        return None

    def layer_table(self, image: ImageShape) -> LayerTable:
        colours, side, strips = image.channels, self.pooled_side(image), self.strips(image)
        maps = colours * self.filters
        units = self.branches * colours * strips
        weights = self.branches * maps * side**2
        conv = convolution(
            "conv",
            colours,
            filters=maps,
            side=image.side,
            kernel=self.KERNEL,
            groups=colours,
            bias=self.biases,
        )
        tree = Layer(
            name="tree",
            kind=LayerKind.LOCALLY_CONNECTED,
            shape=(self.branches, colours, strips),
            parameters=weights + self.biases * units,
            connections=weights + self.biases * units,
            macs=weights,
        )
        pool = pooling("pool", maps, side=image.side - self.KERNEL + 1)
        readout = linear("readout", units, outputs=image.classes, bias=self.biases)
        return LayerTable(image, (conv, pool, tree, readout))
