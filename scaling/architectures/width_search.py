"""Networks of a given cost: whole numbers of filters whose multiply-adds, or parameters, come nearest to it."""

from __future__ import annotations

from collections.abc import Callable

COST_SETTINGS = ("macs", "parameters")
"""Leaves that an architecture may be written with in the place of a number of filters; both are totals of its layer table."""


def largest_within(cost: Callable[[int], float], target: int) -> int:
    """The largest whole number that costs no more; 1 at least. Costs rise."""
    low, high = 1, 2
    while cost(high) <= target:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if cost(middle) <= target else (low, middle)
    return low


def nearest(cost: Callable[[int], int], target: int) -> int:
    """The whole number from 1 on whose cost is nearest; of two equally near ones the smaller."""
    below = largest_within(cost, target)
    return min((below, below + 1), key=lambda number: abs(cost(number) - target))
