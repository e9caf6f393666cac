"""Training recipe: optimiser, schedule, number of epochs, batch size, loss, precision and augmentation."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, field_validator, model_validator

from scaling.settings import (
    ConfigModel,
    IdentityDefault,
    ImageShape,
    NonNegativeInt,
    PositiveInt,
    Problem,
    zero_or_at_least,
)

_LEAST = 1e-12
"""Smallest number that has an effect on the training.

Weights are fp32 numbers of order one, with 24 significant bits: a step below 6e-8 changes none of them, and
no gradient exceeds 50,000 in a training that learns.
"""
LearningRate = Annotated[float, Field(ge=_LEAST, le=1e6)]
"""Learning rate. With the largest one, a gradient of 1e-6 already moves a weight by its own size."""
_WeightDecay = Annotated[float, Field(ge=0, le=1e6), zero_or_at_least(_LEAST)]
Epochs = Annotated[int, Field(ge=1, le=10**6)]
"""Number of epochs. The store has a row for each."""
_Fraction = Annotated[float, Field(ge=0, lt=1), zero_or_at_least(_LEAST)]
_Factor = Annotated[float, Field(ge=_LEAST, le=1)]
_Level = Annotated[float, Field(ge=-1e6, le=1e6), zero_or_at_least(_LEAST)]
"""Input or target of a network. The squares of larger ones, summed over images, would not fit into fp32."""
_NumberPair = Annotated[tuple[_Level, _Level], Field(strict=False)]
_Pixels = Annotated[float, Field(ge=0), zero_or_at_least(_LEAST)]
_Distortion = Annotated[float, Field(ge=0, le=10), zero_or_at_least(_LEAST)]
"""Distortion of an image. A larger one leaves less than a tenth of the image, or of its rows."""
_DEFAULT_TARGETS = (0.0, 1.0)


class Sgd(ConfigModel):
    """Stochastic gradient descent with momentum, as in torch.optim.SGD."""

    type: Literal["sgd"] = "sgd"
    momentum: _Fraction = 0.9
    """Momentum factor, from 0 to below 1."""
    nesterov: bool = True
    """True for Nesterov momentum."""

    @model_validator(mode="after")
    def _check_momentum(self) -> Sgd:
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov: true needs a momentum above 0")
        return self


class Adam(ConfigModel):
    """Adam, with the weight decay added to the gradient, as in torch.optim.Adam.

    Source: Kingma & Ba, ICLR 2015
    """

    type: Literal["adam"] = "adam"
    beta1: _Fraction = 0.9
    """Decay rate of the mean gradient."""
    beta2: _Fraction = 0.999
    """Decay rate of the mean squared gradient."""
    epsilon: Annotated[float, Field(ge=1e-30, le=1e6)] = 1e-8
    """Number that is added to the denominator, so that fp32 never divides by zero."""


class AdamW(ConfigModel):
    """Adam with decoupled weight decay, as in torch.optim.AdamW.

    Source: Loshchilov & Hutter, ICLR 2019
    """

    type: Literal["adamw"] = "adamw"
    beta1: _Fraction = 0.9
    """Decay rate of the mean gradient."""
    beta2: _Fraction = 0.999
    """Decay rate of the mean squared gradient."""
    epsilon: Annotated[float, Field(ge=1e-30, le=1e6)] = 1e-8
    """Number that is added to the denominator, so that fp32 never divides by zero."""


class Constant(ConfigModel):
    """Constant learning rate."""

    type: Literal["constant"] = "constant"


class Step(ConfigModel):
    """Learning rate that is multiplied by ``factor`` after every ``every`` epochs."""

    type: Literal["step"] = "step"
    every: Epochs
    """Number of epochs between two changes."""
    factor: _Factor
    """Factor of each change."""


class Piecewise(ConfigModel):
    """Learning rate that is constant between given epochs."""

    type: Literal["piecewise"] = "piecewise"
    epochs: Annotated[tuple[Epochs, ...], Field(strict=False)]
    """Numbers of epochs after which the learning rate changes, rising."""
    factors: Annotated[tuple[_Factor, ...], Field(strict=False)]
    """Learning rate after each change, as a fraction of the initial learning rate."""

    @field_validator("epochs")
    @classmethod
    def _check_epochs(cls, epochs: tuple[int, ...]) -> tuple[int, ...]:
        if not epochs or any(earlier >= later for earlier, later in pairwise(epochs)):
            raise ValueError(f"expected rising numbers of epochs, got {list(epochs)}")
        return epochs

    @field_validator("factors")
    @classmethod
    def _check_factors(cls, factors: tuple[float, ...], info: Any) -> tuple[float, ...]:
        epochs = info.data.get("epochs", factors)  # epochs that are wrong themselves have their own message
        if len(factors) != len(epochs):
            raise ValueError(f"expected {len(epochs)} factors, one for each of epochs, got {list(factors)}")
        return factors


class Cosine(ConfigModel):
    """Learning rate that falls to zero along half a cosine, updated at every step, without restarts.

    Source: Loshchilov & Hutter, ICLR 2017
    """

    type: Literal["cosine"] = "cosine"


class OneCycle(ConfigModel):
    """Learning rate that rises linearly from zero and falls linearly to zero. The momentum is constant.

    Source: after Smith & Topin, Proc. SPIE 11006 (2019)
    """

    type: Literal["one_cycle"] = "one_cycle"
    warmup: Annotated[float, Field(ge=_LEAST, lt=1)] = 0.3
    """Fraction of the steps in which the learning rate rises."""


class Affine(ConfigModel):
    """Random planar affine distortions around the centre of each image.

    Source: LeCun, Bottou, Bengio & Haffner, Proc. IEEE 86, 2278 (1998), who name the five distortions.

    Set here: the five numbers are independent. Translations and shears are uniform; the logarithms of scale
    and squeeze are. The image is scaled and squeezed first, then sheared, then translated, and each pixel
    is interpolated bilinearly. The area outside the image has the value 0. The paper gives no ranges, so the
    default is no distortion.
    """

    translation: Annotated[_Pixels, IdentityDefault(0.0)] = 0.0
    """Largest horizontal and largest vertical translation, in pixels."""
    scale: Annotated[_Distortion, IdentityDefault(0.0)] = 0.0
    """Largest enlargement: 0.1 permits sizes from 1/1.1 to 1.1 of the original."""
    squeeze: Annotated[_Distortion, IdentityDefault(0.0)] = 0.0
    """Largest squeeze: 0.1 permits widths from 1/1.1 to 1.1, where the height changes by the inverse."""
    shear: Annotated[_Distortion, IdentityDefault(0.0)] = 0.0
    """Largest horizontal shear: horizontal displacement per pixel of vertical distance from the centre."""


class Augmentation(ConfigModel):
    """Augmentation of the training images, drawn again for each image in each epoch."""

    crop: Annotated[NonNegativeInt, IdentityDefault(0)] = 0
    """Pixels of black padding on each side before a random crop to the original size."""
    flip: Annotated[bool, IdentityDefault(False)] = False
    """True to mirror half of the images horizontally."""
    shift: Annotated[NonNegativeInt, IdentityDefault(0)] = 0
    """Largest random shift along each axis in pixels; the border pixels are repeated."""
    affine: Annotated[Affine, IdentityDefault(Affine())] = Affine()
    """Affine distortions, which are applied before the other changes."""


Schedule = Annotated[Constant | Step | Piecewise | Cosine | OneCycle, Field(discriminator="type")]
"""Schedule of a learning rate."""


class Recipe(ConfigModel):
    """Optimiser, schedule, number of epochs, batch size, loss, precision and augmentation."""

    optimizer: Annotated[Sgd | Adam | AdamW, Field(discriminator="type")] = Sgd()
    """Optimiser and its options."""
    learning_rate: LearningRate = 0.05
    """Highest learning rate of the schedule. It may differ between the replicas of a pack."""
    weight_decay: Annotated[_WeightDecay, IdentityDefault(0.0)] = 0.0
    """Weight decay. It may differ between the replicas of a pack."""
    schedule: Schedule = OneCycle()
    """Schedule of the learning rate."""
    epochs: Epochs = 8
    """Number of passes over the training images."""
    batch_size: PositiveInt = 100
    """Number of images in a step. Images that do not fill the last batch of an epoch are left out of it."""
    loss: Annotated[Literal["cross_entropy", "mse"], IdentityDefault("cross_entropy")] = "cross_entropy"
    """Loss; ``mse`` is the squared distance to the targets, averaged over classes and images."""
    targets: Annotated[_NumberPair, IdentityDefault(_DEFAULT_TARGETS)] = _DEFAULT_TARGETS
    """Targets of the loss ``mse``: for the wrong classes, and for the correct class."""
    input_range: Annotated[_NumberPair | None, IdentityDefault(None)] = None
    """Network inputs of the pixel values 0 and 255, such as background and ink. By default, pixels are
    standardised with the mean and the standard deviation of the training split."""
    precision: Literal["fp32", "bf16"] = "bf16"
    """Precision of activations and gradients. Weights and the optimiser's state are always fp32.

    With ``bf16``, lenet5 and tree3 on a CPU compute in fp32 where that is faster (docs/decisions/0024).
    """
    augmentation: Annotated[Augmentation, IdentityDefault(Augmentation())] = Augmentation()
    """Augmentation of the training images."""

    def images_per_epoch(self, train_size: int) -> int:
        """Return the number of images that fill whole batches.

        Args:
            train_size: number of training images in use.
        """
        return train_size // self.batch_size * self.batch_size

    def problem(self, image: ImageShape, train_size: int) -> Problem | None:
        """Return why a network cannot be trained on these images with this recipe, or None.

        Args:
            image: shape of the images.
            train_size: number of training images in use.
        """
        if self.batch_size > train_size:
            text = f"expected at most the number of training images, {train_size}, got {self.batch_size}"
            return Problem("batch_size", text)
        augmentation = self.augmentation
        for name, pixels in (
            ("crop", augmentation.crop),
            ("shift", augmentation.shift),
            ("affine.translation", augmentation.affine.translation),
        ):
            if pixels >= image.side:
                text = f"expected a number below the image's side, {image.side}, got {pixels}"
                return Problem(f"augmentation.{name}", text)
        if self.targets != _DEFAULT_TARGETS and self.loss != "mse":
            return Problem("targets", "are only for the loss mse; set loss: mse, or remove targets")
        return None

    @field_validator("targets", "input_range")
    @classmethod
    def _check_pair(cls, pair: tuple[float, float] | None) -> tuple[float, float] | None:
        if pair and np.float32(pair[0]) == np.float32(pair[1]):
            raise ValueError(f"expected two numbers that differ in fp32, got {list(pair)}")
        return pair
