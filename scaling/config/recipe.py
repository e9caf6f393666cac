"""How a network is trained: everything but the data, the network and the random numbers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from scaling.settings import ConfigModel, IdentityDefault, ImageShape, NonNegativeInt, PositiveInt, Problem

Fraction = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]


class Sgd(ConfigModel):
    """Stochastic gradient descent with momentum, as torch.optim.SGD computes it."""

    type: Literal["sgd"] = "sgd"
    momentum: Fraction = 0.9
    nesterov: bool = True

    @model_validator(mode="after")
    def _check(self) -> Sgd:
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov: true needs a momentum above 0")
        return self


class Adam(ConfigModel):
    """Kingma & Ba 2015; the weight decay is added to the gradient."""

    type: Literal["adam"] = "adam"
    beta1: Fraction = 0.9
    beta2: Fraction = 0.999
    epsilon: Positive = 1e-8


class AdamW(ConfigModel):
    """Loshchilov & Hutter 2019; the weight decay is decoupled from the gradient."""

    type: Literal["adamw"] = "adamw"
    beta1: Fraction = 0.9
    beta2: Fraction = 0.999
    epsilon: Positive = 1e-8


class Constant(ConfigModel):
    """The learning rate stays as it is."""

    type: Literal["constant"] = "constant"


class Step(ConfigModel):
    """The learning rate is multiplied by ``factor`` after every ``every`` epochs."""

    type: Literal["step"] = "step"
    every: PositiveInt
    """Epochs."""
    factor: Annotated[float, Field(gt=0, le=1)]


class Cosine(ConfigModel):
    """Half a cosine from the learning rate to zero, step by step (Loshchilov & Hutter 2017, without restarts)."""

    type: Literal["cosine"] = "cosine"


class OneCycle(ConfigModel):
    """Linear from zero to the learning rate, then linear to zero (after Smith & Topin 2019; the momentum stays)."""

    type: Literal["one_cycle"] = "one_cycle"
    warmup: Annotated[float, Field(gt=0, lt=1)] = 0.3
    """Share of the steps that rise."""


class Augmentation(ConfigModel):
    """Drawn anew for each image in each epoch."""

    crop: Annotated[NonNegativeInt, IdentityDefault(0)] = 0
    """Pixels of padding on each side, out of which the image's own size is cropped; the padding is black."""
    flip: Annotated[bool, IdentityDefault(False)] = False
    """Left becomes right, half of the time."""
    shift: Annotated[NonNegativeInt, IdentityDefault(0)] = 0
    """Pixels, at most, by which the image moves along each axis; its border is repeated."""


class Recipe(ConfigModel):
    """Optimiser, schedule, length, batch, loss, precision and augmentation."""

    optimizer: Annotated[Sgd | Adam | AdamW, Field(discriminator="type")] = Sgd()
    learning_rate: Positive = 0.05
    """The highest of the schedule. May differ between the replicas of a pack."""
    weight_decay: Annotated[float, Field(ge=0), IdentityDefault(0.0)] = 0.0
    """May differ between the replicas of a pack."""
    schedule: Annotated[Constant | Step | Cosine | OneCycle, Field(discriminator="type")] = OneCycle()
    epochs: PositiveInt = 8
    batch_size: PositiveInt = 100
    """Images a step; the images left over at the end of an epoch wait for the next one's shuffle."""
    loss: Annotated[Literal["cross_entropy", "mse"], IdentityDefault("cross_entropy")] = "cross_entropy"
    """``mse``: mean over classes and images of the squared distance to one-hot targets."""
    precision: Literal["fp32", "bf16"] = "bf16"
    """Of activations and gradients; weights and the optimiser's state are always fp32."""
    augmentation: Annotated[Augmentation, IdentityDefault(Augmentation())] = Augmentation()

    def images_per_epoch(self, used: int) -> int:
        """Images of an epoch: of the ``used`` ones as many as fill whole batches."""
        return used // self.batch_size * self.batch_size

    def problem(self, image: ImageShape, used: int) -> Problem | None:
        """Why ``used`` images of this shape can't be trained on so: (the leaf, what is permitted), or None."""
        if self.batch_size > used:
            return Problem("batch_size", f"must be at most the {used} training images, not {self.batch_size}")
        for name, pixels in (("crop", self.augmentation.crop), ("shift", self.augmentation.shift)):
            if pixels >= image.side:
                return Problem(
                    f"augmentation.{name}", f"must be below the image's side, {image.side}, not {pixels}"
                )
        return None
