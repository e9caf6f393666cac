"""Test errors of the sweeps of ``sweeps`` compared with the peer: a faster sweep must not be a worse one.

Nothing is timed, so this benchmark may run beside other work. The peer's networks read whole batches from
memory. Eight seeds of this software share a minibatch order, so the mean of an order counts as one
observation. In the peer, no two networks share an order, so each network counts. Networks that learned
nothing, on either side, are counted and left out.

    python -m benchmarks sweep_errors --rounds 3
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean

from benchmarks.equivalence import ratio_of_means
from benchmarks.measurement import Measurement
from benchmarks.sweeps import SWEEPS, Errors, Sweep, train_own, train_peer

NAME = "sweep_errors"
MIN_ORDERS = 8
"""Smallest number of minibatch orders behind this software's errors."""
ORDERS_OF_A_ROUND, NETWORKS_OF_A_ROUND = 4, 16
"""Orders of this software and networks of the peer for each round and width."""


def measure(rounds: int, sweeps: Sequence[Sweep] = SWEEPS) -> list[Measurement]:
    return [measurement for sweep in sweeps for measurement in _compare(sweep, rounds)]


def _compare(sweep: Sweep, rounds: int) -> list[Measurement]:
    """Train all networks of one sweep on both sides."""
    own = replace(sweep, seeds=sweep.seeds * max(MIN_ORDERS, ORDERS_OF_A_ROUND * rounds))
    peer = replace(sweep, seeds=NETWORKS_OF_A_ROUND * rounds)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        results = {
            "peer": train_peer(peer, 0, folder, loader_workers=0, in_memory=True),
            "scaling": train_own(own, 0, folder),
        }
    errors = {side: result.errors for side, result in results.items()}
    untrained = {side: result.untrained for side, result in results.items()}
    return error_measurements(sweep, errors, untrained, rounds)


def error_measurements(
    sweep: Sweep, errors: dict[str, Errors], untrained: dict[str, dict[int, int]], rounds: int
) -> list[Measurement]:
    """Compare the test errors of both sides at each width.

    Args:
        sweep: the sweep.
        errors: errors of each side: of each network of the peer, and means of this software's orders.
        untrained: networks of each side that learned nothing and are not in ``errors``.
        rounds: rounds of the benchmark.
    """
    measurements = []
    for filters in sweep.filters:
        case = f"{sweep.case}: d1={filters}"
        for side, of_side in errors.items():
            values = of_side[filters]
            observations = "orders of 8 seeds" if side == "scaling" else "seeds"
            quantity = f"test error, {side}: mean and extremes of {len(values)} {observations}"
            measurements.append(
                Measurement(
                    benchmark=NAME,
                    case=case,
                    quantity=quantity,
                    unit="",
                    value=mean(values),
                    low=min(values),
                    high=max(values),
                    rounds=rounds,
                    note=f"{count} learned nothing" if (count := untrained[side].get(filters)) else "",
                )
            )
        scaling_errors, peer_errors = errors["scaling"][filters], errors["peer"][filters]
        ratio = ratio_of_means(scaling_errors, peer_errors)
        measurements.append(
            Measurement(
                benchmark=NAME,
                case=case,
                quantity="mean test error relative to the peer, 90 % interval",
                unit="",
                value=ratio.estimate,
                low=ratio.low,
                high=ratio.high,
                rounds=rounds,
                note=f"{ratio.verdict}; {len(scaling_errors)} orders and {len(peer_errors)} networks"
                + "".join(
                    f"; {count} of {side} learned nothing"
                    for side in errors
                    if (count := untrained[side].get(filters))
                ),
            )
        )
    return measurements
