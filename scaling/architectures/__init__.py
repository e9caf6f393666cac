"""Specifications of networks, without torch. A new architecture is one line here, one file here and one in ``scaling.models``."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from scaling.architectures.base import Architecture, ParameterScale
from scaling.architectures.layers import Layer, LayerTable
from scaling.architectures.lenet5 import Lenet5
from scaling.architectures.tree3 import Tree3
from scaling.architectures.vgg import Vgg
from scaling.architectures.width_search import COST_SETTINGS

AnyArchitecture = Annotated[Lenet5 | Tree3 | Vgg, Field(discriminator="type")]

__all__ = [
    "COST_SETTINGS",
    "AnyArchitecture",
    "Architecture",
    "Layer",
    "LayerTable",
    "Lenet5",
    "ParameterScale",
    "Tree3",
    "Vgg",
]
