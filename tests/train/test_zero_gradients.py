"""Fractions of zero gradients: against plain loops, in tables, and in old rows and checkpoints."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import torch
import torch.nn.functional as F

from scaling import api
from scaling.architectures import Lenet5, Tree3, Vgg
from scaling.architectures.history.lenet5_1998 import Lenet5Of1998
from scaling.data.minibatches import Minibatches
from scaling.models import build, named_weights
from scaling.settings import ImageShape
from scaling.store import StoreUnion, collect_provenance, open_store
from scaling.train import build_tables, train
from scaling.train.zero_gradients import weighted_layers, zero_gradient_fractions
from tests.models.plain_networks import plain
from tests.train.tiny_packs import LENET, SET, cell, few_images, loaded_dataset, pack

ROOT = Path(__file__).parents[2]
FEW = few_images(LENET)
COLUMNS = ["zero_gradients", "layer_zero_gradients"]
COLOURS, GREY = ImageShape(3, 32, 10), ImageShape(1, 16, 10)
NETWORKS = {
    "lenet5": (Lenet5(filters=3), COLOURS),
    "lenet5, one convolution": (Lenet5(filters=3, convolutions=1, hidden=(9, 7)), GREY),
    "lenet5, tanh": (Lenet5(filters=2, activation="tanh", pooling="average"), GREY),
    "tree3, relu and biases": (Tree3(filters=2, branches=3, activation="relu", biases=True), COLOURS),
    "vgg": (Vgg(filters=2, depth=6), COLOURS),
}


def looped(network: torch.nn.Module, names: list[str]) -> list[float]:
    """Return the fractions, counted gradient by gradient."""
    zeros, sizes = [], []
    gradients = network.parts(lambda parameter: parameter.grad)
    for name in names:
        numbers = gradients[f"{name}_weight"].flatten().tolist()
        zeros.append(sum(number == 0 for number in numbers))
        sizes.append(len(numbers))
    return [sum(zeros) / sum(sizes), *(zero / size for zero, size in zip(zeros, sizes, strict=True))]


@pytest.mark.parametrize(("spec", "image"), NETWORKS.values(), ids=NETWORKS)
def test_fractions_equal_a_loop_over_plain_networks(spec, image):
    """In float64, with few images that are black at their borders, so that some gradients are 0."""
    generator = torch.Generator().manual_seed(3)
    images = torch.randn(2, image.channels, image.side, image.side, generator=generator, dtype=torch.float64)
    images[:, :, :6], labels = 0, torch.tensor([3, 8])
    networks, names = build(spec, image, range(3)).double(), weighted_layers(spec.layer_table(image))
    logits = networks(images)
    sum(F.cross_entropy(replica, labels) for replica in logits).backward()
    counted = zero_gradient_fractions(networks, names)
    assert counted.shape == (3, 1 + spec.layer_table(image).depth)
    for r, fractions in enumerate(counted.tolist()):
        network = plain(spec, image, {name: value[r] for name, value in named_weights(networks).items()})
        F.cross_entropy(network(images), labels).backward()
        assert fractions == looped(network, names)
    assert counted[:, 1:].max() > 0 or spec.activation == "tanh"


@pytest.mark.parametrize(
    "architecture", [LENET, Tree3(filters=2, branches=4, activation="relu")], ids=["lenet5", "tree3"]
)
def test_gradients_are_counted_in_the_last_step_of_each_epoch(architecture):
    """Two steps per epoch: the gradients of the second step, after torch's optimiser took the first."""
    few = SET.model_copy(update={"train_images": 50})
    one_pack = pack(cell(architecture, few, epochs=1, schedule={"type": "constant"}))
    known, names = loaded_dataset(few), weighted_layers(one_pack.layer_table)
    result = train(one_pack, known, device="cpu")
    images, labels = torch.from_numpy(known.train.images), torch.from_numpy(known.train.labels).long()
    moments = {"mean": known.mean, "std": known.std, "dtype": torch.float32, "index": known.train_index}
    batches = Minibatches(
        images, labels, batch_size=25, order=0, augmentation=one_pack.cell.recipe.augmentation, **moments
    )
    for run, counted in zip(one_pack.runs, result.history[0].zero_gradients, strict=True):
        start = named_weights(build(architecture, known.info.image, [run.seed]))
        network = plain(architecture, known.info.image, {name: value[0] for name, value in start.items()})
        optimiser = torch.optim.SGD(
            network.parameters(), lr=run.recipe.learning_rate, momentum=0.9, nesterov=True
        )
        for step in range(2):
            image, label = batches.batch(0, step)
            optimiser.zero_grad()
            F.cross_entropy(network(image), label).backward()
            optimiser.step()
        assert counted.tolist() == looped(network, names)


