"""Catalogue of networks, with their counts beside published counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from scaling.architectures import Architecture, LayerTable, Lenet5, Tree3, Vgg
from scaling.architectures.vgg import CONVOLUTIONS
from scaling.settings import ImageShape

MNIST, CIFAR10 = ImageShape(1, 28, 10), ImageShape(3, 32, 10)
LECUN = "LeCun et al. 1998, with a dense C3 and a linear readout"
MEIR = "Meir et al. 2023, Sci. Rep. 13, 962"
TORCHVISION = {depth: f"torchvision's vgg{depth}_bn; one linear layer" for depth in (11, 13, 16)}
PUBLISHED = {
    11: "features 9,225,984",
    13: "features 9,410,880",
    16: "14,728,266 parameters, features 14,723,136",
}
"""Of VGG with 64 filters on ten classes, by depth; features are all but the linear layer."""
HERE = "set here"

COUNTS = ("depth", "units", "connections", "parameters", "macs", "backward_macs", "routes")
"""Of a layer table."""


@dataclass(frozen=True)
class CatalogueRow:
    """One network of the catalogue."""

    name: str
    images: str
    network: Architecture
    layer_table: LayerTable
    published: str
    """What a publication counts; empty where none does."""
    source: str

    def to_dict(self) -> dict[str, Any]:
        counts = {name: getattr(self.layer_table, name) for name in COUNTS}
        return {
            "name": self.name,
            "images": self.images,
            **counts,
            "published": self.published,
            "source": self.source,
        } | {"layers": [asdict(layer) | {"units": layer.units} for layer in self.layer_table.layers]}


def list_models() -> list[CatalogueRow]:
    """Return the networks with published counts, and their shallower and deeper relatives."""
    return [
        CatalogueRow(
            "lenet5, 6 filters",
            "MNIST",
            Lenet5(filters=6),
            Lenet5(filters=6).layer_table(MNIST),
            "61,706 parameters",
            LECUN,
        ),
        *_lenets(),
        *_trees(),
        *_vggs(),
    ]


def _lenets() -> Iterator[CatalogueRow]:
    yield CatalogueRow(
        "lenet5, 6 filters",
        "CIFAR-10",
        Lenet5(filters=6),
        Lenet5(filters=6).layer_table(CIFAR10),
        "layers 400-120-84-10",
        MEIR,
    )
    for convolutions in (1, 2):
        for hidden in ((120,), (120, 84), (120, 120, 84)):
            spec = Lenet5(filters=6, convolutions=convolutions, hidden=hidden)
            if spec != Lenet5(filters=6):
                plural = "s" if convolutions > 1 else ""
                sizes = "-".join(map(str, hidden))
                name = f"lenet5, 6 filters, {convolutions} convolution{plural}, hidden {sizes}"
                yield CatalogueRow(name, "CIFAR-10", spec, spec.layer_table(CIFAR10), "", HERE)


def _trees() -> Iterator[CatalogueRow]:
    for images, shape, strip, outputs in (("CIFAR-10", CIFAR10, 2, "x 3 x 7"), ("MNIST", MNIST, 4, "x 3")):
        for filters, branches in ((6, 16), (15, 16), (15, 80)):
            spec = Tree3(filters=filters, branches=branches, rows=strip)
            name = f"tree3, {filters} filters, {branches} branches"
            yield CatalogueRow(name, images, spec, spec.layer_table(shape), f"M {outputs} tree outputs", MEIR)


def _vggs() -> Iterator[CatalogueRow]:
    for depth in CONVOLUTIONS:
        spec = Vgg(filters=64).model_copy(update={"depth": depth})
        name = f"vgg, 64 filters, depth {depth}"
        yield CatalogueRow(
            name,
            "CIFAR-10",
            spec,
            spec.layer_table(CIFAR10),
            PUBLISHED.get(depth, ""),
            TORCHVISION.get(depth, HERE),
        )
        late = spec.model_copy(update={"pooling": "output"})
        yield CatalogueRow(
            f"{name}, pooling next to the output", "CIFAR-10", late, late.layer_table(CIFAR10), "", HERE
        )
