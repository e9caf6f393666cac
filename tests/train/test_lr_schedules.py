"""Each schedule against torch's scheduler if there is one, and against its docstring."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from scaling.config.recipe import Constant, Cosine, OneCycle, Piecewise, Step
from scaling.train.lr_schedules import Schedule, lr_factor


def lr_factors(schedule: Schedule, *, epochs: int, steps_per_epoch: int) -> np.ndarray:
    steps = epochs * steps_per_epoch
    return np.array(
        [lr_factor(schedule, step, steps=steps, steps_per_epoch=steps_per_epoch) for step in range(steps)]
    )


def torch_lr_factors(kind: Any, steps: int, *, each: int = 1, **arguments: Any) -> np.ndarray:
    """Return the learning rates of torch's scheduler from 1, with a scheduler step every ``each`` steps."""
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler, rates = kind(optimiser, **arguments), []
    for step in range(1, steps + 1):
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        if step % each == 0:
            scheduler.step()
    return np.array(rates)


def test_constant_is_one():
    assert (lr_factors(Constant(), epochs=3, steps_per_epoch=5) == 1).all()


@pytest.mark.parametrize(("every", "factor"), [(1, 0.5), (3, 0.1), (4, 1.0)])
def test_step_equals_torchs_scheduler(every, factor):
    expected = torch_lr_factors(torch.optim.lr_scheduler.StepLR, 70, each=7, step_size=every, gamma=factor)
    # torch multiplies once for each drop, here a power is taken: 9 roundings at most.
    np.testing.assert_allclose(
        lr_factors(Step(every=every, factor=factor), epochs=10, steps_per_epoch=7),
        expected,
        rtol=9 * 2.0**-53,
    )


def test_piecewise_gives_the_schedule_of_1998():
    schedule = Piecewise(epochs=(2, 5, 8, 12), factors=(0.4, 0.2, 0.1, 0.02))
    factors = 5e-4 * lr_factors(schedule, epochs=20, steps_per_epoch=3)
    expected = np.repeat([5e-4, 2e-4, 1e-4, 5e-5, 1e-5], np.multiply([2, 3, 3, 4, 8], 3))
    np.testing.assert_allclose(factors, expected, rtol=2.0**-52)  # one product each


def test_cosine_equals_torchs_scheduler():
    expected = torch_lr_factors(torch.optim.lr_scheduler.CosineAnnealingLR, 60, T_max=60)
    # torch computes each rate from the one before, with a few roundings per step. Near zero these are
    # roundings of numbers
    # near one.
    np.testing.assert_allclose(
        lr_factors(Cosine(), epochs=6, steps_per_epoch=10), expected, rtol=1e-12, atol=1e-14
    )


def test_cosine_starts_at_one_and_never_reaches_zero():
    factors = lr_factors(Cosine(), epochs=2, steps_per_epoch=50)
    assert factors[0] == 1
    assert (np.diff(factors) < 0).all()
    assert 0 < factors[-1] < 1e-3


@given(st.floats(0.001, 0.999), st.integers(1, 30), st.integers(1, 30))
def test_one_cycle_rises_to_one_and_falls_and_is_never_zero(warmup, epochs, steps_per_epoch):
    factors = lr_factors(OneCycle(warmup=warmup), epochs=epochs, steps_per_epoch=steps_per_epoch)
    top = int(factors.argmax())
    # A product and a quotient round the peak, where warm-up ends exactly at a step.
    assert factors[top] == pytest.approx(1, rel=3 * 2.0**-53, abs=0)
    assert abs(top - warmup * len(factors)) <= 1
    assert (np.diff(factors[: top + 1]) > 0).all()
    assert (np.diff(factors[top:]) <= 0).all()
    assert (factors > 0).all()
    assert (factors <= 1).all()


def test_one_cycle_is_piecewise_linear():
    factors = lr_factors(OneCycle(warmup=0.3), epochs=10, steps_per_epoch=10)
    np.testing.assert_allclose(factors[:30], np.arange(1, 31) / 30, rtol=1e-15)
    np.testing.assert_allclose(factors[30:], np.arange(70, 0, -1) / 70, rtol=1e-15)
