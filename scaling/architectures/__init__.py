"""Specifications of networks, without torch.

A new architecture is a specification, a network, a test and one line of ``register``.
"""

from __future__ import annotations

from scaling.architectures.base import Architecture
from scaling.architectures.baselines import Knn, LinearClassifier, Svm
from scaling.architectures.description import (
    BenchmarkNetwork,
    CatalogueEntry,
    DerivedWidth,
    FitProfile,
    MemoryProfile,
    ParameterScale,
    Precision,
    SettingLabel,
    StepTimes,
)
from scaling.architectures.history.hybrid1988 import Hybrid1988
from scaling.architectures.history.lenet1 import Lenet1
from scaling.architectures.history.lenet1_teaching import Lenet1Teaching
from scaling.architectures.history.lenet4 import Lenet4
from scaling.architectures.history.lenet5_1998 import Lenet5Of1998
from scaling.architectures.history.nets1989 import Net1, Net2, Net3, Net4, Net5
from scaling.architectures.history.zipcode1989 import Zipcode1989
from scaling.architectures.layers import Layer, LayerKind, LayerTable
from scaling.architectures.lenet5 import Lenet5
from scaling.architectures.own_networks.spec import OwnLightning, OwnModule, OwnNetwork
from scaling.architectures.registry import (
    AnyArchitecture,
    architecture_union,
    derived_width,
    derived_widths,
    has_seeds,
    has_widths,
    is_fitted,
    network_path,
    recipe_settings,
    register,
    registered,
    setting_labels,
    title_settings,
    unregister,
)
from scaling.architectures.tree3 import Tree3
from scaling.architectures.vgg import Vgg
from scaling.architectures.width_search import COST_SETTINGS

register(Lenet5, network="scaling.models.lenet5:PackedLenet5")
register(Tree3, network="scaling.models.tree3:PackedTree3")
register(Vgg, network="scaling.models.vgg:PackedVgg")
register(Zipcode1989, network="scaling.models.history.zipcode1989:PackedZipcode1989")
register(Net1, network="scaling.models.history.nets1989:PackedNet1989")
register(Net2, network="scaling.models.history.nets1989:PackedNet1989")
register(Net3, network="scaling.models.history.nets1989:PackedNet1989")
register(Net4, network="scaling.models.history.nets1989:PackedNet1989")
register(Net5, network="scaling.models.history.nets1989:PackedNet1989")
register(Hybrid1988, network="scaling.models.history.hybrid1988:PackedHybrid1988")
register(Lenet1, network="scaling.models.history.lenet1:PackedLenet1")
register(Lenet1Teaching, network="scaling.models.history.lenet1_teaching:PackedLenet1Teaching")
register(Lenet4, network="scaling.models.history.lenet4:PackedLenet4")
register(Lenet5Of1998, network="scaling.models.history.lenet5_1998:PackedLenet5Of1998")
register(LinearClassifier, network="scaling.models.baselines:LogisticRegressionClassifier")
register(Knn, network="scaling.models.baselines:NeighboursClassifier")
register(Svm, network="scaling.models.baselines:SupportVectorClassifier")
register(OwnLightning, network="scaling.models.own_networks.replicas:PackedOwnModule")
register(OwnModule, network="scaling.models.own_networks.replicas:PackedOwnModule")

__all__ = [
    "COST_SETTINGS",
    "AnyArchitecture",
    "Architecture",
    "BenchmarkNetwork",
    "CatalogueEntry",
    "DerivedWidth",
    "FitProfile",
    "Hybrid1988",
    "Knn",
    "Layer",
    "LayerKind",
    "LayerTable",
    "Lenet1",
    "Lenet1Teaching",
    "Lenet4",
    "Lenet5",
    "Lenet5Of1998",
    "LinearClassifier",
    "MemoryProfile",
    "Net1",
    "Net2",
    "Net3",
    "Net4",
    "Net5",
    "OwnLightning",
    "OwnModule",
    "OwnNetwork",
    "ParameterScale",
    "Precision",
    "SettingLabel",
    "StepTimes",
    "Svm",
    "Tree3",
    "Vgg",
    "Zipcode1989",
    "architecture_union",
    "derived_width",
    "derived_widths",
    "has_seeds",
    "has_widths",
    "is_fitted",
    "network_path",
    "recipe_settings",
    "register",
    "registered",
    "setting_labels",
    "title_settings",
    "unregister",
]
