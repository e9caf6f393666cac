"""Training recipe: optimiser, schedule, number of epochs, batch size, loss, precision and augmentation."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from scaling.settings import (
    ConfigModel,
    IdentityDefault,
    ImageShape,
    NonNegativeInt,
    PositiveInt,
    Problem,
)

PositiveFloat = Annotated[float, Field(gt=0)]
"""Number above 0."""
_Fraction = Annotated[float, Field(ge=0, lt=1)]


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
    epsilon: PositiveFloat = 1e-8
    """Number that is added to the denominator."""


class AdamW(ConfigModel):
    """Adam with decoupled weight decay, as in torch.optim.AdamW.

    Source: Loshchilov & Hutter, ICLR 2019
    """

    type: Literal["adamw"] = "adamw"
    beta1: _Fraction = 0.9
    """Decay rate of the mean gradient."""
    beta2: _Fraction = 0.999
    """Decay rate of the mean squared gradient."""
    epsilon: PositiveFloat = 1e-8
    """Number that is added to the denominator."""


class Constant(ConfigModel):
    """Constant learning rate."""

    type: Literal["constant"] = "constant"


class Step(ConfigModel):
    """Learning rate that is multiplied by ``factor`` after every ``every`` epochs."""

    type: Literal["step"] = "step"
    every: PositiveInt
    """Number of epochs between two changes."""
    factor: Annotated[float, Field(gt=0, le=1)]
    """Factor of each change."""


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
    warmup: Annotated[float, Field(gt=0, lt=1)] = 0.3
    """Fraction of the steps in which the learning rate rises."""


class Augmentation(ConfigModel):
    """Augmentation of the training images, drawn again for each image in each epoch."""

    crop: Annotated[NonNegativeInt, IdentityDefault(0)] = 0
    """Pixels of black padding on each side before a random crop to the original size."""
    flip: Annotated[bool, IdentityDefault(False)] = False
    """True to mirror half of the images horizontally."""
    shift: Annotated[NonNegativeInt, IdentityDefault(0)] = 0
    """Largest random shift along each axis in pixels; the border pixels are repeated."""


class Recipe(ConfigModel):
    """Optimiser, schedule, number of epochs, batch size, loss, precision and augmentation."""

    optimizer: Annotated[Sgd | Adam | AdamW, Field(discriminator="type")] = Sgd()
    """Optimiser and its options."""
    learning_rate: PositiveFloat = 0.05
    """Highest learning rate of the schedule. It may differ between the replicas of a pack."""
    weight_decay: Annotated[float, Field(ge=0), IdentityDefault(0.0)] = 0.0
    """Weight decay. It may differ between the replicas of a pack."""
    schedule: Annotated[Constant | Step | Cosine | OneCycle, Field(discriminator="type")] = OneCycle()
    """Schedule of the learning rate."""
    epochs: PositiveInt = 8
    """Number of passes over the training images."""
    batch_size: PositiveInt = 100
    """Number of images in a step. Images that do not fill the last batch of an epoch are left out of it."""
    loss: Annotated[Literal["cross_entropy", "mse"], IdentityDefault("cross_entropy")] = "cross_entropy"
    """Loss; ``mse`` is the squared distance to one-hot targets, averaged over classes and images."""
    precision: Literal["fp32", "bf16"] = "bf16"
    """Precision of activations and gradients. Weights and the optimiser's state are always fp32."""
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
        for name, pixels in (("crop", self.augmentation.crop), ("shift", self.augmentation.shift)):
            if pixels >= image.side:
                text = f"expected a number below the image's side, {image.side}, got {pixels}"
                return Problem(f"augmentation.{name}", text)
        return None
