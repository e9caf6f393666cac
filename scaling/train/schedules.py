"""Learning-rate schedules: the share of the highest rate at each step, as pure functions."""

from __future__ import annotations

from math import cos, pi

from scaling.config.recipe import Constant, Cosine, OneCycle, Step

Schedule = Constant | Step | Cosine | OneCycle


def lr_factor(schedule: Schedule, step: int, *, steps: int, steps_an_epoch: int) -> float:
    """The learning rate of a step over its highest.

    Args:
        step: from 0.
        steps: of the whole training.
    """
    match schedule:
        case Constant():
            return 1.0
        case Step(every=every, factor=factor):
            return float(factor ** (step // steps_an_epoch // every))
        case Cosine():
            return (1 + cos(pi * step / steps)) / 2
        case OneCycle(warmup=warmup):
            # Neither end is zero: the step after the last one would be.
            return min((step + 1) / (warmup * steps), (steps - step) / ((1 - warmup) * steps), 1.0)
