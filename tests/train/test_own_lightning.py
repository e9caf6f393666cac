"""A LightningModule of the user's own, trained by Lightning's loop on this package's minibatches."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from scaling.architectures import OwnLightning
from scaling.architectures.own_networks.records import OwnNetworkError
from scaling.config import CellRun
from scaling.config.recipe import Augmentation
from scaling.models.own_networks.load import make_network
from scaling.plan.packs import make_packs
from scaling.train import train, try_training
from scaling.train.device_data import load_on_device
from tests.own_specs import own_spec
from tests.train.tiny_packs import cell, few_images, loaded_dataset

FILE = Path(__file__).parents[2] / "examples/own_lightning/my_lightning.py"
EPOCHS, RATE, SEED = 2, 0.01, 3


@pytest.fixture(scope="module")
def packs():
    """Packs of two runs, which differ in their seeds."""
    network = own_spec("SmoothNet", 2, FILE, kind=OwnLightning, smoothing=0.1)
    one = cell(
        network, few_images(network), epochs=EPOCHS, learning_rate=RATE, augmentation=Augmentation(crop=2)
    )
    return make_packs(CellRun(one, one.run(seed)) for seed in (SEED, SEED + 1))


def test_one_run_a_pack(packs):
    assert [pack.size for pack in packs] == [1, 1]


def test_it_is_the_plain_loop_of_its_own_optimiser_and_loss(packs):
    """The loop below knows nothing of Lightning: minibatches, Adam, and half a cosine over all steps."""
    pack = packs[0]
    dataset = loaded_dataset(pack.cell.dataset)
    result = train(pack, dataset, device="cpu")
    network = make_network(pack.cell.architecture, pack.cell.info.image, SEED, learning_rate=RATE)
    batches = load_on_device(dataset, torch.device("cpu")).batches(pack.cell.recipe, pack.runs[0].order)
    optimiser = torch.optim.Adam(network.parameters(), lr=RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, EPOCHS * len(batches))
    for epoch in range(EPOCHS):
        for images, labels in batches.epoch(epoch):
            optimiser.zero_grad()
            F.cross_entropy(network(images), labels, label_smoothing=0.1).backward()
            optimiser.step()
            schedule.step()
    for name, value in network.state_dict().items():
        torch.testing.assert_close(result.weights[0][name], value, rtol=1e-4, atol=1e-5)
    assert [epoch.number for epoch in result.history] == [1, 2]
    assert result.history[-1].lr_factor == pytest.approx(0.0, abs=1e-9)
    test = dataset.test
    errors = (result.logits[0].argmax(1) != test.labels).mean()
    assert float(result.history[-1].test_accuracy) == pytest.approx(1 - errors)


def test_one_step_finds_an_error_of_the_users_code(packs, tmp_path):
    dataset = loaded_dataset(packs[0].cell.dataset)
    try_training(packs[0], dataset, device=torch.device("cpu"))
    file = tmp_path / "broken.py"
    file.write_text(FILE.read_text().replace("def training_step(self, ", "def training_step(self, no_luck, "))
    broken = own_spec("SmoothNet", 2, file, kind=OwnLightning, smoothing=0.1)
    one = cell(broken, few_images(broken), epochs=EPOCHS, learning_rate=RATE)
    (pack,) = make_packs([CellRun(one, one.run(SEED))])
    with pytest.raises(OwnNetworkError, match=r"^broken\.py: the training raised TypeError: .*argument"):
        try_training(pack, dataset, device=torch.device("cpu"))


def test_equal_seeds_give_equal_bits(packs):
    dataset = loaded_dataset(packs[0].cell.dataset)
    first, again, other = (train(pack, dataset, device="cpu") for pack in (packs[0], packs[0], packs[1]))
    assert (first.logits == again.logits).all()
    assert (first.logits != other.logits).any()
