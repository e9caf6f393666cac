"""The timed training step: useful FLOPs, cases, and that the step trains."""

from __future__ import annotations

import torch

from benchmarks import steps
from scaling.architectures import Lenet5, Tree3
from scaling.datasets import cifar10, mnist
from scaling.settings import ImageShape


def test_useful_work_of_lenet5_by_hand():
    """Each layer has a forward and two backward products; the first layer has one backward product."""
    first = 6 * 28 * 28 * 25
    rest = 16 * 10 * 10 * 6 * 25 + 400 * 120 + 120 * 84 + 84 * 10
    assert Lenet5(filters=6).layer_table(mnist.MNIST_INFO.image).training_flops == 2 * (2 * first + 3 * rest)


def test_useful_work_of_tree3_by_hand():
    first = 3 * 6 * 28 * 28 * 25
    rest = 16 * 18 * 14 * 14 + 16 * 3 * 7 * 10
    assert Tree3(filters=6).layer_table(cifar10.CIFAR10_INFO.image).training_flops == 2 * (
        2 * first + 3 * rest
    )


def test_cases_contain_every_width():
    labels = [case.label for case in steps.step_cases()]
    assert len(labels) == len(set(labels)) == 18
    assert {"mnist, lenet5, d1=48", "cifar10, tree3, K=15"} <= set(labels)


def test_training_step_changes_all_weights():
    case = steps.StepCase("tiny", ImageShape(1, 16, 10), Lenet5(filters=2))
    torch.manual_seed(0)
    step = steps.training_step(case, 2)
    (networks,) = (
        cell.cell_contents for cell in step.__closure__ if isinstance(cell.cell_contents, torch.nn.Module)
    )
    before = [weight.detach().clone() for weight in networks.parameters()]
    step()
    assert all((weight != old).any() for weight, old in zip(networks.parameters(), before, strict=True))
