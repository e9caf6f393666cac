"""Baselines that scikit-learn fits in one go: support vectors, nearest neighbours, a linear classifier.

Sources: Cortes & Vapnik, Machine Learning 20, 273 (1995)
    Cover & Hart, IEEE Trans. Inf. Theory 13, 21 (1967)
    results on MNIST beside LeNet, with k = 3: LeCun, Bottou, Bengio & Haffner, Proc. IEEE 86, 2278 (1998)

Set here: the inputs are those of a network, normalised as the recipe says, one number per pixel and colour.
A baseline has no width, so ``filters`` is 1, and no random numbers, so it has one run. Counts are of the
numbers that are stored: support vectors with their coefficients, training images, or weights. The fit
determines the number of support vectors, so a layer table before the fit counts none; the row of a run counts
them.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Set
from importlib.util import find_spec
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from scaling.architectures.base import Architecture
from scaling.architectures.description import MNIST_IMAGE, CatalogueEntry, FitProfile, SettingLabel
from scaling.architectures.layers import Layer, LayerKind, LayerTable, linear
from scaling.architectures.width_search import COST_SETTINGS
from scaling.errors import UsageError, install_command
from scaling.settings import ImageShape, PositiveInt, Problem

_Penalty = Annotated[float, Field(ge=1e-12, le=1e12)]
"""Factor of a penalty or a distance. Beyond this span, one of the terms is within the solvers' tolerance."""
SVM_CACHE_MIB = 500
"""Size of the cache of the support vector machine's kernel values."""

_MNIST_TRAINING_IMAGES = 60_000


class Baseline(Architecture):
    """A classifier without a width, which scikit-learn fits to all training images at once."""

    has_seeds: ClassVar[bool] = False
    has_widths: ClassVar[bool] = False
    recipe_settings: ClassVar[frozenset[str] | None] = frozenset({"input_range"})

    filters: PositiveInt = 1
    """Always 1, because a baseline has no filters."""

    def problem(self, image: ImageShape) -> Problem | None:
        if self.filters != 1:
            return Problem("filters", f"expected 1, because {self.type} has no filters, got {self.filters}")
        return None

    def cost_problem(self, image: ImageShape, written: Set[str]) -> Problem | None:
        setting = next(name for name in COST_SETTINGS if name in written)
        return Problem(setting, f"leave it out; {self.type} has no width that it could determine")

    def filters_total(self, image: ImageShape) -> int:
        return self.filters

    def layer_table(self, image: ImageShape) -> LayerTable:
        return self.fitted_layer_table(image, stored=0)

    def check_packages(self) -> None:
        if find_spec("sklearn") is None:
            raise UsageError(
                f"{self.type}: the package scikit-learn, which fits it, is missing; install it with:"
                f" {install_command('history')}"
            )

    @abstractmethod
    def fitted_layer_table(self, image: ImageShape, *, stored: int) -> LayerTable:
        """Return the layers after a fit.

        Args:
            image: image shape.
            stored: number of images that the fit keeps.
        """


