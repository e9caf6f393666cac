"""Rivals of the training step: equal losses on small data, refusals, reasons for absence, and ratios."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest
import torch

from benchmarks import rival_process, rivals
from benchmarks.rival_steps import CompiledSide, RivalUnavailableError, StepTask, make_task
from benchmarks.rivals import OWN, RIVALS, Competitor
from scaling.architectures import Lenet5, Tree3
from scaling.config import Recipe
from scaling.datasets import Synthetic

STEPS = 4
EAGER = [OWN, *(rival for rival in RIVALS if rival.name in ("one network at a time", "torch.func.vmap"))]


def small_task(network, channels: int = 1) -> StepTask:
    source = Synthetic(size=80, test_size=10, side=28 if channels == 1 else 32, channels=channels)
    recipe = Recipe(batch_size=10, epochs=2, learning_rate=0.2)
    return make_task(source, network, recipe, folder=Path(), minibatches=3)


@pytest.fixture(scope="module")
def lenet5_task() -> StepTask:
    return small_task(Lenet5(filters=1))


@pytest.fixture(scope="module")
def tree3_task() -> StepTask:
    return small_task(Tree3(filters=1), channels=3)


@pytest.fixture(params=["lenet5_task", "tree3_task"])
def task(request) -> StepTask:
    return request.getfixturevalue(request.param)


def test_losses_of_all_eager_sides_agree_with_the_reference(task):
    with ExitStack() as stack:
        sides, reasons = rivals.start_sides(task, EAGER, stack, steps=STEPS)
    assert reasons == {}
    assert [side.competitor for side in sides] == EAGER
    fp32 = [side.difference for side in sides if side.competitor.precision == "fp32"]
    assert len(fp32) == 2
    assert max(fp32) < 1e-5


def test_minibatches_are_used_in_turn(lenet5_task):
    """The fourth step has the first batch again, so that its loss differs from that of the first step."""
    side = RIVALS[1].start(lenet5_task, "fp32")
    one_call = side.train(0, 4).losses
    again = RIVALS[1].start(lenet5_task, "fp32")
    assert torch.equal(one_call, torch.cat([again.train(0, 3).losses, again.train(3, 1).losses]))
    assert (one_call[3] != one_call[0]).all()


def test_a_rival_without_momentum_is_refused(lenet5_task):
    def start_without_momentum(task, precision):
        side = RIVALS[1].start(task, precision)
        side.optimiser.param_groups[0].update(momentum=0.0, nesterov=False)
        return side

    impostor = Competitor("impostor", "fp32", start_without_momentum)
    with ExitStack() as stack:
        sides, reasons = rivals.start_sides(lenet5_task, [impostor], stack, steps=STEPS)
    assert sides == []
    assert "its losses differ by" in reasons["impostor, fp32"]


def test_torch_compile_needs_a_compiler(lenet5_task, monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(RivalUnavailableError, match="no C\\+\\+ compiler no-such-compiler; install it"):
        CompiledSide(lenet5_task, "fp32")


def test_a_missing_package_is_a_reason_to_leave_a_rival_out(lenet5_task, monkeypatch):
    monkeypatch.setattr(rival_process, "find_spec", lambda name: None)
    with ExitStack() as stack:
        sides, reasons = rivals.start_sides(lenet5_task, [RIVALS[-1]], stack, steps=STEPS)
    assert (sides, reasons) == ([], {"JAX, fp32": "JAX is not installed; pip install jax"})


def test_ratio_is_taken_to_the_fastest_rival_of_each_round():
    image_rates = {
        OWN.label: [40.0, 60.0, 30.0],
        "one network at a time, fp32": [10.0, 10.0, 10.0],
        "torch.compile, bf16": [20.0, 20.0, 5.0],
    }
    fastest, plain = rivals.compare_rates("c", image_rates, {"JAX, fp32": "JAX is not installed"})
    assert (fastest.value, fastest.low, fastest.high) == (3.0, 2.0, 3.0)
    assert fastest.note == "fastest: torch.compile, bf16; JAX, fp32 left out: JAX is not installed"
    assert (plain.value, plain.low, plain.high) == (4.0, 3.0, 6.0)