def test_columns_of_runs_are_means_over_epochs():
    result = train(pack(cell(dataset=FEW, epochs=3)), loaded_dataset(FEW), device="cpu")
    tables = build_tables(result, loaded_dataset(FEW), collect_provenance())
    for replica, row in enumerate(tables["runs"].to_pylist()):
        epochs = [epoch_row for epoch_row in tables["epochs"].to_pylist() if epoch_row["id"] == row["id"]]
        assert [epoch_row["zero_gradients"] for epoch_row in epochs] == [
            epoch.zero_gradients[replica, 0].item() for epoch in result.history
        ]
        assert row["zero_gradients"] == pytest.approx(
            np.mean([epoch_row["zero_gradients"] for epoch_row in epochs])
        )
        layers = [json.loads(epoch_row["layer_zero_gradients"]) for epoch_row in epochs]
        for name, mean in json.loads(row["layer_zero_gradients"]).items():
            assert mean == pytest.approx(np.mean([epoch_row[name] for epoch_row in layers]))
        assert list(layers[0]) == ["conv1", "conv2", "hidden1", "readout"]
        sizes = {"conv1": 6 * 25, "conv2": 12 * 6 * 25, "hidden1": 12 * 48, "readout": 480}
        for epoch_row, fractions in zip(epochs, layers, strict=True):
            assert epoch_row["zero_gradients"] == pytest.approx(
                sum(sizes[n] * fractions[n] for n in sizes) / sum(sizes.values())
            )


def test_a_diverged_run_has_null_fractions():
    wild = pack(cell(dataset=FEW, loss="mse", learning_rate=1e6, epochs=2))
    result = train(wild, loaded_dataset(FEW), device="cpu")
    tables = build_tables(result, loaded_dataset(FEW), collect_provenance())
    assert tables["runs"]["diverged"].to_pylist() == [True] * 8
    assert all(tables["runs"][name].null_count == 8 for name in COLUMNS)


@pytest.mark.parametrize(
    ("activation", "dtype", "open_at", "full_at"),
    [
        (torch.sigmoid, torch.bfloat16, 6.2, 6.3),
        (torch.sigmoid, torch.float32, 16.6, 16.7),
        (torch.tanh, torch.bfloat16, 3.4, 3.5),
        (torch.tanh, torch.float32, 9.0, 9.1),
    ],
    ids=["sigmoid in bf16", "sigmoid", "tanh in bf16", "tanh"],
)
def test_inputs_at_which_an_activation_has_slope_zero(activation, dtype, open_at, full_at):
    x = torch.tensor([open_at, full_at], dtype=dtype, requires_grad=True)
    activation(x).sum().backward()
    assert [slope != 0 for slope in x.grad.tolist()] == [True, False]


def test_rows_without_fractions_are_read_as_null(tmp_path):
    """Old rows can be read beside new rows and copied into a new store."""
    published = open_store(ROOT / "artifacts" / "published" / "store")
    result = train(pack(cell(dataset=FEW, epochs=1)), loaded_dataset(FEW), device="cpu")
    today = open_store(tmp_path / "today")
    assert today.publish(build_tables(result, loaded_dataset(FEW), collect_provenance())) == 8
    both = StoreUnion(today, [published])
    runs, epochs = both.runs(), both.epochs()
    assert len(runs) == 8 + len(published.ids())
    settings = api.Workspace(store=str(ROOT / "artifacts" / "published" / "store"))
    assert (
        api.store_merge(ROOT / "configs" / "quickstart.yaml", str(tmp_path / "copy"), settings).added == 112
    )
    old = pa.array(sorted(open_store(tmp_path / "copy").ids()))
    for name in COLUMNS:
        assert runs.filter(pc.is_in(runs["id"], old))[name].null_count == 112
        old_epochs = epochs.filter(pc.is_in(epochs["id"], old))
        assert 112 <= old_epochs[name].null_count == len(old_epochs)
    assert api.tidy_table(open_store(tmp_path / "copy").runs())["zero_gradients"].null_count == 112


def test_fixed_codes_of_lenet5_are_not_counted():
    image = ImageShape(1, 28, 10)
    table = Lenet5Of1998(filters=6).layer_table(image)
    assert table.layers[-1].macs > 0
    assert weighted_layers(table) == ["c1", "c3", "c5", "f6"]