class Svm(Baseline):
    """Support vector machine with the kernel exp(-gamma |x - y|^2), one for each pair of classes."""

    fit_profile: ClassVar[FitProfile] = FitProfile(
        pair_s=3e-10, score_s=4e-10, fixed_bytes=SVM_CACHE_MIB * 2**20
    )
    setting_labels: ClassVar[dict[str, SettingLabel]] = {
        "C": SettingLabel(plural="C {:g}"),
        "gamma": SettingLabel(plural="gamma {:g}"),
    }

    type: Literal["svm"] = "svm"
    C: _Penalty = 1.0
    """Penalty of a training image on the wrong side of the margin."""
    gamma: _Penalty | None = None
    """Inverse squared width of the kernel. By default, 1 over the number of inputs times their variance."""

    @classmethod
    def catalogue(cls) -> list[CatalogueEntry]:
        network = cls()
        return [
            CatalogueEntry(
                name="svm, at most",
                dataset="MNIST",
                image=MNIST_IMAGE,
                network=network,
                fitted_layers=network.fitted_layer_table(MNIST_IMAGE, stored=_MNIST_TRAINING_IMAGES),
                remark=(
                    "The counts are those of a machine that keeps all 60,000 training images as support"
                    " vectors. A fit keeps fewer; the row of a run counts them."
                ),
            )
        ]

    def fitted_layer_table(self, image: ImageShape, *, stored: int) -> LayerTable:
        pairs = image.classes * (image.classes - 1) // 2
        coefficients, intercepts = stored * (image.classes - 1), pairs if stored else 0
        votes = Layer(
            name="pairs",
            kind=LayerKind.LINEAR,
            shape=(pairs,),
            parameters=coefficients + intercepts,
            connections=coefficients + intercepts,
            macs=coefficients,
        )
        return LayerTable(image, (_stored_images("support_vectors", image, stored), votes))


class Knn(Baseline):
    """Vote of the k training images with the smallest Euclidean distance, each with one vote."""

    fit_profile: ClassVar[FitProfile] = FitProfile(score_s=1e-10)
    setting_labels: ClassVar[dict[str, SettingLabel]] = {
        "k": SettingLabel(plural="{} neighbours", singular="1 neighbour")
    }

    type: Literal["knn"] = "knn"
    k: PositiveInt = 3
    """Number of neighbours."""

    def train_size_problem(self, train_size: int) -> Problem | None:
        if self.k > train_size:
            return Problem("k", f"expected at most the number of training images, {train_size}, got {self.k}")
        return None

    @classmethod
    def catalogue(cls) -> list[CatalogueEntry]:
        network = cls()
        return [
            CatalogueEntry(
                name="knn",
                dataset="MNIST",
                image=MNIST_IMAGE,
                network=network,
                published="60,000 stored images",
                source="LeCun et al. 1998, Proc. IEEE 86, 2278",
                fitted_layers=network.fitted_layer_table(MNIST_IMAGE, stored=_MNIST_TRAINING_IMAGES),
            )
        ]

    def fitted_layer_table(self, image: ImageShape, *, stored: int) -> LayerTable:
        votes = Layer(name="votes", kind=LayerKind.LINEAR, shape=(image.classes,))
        return LayerTable(image, (_stored_images("images", image, stored), votes))


class LinearClassifier(Baseline):
    """Multinomial logistic regression with a squared penalty of the weights.

    Set here: logistic regression rather than least squares, because its scores are logits.
    """

    fit_profile: ClassVar[FitProfile] = FitProfile(image_s=1.2e-6)
    setting_labels: ClassVar[dict[str, SettingLabel]] = {"C": SettingLabel(plural="C {:g}")}

    type: Literal["linear_classifier"] = "linear_classifier"
    C: _Penalty = 1.0
    """Weight of the summed cross entropy against half the squared weights."""

    @classmethod
    def catalogue(cls) -> list[CatalogueEntry]:
        return [
            CatalogueEntry(
                name="linear_classifier",
                dataset="MNIST",
                image=MNIST_IMAGE,
                network=cls(),
                published="7,850 parameters",
                source="LeCun et al. 1998, Proc. IEEE 86, 2278",
            )
        ]

    def fitted_layer_table(self, image: ImageShape, *, stored: int) -> LayerTable:
        return LayerTable(image, (linear("readout", _pixels(image), outputs=image.classes),))


def _stored_images(name: str, image: ImageShape, count: int) -> Layer:
    """Return the comparison of an image with stored images: one unit for each of them."""
    numbers = count * _pixels(image)
    return Layer(
        name=name,
        kind=LayerKind.LINEAR,
        shape=(count,),
        parameters=numbers,
        connections=numbers,
        macs=numbers,
    )


def _pixels(image: ImageShape) -> int:
    return image.channels * image.side**2
