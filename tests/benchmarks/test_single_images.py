"""The timed packs have the architecture and the recipe of the historic configs, and one image a step."""

from __future__ import annotations

from functools import partial

import pytest

from benchmarks import single_images
from scaling.train import train


@pytest.mark.parametrize("study", single_images.STUDIES)
def test_a_timed_pack_has_eight_networks_and_one_image_a_step(study):
    pack, dataset = single_images.make_pack(study, images=20)
    recipe = pack.cell.recipe
    assert (pack.size, recipe.batch_size, recipe.loss, recipe.precision) == (8, 1, "mse", "fp32")
    assert pack.cell.architecture.type == study
    assert len(dataset.train_index) == 20
    assert [part.size for part in pack.split(1)] == [1] * 8


def test_compiled_steps_are_chosen_for_all_sizes():
    for batch_size, sizes in single_images.SIZES.items():
        pack, dataset = single_images.make_pack("zipcode1989", images=200, batch_size=batch_size)
        assert pack.cell.recipe.batch_size == batch_size
        for size in sizes:
            part = pack.split(size)[0]
            calls: list[None] = []
            train(part, dataset, device="cpu", on_step_end=partial(calls.append, None))
            assert len(calls) == part.cell.recipe.epochs


def test_steps_per_second_are_those_of_the_epochs_after_the_first(monkeypatch):
    """Four epochs of 20 steps end after 9, 10, 12 and 13 seconds."""
    pack, dataset = single_images.make_pack("zipcode1989", images=20)
    clock = iter([9.0, 10.0, 12.0, 13.0])

    def train_without_networks(pack, dataset, *, device, on_epoch_end):
        for epoch in range(4):
            on_epoch_end(epoch)

    monkeypatch.setattr(single_images, "train", train_without_networks)
    monkeypatch.setattr(single_images, "perf_counter", lambda: next(clock))
    assert single_images._steps_per_s(pack, dataset) == 20 / 1.0
