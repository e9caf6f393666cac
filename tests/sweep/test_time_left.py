"""Estimated time left: simulated sweeps whose true durations the estimate does not know."""

from __future__ import annotations

from heapq import heapify, heappop, heappush

import numpy as np
import pytest

from scaling.sweep.time_left import PackCost, TimeLeft

EPOCHS = 8


def simulate(costs: list[float], durations: list[float], *, workers: int) -> list[tuple[float, int, int]]:
    """Return the messages of a sweep that starts the longest pack first: times, packs and epochs."""
    order = sorted(range(len(costs)), key=lambda i: -costs[i])
    free = [(0.0, worker) for worker in range(workers)]
    heapify(free)
    messages = []
    for i in order:
        begin, worker = heappop(free)
        messages += [(begin + durations[i] * epoch / EPOCHS, i, epoch) for epoch in range(EPOCHS + 1)]
        heappush(free, (begin + durations[i], worker))
    return sorted(messages)


def replay(messages, costs: list[float], *, until: float, workers: int, later_s: float = 0.0) -> TimeLeft:
    left = TimeLeft(
        {str(i): PackCost(seconds=cost, epochs=EPOCHS) for i, cost in enumerate(costs)},
        workers=workers,
        later_s=later_s,
    )
    for time, i, epoch in messages:
        if time <= until:
            left.advance(str(i), epoch, time) if epoch else left.begin(str(i), time)
    return left


@pytest.mark.parametrize("factor", [0.2, 1.0, 5.0, 25.0])
@pytest.mark.parametrize("seed", range(8))
def test_estimate_is_within_a_factor_of_two_after_a_tenth_of_the_time(factor, seed):
    """The machine differs from the plan by a factor, and each network by 30 % more, in the log."""
    rng = np.random.default_rng(seed)
    workers = int(rng.integers(1, 5))
    costs = list(np.exp(rng.normal(1, 1, size=8 * workers)))
    durations = [factor * cost * np.exp(rng.normal(0, 0.3)) for cost in costs]
    messages = simulate(costs, durations, workers=workers)
    end = messages[-1][0]
    for share in (0.1, 0.3, 0.5, 0.7):
        now = share * end
        estimate = replay(messages, costs, until=now, workers=workers).seconds(now)
        assert 0.5 < estimate / (end - now) < 2


def test_estimate_is_exact_if_the_plan_is_wrong_by_one_factor():
    """Equal packs that divide evenly: after the first epochs, only the prior weight separates both."""
    costs, workers = [10.0] * 8, 2
    messages = simulate(costs, [30.0] * 8, workers=workers)
    now = 60.0
    estimate = replay(messages, costs, until=now, workers=workers).seconds(now)
    spent, planned, prior = 2 * 60.0, 2 * 20.0, 0.01 * 80.0
    assert estimate == pytest.approx((prior + spent) / (prior + planned) * 20.0)


def test_before_the_first_message_the_plan_is_the_estimate():
    assert replay([], [10.0, 2.0, 4.0], until=0.0, workers=2, later_s=7.0).seconds(0.0) == 10.0 + 7.0
    assert replay([], [10.0, 8.0, 8.0], until=0.0, workers=2).seconds(0.0) == 13.0


def test_factor_of_an_earlier_sweep_holds_until_epochs_end():
    costs = {"0": PackCost(seconds=80.0, epochs=EPOCHS)}
    left = TimeLeft(costs, workers=1, later_s=20.0, factor=3.0)
    assert (left.factor(0.0), left.seconds(0.0)) == pytest.approx((3.0, 300.0))


def test_time_left_falls_between_messages_and_rises_when_a_worker_is_late():
    left = replay([(0.0, 0, 0)], [80.0], until=0.0, workers=1)
    assert left.seconds(4.0) == pytest.approx(76.0)
    # A planned epoch takes 10 s. After 40 s without its end, the machine is at least four times as slow.
    assert left.seconds(40.0) == pytest.approx(4 * 70.0)


def test_resumed_pack_does_not_count_the_epochs_of_its_checkpoint():
    left = replay([(0.0, 0, 0), (10.0, 0, 6)], [80.0], until=10.0, workers=1)
    assert left.seconds(10.0) == pytest.approx(20.0)


def test_packs_that_are_published_elsewhere_or_given_up_take_no_time():
    left = replay([(1.0, 0, EPOCHS)], [80.0, 16.0], until=1.0, workers=1)
    assert left.seconds(1.0) == 16.0
    left.give_up("1", 2.0)
    assert left.seconds(2.0) == 0.0


def test_groups_of_a_split_pack_count_again():
    left = replay([(0.0, 0, 0), (10.0, 0, 1)], [80.0], until=10.0, workers=1)
    left.advance("0", 3, 30.0)
    left.advance("0", 1, 40.0)
    assert left.seconds(40.0) == pytest.approx(70.0)


def test_cluster_with_more_workers_than_planned_is_counted():
    messages = [(0.0, i, 0) for i in range(4)]
    assert replay(messages, [10.0] * 8, until=0.0, workers=1).seconds(0.0) == 20.0
