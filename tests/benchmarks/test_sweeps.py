"""The peer trains the same networks with the same recipe, and rounds have seeds of their own."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import peer
from benchmarks.sweep_errors import error_measurements
from benchmarks.sweeps import SWEEPS, convert_cells, peer_errors
from scaling.architectures import Lenet5
from scaling.config import load_study
from scaling.data import load
from scaling.datasets import Synthetic, cifar10, mnist
from scaling.models import build
from scaling.train.lr_schedules import lr_factor

MNIST_SWEEP = next(sweep for sweep in SWEEPS if sweep.dataset == "mnist")


def load_text(text: str, folder: Path):
    config = folder / "study.yaml"
    config.write_text(text)
    return load_study(config, data=folder)


@pytest.mark.parametrize(("image", "padding"), [(mnist.MNIST_INFO.image, 2), (cifar10.CIFAR10_INFO.image, 0)])
def test_peer_starts_with_the_same_networks(image, padding):
    spec, seed = Lenet5(filters=3), 5
    images = torch.randn(
        4, image.channels, image.side, image.side, generator=torch.Generator().manual_seed(1)
    )
    network = peer.LeNet5(image.channels, spec.filters, spec.second_filters, seed, padding=padding)
    assert sum(weight.numel() for weight in network.parameters()) == spec.layer_table(image).parameters
    torch.testing.assert_close(build(spec, image, [seed])(images)[0], network(images))


def test_peer_has_the_same_schedule(tmp_path):
    schedule = load_text(MNIST_SWEEP.study(1), tmp_path).cells[0].recipe.schedule
    steps = 40
    for step in range(steps):
        assert peer.lr_factor(step, steps, schedule.warmup) == lr_factor(
            schedule, step, steps=steps, steps_per_epoch=20
        )


def test_peer_has_the_same_recipe(tmp_path):
    cells = load_text(MNIST_SWEEP.study(1), tmp_path).cells
    dataset = load(Synthetic(size=100), folder=tmp_path)
    sweep = convert_cells(cells, dataset=dataset, folder=tmp_path, seeds=range(8, 16), loader_workers=2)
    assert (sweep.filters, sweep.second_filters, sweep.seeds) == ([3, 6, 12], [8, 16, 32], list(range(8, 16)))
    assert (sweep.epochs, sweep.learning_rate, sweep.batch_size) == (2, 0.08, 100)
    assert (sweep.momentum, sweep.nesterov) == (0.9, True)
    assert (sweep.crop, sweep.flip) == (0, False)
    assert (sweep.mean, sweep.std) == (dataset.mean.tolist(), dataset.std.tolist())
    module = peer.DataModule(sweep)
    module.setup()
    for split, images in (("train", dataset.train.images), ("test", dataset.test.images)):
        np.testing.assert_array_equal(module.datasets[split].data.numpy(), images[..., 0])


def test_rounds_have_seeds_of_their_own(tmp_path):
    sweep = replace(MNIST_SWEEP, seeds=8)
    one_round, two_rounds = (load_text(sweep.study(rounds), tmp_path).runs() for rounds in (1, 2))
    first_ids = {run.id for _, run in one_round}
    second_seeds = {run.seed for _, run in two_rounds if run.id not in first_ids}
    assert second_seeds == set(range(8, 16))


def peer_settings(images, folder: Path, **settings) -> peer.PeerSweep:
    cells = load_text(MNIST_SWEEP.study(1), folder).cells
    sweep = convert_cells(cells, dataset=images, folder=folder, seeds=range(8), loader_workers=0)
    return replace(sweep, **settings)


@pytest.mark.parametrize(("kind", "side", "channels"), [("mnist", 28, 1), ("cifar10", 32, 3)])
def test_batches_in_memory_equal_the_transforms_of_single_images(tmp_path, kind, side, channels):
    dataset = load(Synthetic(size=130, test_size=30, side=side, channels=channels), folder=tmp_path)
    settings = peer_settings(dataset, tmp_path, dataset=kind)
    single, whole = (peer.DataModule(replace(settings, in_memory=value)) for value in (False, True))
    for module in (single, whole):
        module.setup()
    for (images, labels), (others, other_labels) in zip(
        single.val_dataloader(), whole.val_dataloader(), strict=True
    ):
        torch.testing.assert_close(others, images)
        assert torch.equal(other_labels, labels)
    (batch,) = whole.train_dataloader()  # the last 30 images fill no batch
    assert [len(of) for of in batch] == [100, 100]


def test_batches_in_memory_are_cropped_and_flipped_image_by_image(tmp_path):
    """Each image is one of the 2 x 9 x 9 views, and an image has different ones in different batches."""
    dataset = load(Synthetic(size=20, side=32, channels=3), folder=tmp_path)
    settings = peer_settings(dataset, tmp_path, crop=4, flip=True, mean=[0.0] * 3, std=[1 / 255] * 3)
    images = dataset.train.images
    batches = peer.Batches(images, dataset.train.labels, settings, augments=True)
    padded = np.pad(images, ((0, 0), (4, 4), (4, 4), (0, 0)))
    seen = set()
    for _ in range(3):
        views, labels = batches[list(range(20))]
        np.testing.assert_array_equal(labels, dataset.train.labels)
        for n, view in enumerate(np.moveaxis(views.numpy(), 1, -1)):
            found = [
                (n, y, x, is_flipped)
                for y in range(9)
                for x in range(9)
                for is_flipped in (False, True)
                if np.allclose(padded[n, y : y + 32, x : x + 32][:, :: -1 if is_flipped else 1], view)
            ]
            assert len(found) == 1
            seen.update(found)
    assert len(seen) > 50  # three views of 20 images
    assert {is_flipped for *_, is_flipped in seen} == {False, True}


def test_networks_that_learned_nothing_are_counted_and_left_out(tmp_path):
    answer = tmp_path / "errors.json"
    errors = {3: [0.02, 0.8865, 0.04], 6: [0.01, 0.02, 0.03]}
    networks = [{"filters": f, "test_error": error} for f, values in errors.items() for error in values]
    answer.write_text(json.dumps(networks))
    sweep = replace(SWEEPS[0], filters=(3, 6), seeds=3)
    learned, untrained = peer_errors(answer, sweep)
    assert (learned, untrained) == ({3: [0.02, 0.04], 6: errors[6]}, {3: 1, 6: 0})
    measurements = error_measurements(
        sweep, {"peer": learned, "scaling": learned}, {"peer": untrained, "scaling": {}}, rounds=1
    )
    ratio = next(m for m in measurements if "relative to the peer" in m.quantity and "d1=3" in m.case)
    assert ratio.value == pytest.approx(1)
    assert ratio.note.endswith("; 1 of peer learned nothing")
