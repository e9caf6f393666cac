"""Single networks from torch's own layers: the oracle for packed networks."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import torch
from torch import Tensor, nn

from scaling.architectures import AnyArchitecture, Lenet5, Tree3, Vgg
from scaling.settings import ImageShape

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}
Weights = dict[str, Tensor]
Of = Callable[[nn.Parameter], Tensor]
"""Function of a parameter: the parameter itself, or its gradient."""


class Plain(nn.Module):
    """Methods that all plain networks share."""

    def statistics(self) -> Weights:
        """What it normalises by when it is at work, by the packed module's names."""
        words = {"running_mean": "mean", "running_var": "variance"}
        named = (
            name.split(".") for name, _ in self.named_buffers() if not name.endswith("num_batches_tracked")
        )
        return {f"{layer}_{words[kind]}": self.get_buffer(f"{layer}.{kind}") for layer, kind in named}


class PlainLenet5(nn.Sequential, Plain):
    """LeNet-5 in the usual order: convolution, activation, pooling."""

    def __init__(self, spec: Lenet5, image: ImageShape) -> None:
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        channels, side, padding = image.channels, image.side, 2 if image.side == 28 else 0
        for i, filters in enumerate((spec.filters, spec.second_filters)[: spec.convolutions], start=1):
            layers[f"conv{i}"] = nn.Conv2d(channels, filters, spec.kernel, padding=padding)
            layers[f"activation{i}"] = ACTIVATIONS[spec.activation]()
            layers[f"pool{i}"] = nn.MaxPool2d(2) if spec.pooling == "max" else nn.AvgPool2d(2)
            channels, side, padding = filters, (side + 2 * padding - spec.kernel + 1) // 2, 0
        layers["flatten"] = nn.Flatten()
        units = channels * side**2
        for i, outputs in enumerate(spec.hidden, start=1):
            layers[f"hidden{i}"] = nn.Linear(units, outputs)
            layers[f"hidden_activation{i}"] = ACTIVATIONS[spec.activation]()
            units = outputs
        layers["readout"] = nn.Linear(units, image.classes)
        super().__init__(layers)

    def load(self, weights: Weights) -> None:
        for name, parameter in self.named_parameters():
            parameter.data = weights[name.replace(".", "_")].detach().clone()

    def parts(self, of: Of = lambda parameter: parameter) -> Weights:
        """By the packed module's names and in its layout, for one replica."""
        return {name.replace(".", "_"): of(parameter) for name, parameter in self.named_parameters()}


class PlainVgg(nn.Sequential, Plain):
    """VGG as in torchvision, with one linear layer."""

    BLOCKS = {6: "a M b M c M d M d M", 8: "a M b M c c M d d M d M", 11: "a M b M c c M d d M d d M"} | {
        13: "a a M b b M c c M d d M d d M",
        16: "a a M b b M c c c M d d d M d d d M",
    }

    def __init__(self, spec: Vgg, image: ImageShape) -> None:
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        if image.side == 28:
            layers["pad"] = nn.ZeroPad2d(2)
        words = self.BLOCKS[spec.depth].split()
        if spec.pooling == "output":
            early = [i for i, word in enumerate(words) if word == "M"][:2]
            words = [word for i, word in enumerate(words) if word != "M" or i in early] + ["L"]
        channels, block, nth, marks = image.channels, 1, 0, {"a": 1, "b": 2, "c": 4, "d": 8}
        wide = self.BLOCKS[spec.depth].split()
        blocks = [1 + wide[:i].count("M") for i, word in enumerate(wide) if word != "M"]
        places = iter(blocks)
        for i, word in enumerate(words):
            if word in "ML":
                layers[f"pool{i}"] = nn.MaxPool2d(2 if word == "M" else 8)
                continue
            place = next(places)
            block, nth = place, nth + 1 if place == block else 1
            filters = marks[word] * spec.filters
            layers[f"conv{block}_{nth}"] = nn.Conv2d(channels, filters, 3, padding=1)
            layers[f"norm{block}_{nth}"] = nn.BatchNorm2d(filters)
            layers[f"relu{block}_{nth}"] = nn.ReLU()
            channels = filters
        layers["flatten"] = nn.Flatten()
        layers["readout"] = nn.Linear(channels, image.classes)
        super().__init__(layers)

    def load(self, weights: Weights) -> None:
        for name, parameter in self.named_parameters():
            parameter.data = weights[name.replace(".", "_")].detach().clone()
        self.to(next(iter(weights.values())).dtype)

    def parts(self, of: Of = lambda parameter: parameter) -> Weights:
        return {name.replace(".", "_"): of(parameter) for name, parameter in self.named_parameters()}


