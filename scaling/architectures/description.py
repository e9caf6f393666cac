"""Records with which a specification describes itself: memory, benchmark sizes, published counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from scaling.architectures.layers import LayerTable
from scaling.settings import ImageShape

if TYPE_CHECKING:
    from scaling.architectures.base import Architecture

Precision = Literal["bf16", "fp32"]

MNIST_IMAGE, CIFAR10_IMAGE = ImageShape(1, 28, 10), ImageShape(3, 32, 10)
USPS_IMAGE = ImageShape(1, 16, 10)
FEATURES_IMAGE = ImageShape(270, 1, 10)
SET_HERE = "set here"
"""Source of a network that no publication describes."""
_COUNTS = ("depth", "units", "connections", "parameters", "macs", "backward_macs", "routes")
"""Counts of a layer table that the catalogue lists."""


@dataclass(frozen=True, kw_only=True)
class ParameterScale:
    """Factors of one weight tensor over the standard parametrisation."""

    initial: float = 1.0
    """Factor of the initial values."""
    sgd: float = 1.0
    """Factor of the learning rate under SGD, with or without momentum."""
    adam: float = 1.0
    """Factor of the learning rate under Adam and AdamW."""


@dataclass(frozen=True, kw_only=True)
class MemoryProfile:
    """Memory that a network's module needs on a CPU beyond one tensor per layer.

    The defaults hold for plain torch operations.
    """

    fp32_evaluation_copies: int = 2
    """Tensors of a layer's output size that exist at once in an evaluation in fp32; always 2 in bf16."""
    bf16_channel_multiple: int = 1
    """Feature maps of a replica are padded with empty ones to a multiple of this number in bf16."""
    bf16_pooling_index_bytes: int = 8
    """Bytes per pooled pixel that name the largest pixel of its window in bf16; always 8 in fp32."""
    pools_by_group: bool = False
    """True if kernels with images as lanes have one group's pooled maps at a time.

    They keep the maps of a training step, but not their gradients, and no maps of an evaluation.
    """
    compiler_bytes: int = 0
    """Bytes of a compiler, for an architecture that can be trained in compiled steps."""


@dataclass(frozen=True, kw_only=True)
class FitProfile:
    """Rough cost of an architecture that is fitted to all training images at once, on one core.

    An architecture with such a profile is not trained in epochs: it has one run, and no learning rate.
    """

    image_s: float = 0.0
    """Seconds of the fit for each training image and pixel."""
    pair_s: float = 0.0
    """Seconds of the fit for each pair of training images and pixel."""
    score_s: float = 0.0
    """Seconds for each scored image, training image and pixel."""
    fixed_bytes: int = 0
    """Bytes that do not depend on the data, such as a cache."""

    def seconds(self, image: ImageShape, *, trained: int, scored: int) -> float:
        """Return the seconds of a fit and of the scores.

        Args:
            image: image shape.
            trained: number of training images.
            scored: number of other images.
        """
        per_image = self.image_s + self.pair_s * trained + self.score_s * (trained + scored)
        return image.channels * image.side**2 * trained * per_image

    def memory_bytes(self, image: ImageShape, *, trained: int, scored: int) -> int:
        """Return the bytes of a fit and of the scores: three copies of all images in float64."""
        return self.fixed_bytes + 3 * 8 * image.channels * image.side**2 * (trained + scored)


@dataclass(frozen=True, kw_only=True)
class BenchmarkNetwork:
    """One network that ``scaling bench`` times."""

    network: Architecture
    side: int
    """Side of the square images, in pixels."""


@dataclass(frozen=True, kw_only=True)
class StepTimes:
    """Measured seconds of one core for a network, in a pack of canonical size."""

    step_s: float
    """Seconds of a training step of the whole pack, besides the seconds of its images."""
    train_s: float
    """Seconds that one image adds to a training step for each replica."""
    evaluate_s: float
    """Seconds of an evaluation step for each of its images and each replica."""


@dataclass(frozen=True, kw_only=True)
class CatalogueEntry:
    """One network that ``scaling models`` lists."""

    name: str
    dataset: str
    """Title of the data set whose image shape the network gets."""
    image: ImageShape
    network: Architecture
    published: str = ""
    """Counts from a publication; empty without any."""
    source: str = SET_HERE
    """Publication of the network."""
    remark: str = ""
    """Sentences on counts that differ from published ones; empty without a difference."""
    fitted_layers: LayerTable | None = None
    """Layers after a fit, if the fit determines their sizes."""

    @property
    def layer_table(self) -> LayerTable:
        return self.fitted_layers or self.network.layer_table(self.image)

    def to_dict(self) -> dict[str, Any]:
        """Return the entry with its computed counts."""
        table = self.layer_table
        return {
            "name": self.name,
            "images": self.dataset,
            **{count: getattr(table, count) for count in _COUNTS},
            "published": self.published,
            "source": self.source,
            "remark": self.remark,
            "layers": [layer.to_dict() for layer in table.layers],
        }


@dataclass(frozen=True, kw_only=True)
class DerivedWidth:
    """A second width that follows from ``filters`` unless given: ``setting`` = ``ratio`` x ``filters``."""

    setting: str
    """Name of the setting with the second width."""
    ratio: str
    """Name of the setting with its ratio to ``filters``."""
    description: str
    """Axis label of the ratio."""

    @property
    def setting_path(self) -> str:
        """Dotted path of ``setting`` within a run."""
        return f"architecture.{self.setting}"

    @property
    def ratio_path(self) -> str:
        """Dotted path of ``ratio`` within a run."""
        return f"architecture.{self.ratio}"


@dataclass(frozen=True, kw_only=True)
class SettingLabel:
    """Format strings that show a setting's value in the label of a curve."""

    plural: str
    singular: str = ""
    """Format of the value 1; by default ``plural``."""

    def text(self, value: object) -> str:
        """Return the label of a value."""
        return (self.singular if value == 1 and self.singular else self.plural).format(value)
