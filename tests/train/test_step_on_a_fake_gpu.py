"""The operations of a step on tensors that only claim to be on a GPU: none touches a tensor of the host.

Fake tensors have a shape and a device, and no numbers. Operations that mix devices or read a number fail. The
backward pass would need a real device, so gradients are put in place of it.
"""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from scaling.config.recipe import Adam, AdamW, Affine, Augmentation
from scaling.data.minibatches import to_device
from scaling.train import module
from scaling.train.device_data import DeviceDataset
from scaling.train.zero_gradients import weighted_layers, zero_gradient_fractions
from tests.train.tiny_packs import ALL, LENET, TREE, cell, few_images, loaded_dataset, pack

pytestmark = pytest.mark.simulation

GPU = torch.device("cuda:0")
DISTORTIONS = Augmentation(crop=2, flip=True, shift=1, affine=Affine(translation=1, scale=0.2, shear=0.1))
PACKS = {
    **{name: pack(cell(spec, few_images(spec), precision="bf16")) for name, spec in ALL.items()},
    "adam, augmented": pack(cell(LENET, optimizer=Adam(), weight_decay=1e-3, augmentation=DISTORTIONS)),
    "adamw, mse": pack(cell(TREE, optimizer=AdamW(), weight_decay=1e-3, loss="mse")),
}


class _OnGpuOnly(TorchDispatchMode):
    """Fails at an operation that gets or returns a tensor of the host."""

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        result = operation(*args, **(kwargs or {}))
        tensors = [leaf for leaf in tree_leaves((args, kwargs, result)) if isinstance(leaf, torch.Tensor)]
        assert all(tensor.device == GPU for tensor in tensors), f"{operation} touches the host"
        return result


def build_on_gpu(spec, image, seeds) -> nn.Module:
    """Build networks with fake weights: fake ones of the host cannot be moved."""
    networks = BUILD(spec, image, seeds)
    for part in networks.modules():
        for name, weight in list(part.named_parameters(recurse=False)):
            setattr(part, name, nn.Parameter(torch.empty(weight.shape, device=GPU)))
        for name, statistic in list(part.named_buffers(recurse=False)):
            setattr(part, name, torch.empty(statistic.shape, device=GPU))
    return networks


BUILD = module.build


@pytest.mark.parametrize("one_pack", PACKS.values(), ids=PACKS)
def test_a_step_on_a_gpu_touches_no_tensor_of_the_host(monkeypatch, one_pack):
    known, recipe = loaded_dataset(one_pack.cell.dataset), one_pack.cell.recipe
    monkeypatch.setattr(module, "build", build_on_gpu)
    monkeypatch.setattr(module, "make_capture", lambda device: None)

    def move(self, device):
        for name, buffer in list(self.named_buffers(recurse=False)):
            setattr(self, name, buffer.to(device))

    def set_gradients(loss):
        assert loss.requires_grad
        for parameter in packed.networks.parameters():
            parameter.grad = torch.empty_like(parameter)

    monkeypatch.setattr(module.PackModule, "to", move)
    monkeypatch.setattr(torch.autograd, "backward", set_gradients)
    with FakeTensorMode(allow_non_fake_inputs=True):
        train, test = (to_device(split, GPU) for split in (known.train, known.test))
        data = DeviceDataset(dataset=known, train=train, test=test)
        packed = module.PackModule(
            one_pack,
            data.batches(recipe, 0),
            test=data.test_split(recipe),
            validation=None,
            on_step_end=lambda: None,
            on_epoch_end=lambda epoch: None,
        )
        packed.load_epoch()
        with _OnGpuOnly():
            packed.step()
        layers = weighted_layers(one_pack.layer_table)
        fractions = zero_gradient_fractions(packed.networks, layers)
    assert fractions.shape == (8, 1 + len(layers))
    assert {packed.loss.device, packed.correct.device, packed.step_index.device} == {GPU}