class PlainTree3(Plain):
    """The tree as one small linear layer for each colour and strip."""

    def __init__(self, spec: Tree3, image: ImageShape) -> None:
        super().__init__()
        C, K, M, bias = image.channels, spec.filters, spec.branches, spec.biases
        self.rows, columns = spec.rows, (image.side - 4) // 2
        self.strips = columns // spec.rows
        self.conv = nn.Conv2d(C, C * K, 5, groups=C, bias=bias)
        self.activation, self.pool, self.tree_activation = (
            ACTIVATIONS[spec.activation](),
            nn.MaxPool2d(2),
            ACTIVATIONS[spec.activation](),
        )
        self.tree = nn.ModuleList(
            nn.Linear(K * spec.rows * columns, M, bias=bias) for _ in range(C * self.strips)
        )
        self.readout = nn.Linear(M * C * self.strips, image.classes, bias=bias)
        self.shape = (M, C, K, self.strips, spec.rows, columns)

    def forward(self, image: Tensor) -> Tensor:
        _, C, K, S, row, _ = self.shape
        pooled = self.pool(self.activation(self.conv(image)))
        strips = [
            pooled[:, c * K : (c + 1) * K, s * row : (s + 1) * row].flatten(1)
            for c in range(C)
            for s in range(S)
        ]
        units = torch.stack([linear(strip) for linear, strip in zip(self.tree, strips, strict=True)], dim=2)
        return self.readout(self.tree_activation(units).flatten(1))

    def load(self, weights: Weights) -> None:
        S = self.shape[3]
        placed = {self.conv: "conv", self.readout: "readout"}
        for module, name in placed.items():
            weight = weights[f"{name}_weight"].detach()
            module.weight.data = (weight.flatten(0, 1).unsqueeze(1) if name == "conv" else weight.T).clone()
            if module.bias is not None:
                module.bias.data = weights[f"{name}_bias"].detach().flatten().clone()
        for i, linear in enumerate(self.tree):
            c, s = divmod(i, S)
            linear.weight.data = weights["tree_weight"][c, s].detach().flatten(0, 2).mT.clone()
            if linear.bias is not None:
                linear.bias.data = weights["tree_bias"][:, c, s].detach().clone()

    def parts(self, of: Of = lambda parameter: parameter) -> Weights:
        M, C, K, S, row, col = self.shape
        tree = torch.stack([of(linear.weight).mT for linear in self.tree])
        weights = {
            "conv_weight": of(self.conv.weight).view(C, K, 5, 5),
            "tree_weight": tree.reshape(C, S, K, row, col, M),
            "readout_weight": of(self.readout.weight).T,
        }
        if self.conv.bias is None:
            return weights
        tree_bias = torch.stack([of(linear.bias) for linear in self.tree], dim=1).view(M, C, S)
        return weights | {
            "conv_bias": of(self.conv.bias).view(C, K),
            "tree_bias": tree_bias,
            "readout_bias": of(self.readout.bias),
        }


KINDS = {"lenet5": PlainLenet5, "tree3": PlainTree3, "vgg": PlainVgg}


def plain(spec: AnyArchitecture, image: ImageShape, weights: Weights) -> PlainLenet5 | PlainTree3 | PlainVgg:
    """One network with one replica's weights, in their precision."""
    network = KINDS[spec.type](spec, image)
    network.load(weights)
    return network
