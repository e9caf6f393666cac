"""Specifications of networks, without torch.

A new architecture is a specification, a network, a test and one line of ``register``.
"""

from __future__ import annotations

from scaling.architectures.base import Architecture
from scaling.architectures.description import (
    BenchmarkNetwork,
    CatalogueEntry,
    DerivedWidth,
    MemoryProfile,
    ParameterScale,
    Precision,
    SettingLabel,
)
from scaling.architectures.history.lenet1 import Lenet1
from scaling.architectures.history.lenet4 import Lenet4
from scaling.architectures.history.lenet5_1998 import Lenet5Of1998
from scaling.architectures.layers import Layer, LayerKind, LayerTable
from scaling.architectures.lenet5 import Lenet5
from scaling.architectures.registry import (
    AnyArchitecture,
    architecture_union,
    derived_width,
    derived_widths,
    network_path,
    register,
    registered,
    setting_labels,
    unregister,
)
from scaling.architectures.tree3 import Tree3
from scaling.architectures.vgg import Vgg
from scaling.architectures.width_search import COST_SETTINGS

register(Lenet5, network="scaling.models.lenet5:PackedLenet5")
register(Tree3, network="scaling.models.tree3:PackedTree3")
register(Vgg, network="scaling.models.vgg:PackedVgg")
register(Lenet1, network="scaling.models.history.lenet1:PackedLenet1")
register(Lenet4, network="scaling.models.history.lenet4:PackedLenet4")
register(Lenet5Of1998, network="scaling.models.history.lenet5_1998:PackedLenet5Of1998")

__all__ = [
    "COST_SETTINGS",
    "AnyArchitecture",
    "Architecture",
    "BenchmarkNetwork",
    "CatalogueEntry",
    "DerivedWidth",
    "Layer",
    "LayerKind",
    "LayerTable",
    "Lenet1",
    "Lenet4",
    "Lenet5",
    "Lenet5Of1998",
    "MemoryProfile",
    "ParameterScale",
    "Precision",
    "SettingLabel",
    "Tree3",
    "Vgg",
    "architecture_union",
    "derived_width",
    "derived_widths",
    "network_path",
    "register",
    "registered",
    "setting_labels",
    "unregister",
]
