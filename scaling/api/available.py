"""What there is: data sets on this machine, and architectures beside their published counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from scaling.api.settings import Settings
from scaling.architectures import Architecture, LayerTable, Lenet5, Tree3, Vgg
from scaling.leaves import ImageShape

if TYPE_CHECKING:
    from scaling.data import Row

MNIST, CIFAR10 = ImageShape(1, 28, 10), ImageShape(3, 32, 10)
LECUN = "LeCun et al. 1998, with a dense C3 and a linear readout"
TORCHVISION = "torchvision's vgg{depth}_bn, its features"
MEIR = "Meir et al. 2023, Sci. Rep. 13, 962"

COUNTS = ("depth", "units", "connections", "parameters", "macs", "backward_macs", "routes")
"""Of a layer table."""


@dataclass(frozen=True)
class Entry:
    """One network of the catalogue."""

    name: str
    images: str
    layers: LayerTable
    published: str
    """What a publication counts; empty where none does."""
    source: str

    def to_dict(self) -> dict[str, Any]:
        counts = {name: getattr(self.layers, name) for name in COUNTS}
        return {"name": self.name, "images": self.images, **counts, "published": self.published, "source": self.source} | {
            "layers": [asdict(layer) | {"units": layer.units} for layer in self.layers.layers]
        }


def catalogue() -> list[Entry]:
    """The networks whose counts somebody has published, and their counts here."""
    rows: list[tuple[str, str, Architecture, ImageShape, str, str]] = [
        ("lenet5, 6 filters", "MNIST", Lenet5(filters=6), MNIST, "61,706 parameters", LECUN),
        ("lenet5, 6 filters", "CIFAR-10", Lenet5(filters=6), CIFAR10, "layers 400-120-84-10", MEIR),
    ]
    for images, shape, strip, outputs in (("CIFAR-10", CIFAR10, 2, "x 3 x 7"), ("MNIST", MNIST, 4, "x 3")):
        for filters, branches in ((6, 16), (15, 16), (15, 80)):
            name = f"tree3, {filters} filters, {branches} branches"
            rows.append((name, images, Tree3(filters=filters, branches=branches, rows=strip), shape, f"M {outputs} tree outputs", MEIR))
    for depth, features in ((11, 9_225_984), (13, 9_410_880), (16, 14_723_136)):
        published, source = f"{features:,} parameters before the readout", TORCHVISION.format(depth=depth)
        network = Vgg(filters=64).model_copy(update={"depth": depth})
        rows.append((f"vgg, 64 filters, depth {depth}", "CIFAR-10", network, CIFAR10, published, source))
    return [Entry(name, images, spec.layers(shape), published, source) for name, images, spec, shape, published, source in rows]


def inventory(settings: Settings | None = None) -> list[Row]:
    """Every published data set: whether it is here, and where."""
    from scaling import data

    return data.inventory((settings or Settings()).data)


def fetch(names: Sequence[str], settings: Settings | None = None) -> list[Row]:
    """Fetch, verify and cache data sets by name.

    Raises:
        DataError: no such set, or it can't be had.
    """
    from scaling import data

    return [data.fetch(name, (settings or Settings()).data) for name in names]
