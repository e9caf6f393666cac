"""Search for the width whose cost, multiply-adds or parameters, is nearest to a target."""

from __future__ import annotations

from collections.abc import Callable

COST_SETTINGS = ("macs", "parameters")
"""Settings that a study may give instead of ``filters``; both are totals of the layer table."""


def largest_within(cost: Callable[[int], float], target: int) -> int:
    """Return the largest integer >= 1 with a cost of at most ``target``; 1 if there is none.

    Args:
        cost: a function that rises.
        target: the most that the cost may be.
    """
    low, high = 1, 2
    while cost(high) <= target:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if cost(middle) <= target else (low, middle)
    return low


def nearest(cost: Callable[[int], int], target: int) -> int:
    """Return the integer >= 1 whose cost is nearest to ``target``; the smaller of two that are equally near.

    Args:
        cost: a function that rises.
        target: the cost to come close to.
    """
    below = largest_within(cost, target)
    return min((below, below + 1), key=lambda number: abs(cost(number) - target))
