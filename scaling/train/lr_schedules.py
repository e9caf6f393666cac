"""Learning-rate schedules as pure functions of the step."""

from __future__ import annotations

from bisect import bisect_right
from math import cos, pi

from scaling.config.recipe import Constant, Cosine, OneCycle, Piecewise, Step

Schedule = Constant | Step | Piecewise | Cosine | OneCycle


def lr_factor(schedule: Schedule, step: int, *, steps: int, steps_per_epoch: int) -> float:
    """Return the learning rate of a step over the maximum learning rate.

    Args:
        schedule: schedule of the recipe.
        step: step, from 0.
        steps: number of steps of the whole training.
        steps_per_epoch: number of steps of an epoch.
    """
    match schedule:
        case Constant():
            return 1.0
        case Step(every=every, factor=factor):
            return float(factor ** (step // steps_per_epoch // every))
        case Piecewise(epochs=epochs, factors=factors):
            return (1.0, *factors)[bisect_right(epochs, step // steps_per_epoch)]
        case Cosine():
            return (1 + cos(pi * step / steps)) / 2
        case OneCycle(warmup=warmup):
            # The rate reaches zero one step after the last step.
            return min((step + 1) / (warmup * steps), (steps - step) / ((1 - warmup) * steps), 1.0)
