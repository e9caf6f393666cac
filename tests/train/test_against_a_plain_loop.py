"""Training of a pack against a plain loop that trains each network alone."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from scaling.config import Run
from scaling.config.recipe import OneCycle, Sgd
from scaling.data.minibatches import Minibatches, evaluation_batches
from scaling.models import build
from scaling.plan import Pack
from scaling.train import train
from scaling.train.lr_schedules import lr_factor
from tests.train.tiny_packs import LENET, TREE, VGG, cell, few_images, loaded_dataset, pack

RATES = [0.1, 0.03, 0.3]
DECAYS = [0.0, 1e-3, 1e-2]


def alone(pack: Pack, run: Run) -> tuple[list[float], list[float]]:
    """Return the training and the test loss of each epoch."""
    known, recipe = loaded_dataset(pack.cell.dataset), run.recipe
    network = build(run.architecture, known.info.image, [run.seed])
    optimiser = torch.optim.SGD(
        network.parameters(), lr=1.0, momentum=0.8, nesterov=True, weight_decay=recipe.weight_decay
    )
    images, labels = (torch.from_numpy(known.train.images), torch.from_numpy(known.train.labels).long())
    moments = {"mean": known.mean, "std": known.std, "dtype": torch.float32}
    batches = Minibatches(
        images,
        labels,
        batch_size=recipe.batch_size,
        order=run.order,
        augmentation=recipe.augmentation,
        **moments,
    )
    (tested,) = evaluation_batches(torch.from_numpy(known.test.images), size=1000, **moments)
    trains, tests = [], []
    for epoch in range(recipe.epochs):
        total = 0.0
        for step in range(len(batches)):
            rate = lr_factor(
                OneCycle(),
                epoch * len(batches) + step,
                steps=recipe.epochs * len(batches),
                steps_per_epoch=len(batches),
            )
            optimiser.param_groups[0]["lr"] = rate * recipe.learning_rate
            image, label = batches.batch(epoch, step)
            optimiser.zero_grad()
            loss = F.cross_entropy(network(image)[0], label)
            loss.backward()
            optimiser.step()
            total += loss.item()
        trains.append(total / len(batches))
        network.eval()
        with torch.no_grad():
            tests.append(
                F.cross_entropy(network(tested)[0], torch.from_numpy(known.test.labels).long()).item()
            )
        network.train()
    return trains, tests


# fp32 sums in another order differ by 2^-24 per sum, and the steps with rates up to 0.3 amplify this by some
# orders of magnitude. A VGG of 8,000 units compares two values some millions of times in these steps, so
# rounding can decide about one comparison; then the gradient of one unit, of the thousands that reach a
# filter, goes to another pixel.
@pytest.mark.parametrize(
    ("architecture", "rates", "bound"),
    [(LENET, RATES, 1e-4), (TREE, RATES, 1e-4), (VGG, [rate / 10 for rate in RATES], 2e-3)],
    ids=["lenet5", "tree3", "vgg"],
)
def test_a_pack_trains_as_a_plain_loop_over_each_network(architecture, rates, bound):
    settings = {"optimizer": Sgd(momentum=0.8), "epochs": 2}
    one_pack = pack(
        *(
            cell(architecture, few_images(architecture), learning_rate=rate, weight_decay=decay, **settings)
            for rate, decay in zip(rates, DECAYS, strict=True)
        )
    )
    result = train(one_pack, loaded_dataset(one_pack.cell.dataset), device="cpu")
    for r, run in enumerate(one_pack.runs):
        trains, tests = alone(one_pack, run)
        assert [epoch.train_loss[r].item() for epoch in result.history] == pytest.approx(trains, rel=bound)
        assert [epoch.test_loss[r].item() for epoch in result.history] == pytest.approx(tests, rel=bound)
