"""Simulate histories of workers that claim, train and publish packs while faults occur.

python -m simulations.claims [--histories 1000000] [--first 0]    check histories; stop at a broken promise
python -m simulations.claims --trace SEED                         print every step of one history
"""

from __future__ import annotations

import argparse
from collections import Counter
from time import process_time

from simulations.claims.history import History, load_protocol
from simulations.claims.world import Violation

HISTORIES = 1_000_000
_BLOCK = 10_000
"""Number of histories after which progress is printed."""


def main() -> int:
    """Check histories, or trace one, and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m simulations.claims", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--histories", type=int, default=HISTORIES, help="number of histories (%(default)s)")
    parser.add_argument("--first", type=int, default=0, help="seed of the first history (%(default)s)")
    parser.add_argument("--trace", type=int, metavar="SEED", help="print every step of one history")
    arguments = parser.parse_args()
    if arguments.trace is not None:
        return _trace(arguments.trace)
    return _check(arguments.first, arguments.histories)


def _check(first: int, histories: int) -> int:
    protocol, counts, start = load_protocol(), Counter[str](), process_time()
    for seed in range(first, first + histories):
        try:
            counts += History(seed, protocol).run()
        except Violation as violation:
            print(f"seed {seed}: {violation}\nevery step: python -m simulations.claims --trace {seed}")
            return 1
        done = seed - first + 1
        if not done % _BLOCK or done == histories:
            rate = done / (process_time() - start)
            print(
                f"seeds {first} to {seed}: {done} histories keep every promise; {rate:.0f} a second",
                flush=True,
            )
    print(", ".join(f"{number} {kind}" for kind, number in counts.most_common()))
    return 0


def _trace(seed: int) -> int:
    history = History(seed, load_protocol(), has_trace=True)
    print(history.world.faults)
    violation: Violation | None = None
    try:
        history.run()
    except Violation as error:
        violation = error
    print("\n".join(history.world.trace or ()))
    print(violation or "every promise is kept")
    return violation is not None


if __name__ == "__main__":
    raise SystemExit(main())
