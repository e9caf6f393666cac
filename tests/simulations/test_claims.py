"""Claims and publication keep their promises in simulated histories; planted bugs are found."""

from __future__ import annotations

from collections import Counter

import pytest

from simulations.claims.history import History, load_protocol
from simulations.claims.stepwise import Bug
from simulations.claims.world import Violation

PROTOCOL = load_protocol()
HISTORIES = 200
"""Number of histories in the normal suite; ``python -m simulations.claims`` runs a million."""
MOST = 10_000
"""Number of histories within which every planted bug must be found."""
QUICK_BUGS = {
    "publication ignores that put-if-absent refused": Bug(
        "            raise ClaimLost\n        self.backend", "            pass\n        self.backend"
    ),
    "renewal after another worker took the pack over": Bug(
        "if not (is_newest or self.is_committing):", "if False:"
    ),
    "outdated listing is believed": Bug("self.store.parts.expect(commits)", "pass"),
    "holder takes its own publication for a takeover": Bug("(is_newest or self.is_committing)", "is_newest"),
}
SLOW_BUGS = {
    "successor does not complete a publication": Bug("if data and not state.released:", "if False:"),
    "runs table is not written last": Bug(
        "    part = paths.part_name(runs)\n",
        '    part = paths.part_name(runs)\n    commit(paths.table_file("runs", part), runs)\n',
    ),
    "observer does not wait for a lease": Bug("return silent_s >= self.lease_s", "return True"),
    "lost answer of a put is taken for a refusal": Bug(" or backend.get(file) == content", ""),
    "renewal removes the counter without a new one": Bug(
        '        self.backend.put_if_absent(self.file(f".beat.{self.beat}"), b"")\n', ""
    ),
}


def test_promises_are_kept_in_histories_with_every_kind_of_fault() -> None:
    counts = Counter[str]()
    for seed in range(HISTORIES):
        counts += History(seed, PROTOCOL).run()
    assert counts.keys() >= {
        "clock jumps",
        "completed by a successor",
        "crashes",
        "discarded",
        "errors",
        "late puts",
        "pauses",
        "takeovers",
    }


@pytest.mark.parametrize(
    "bug",
    [pytest.param(bug, id=name) for name, bug in QUICK_BUGS.items()]
    + [pytest.param(bug, id=name, marks=pytest.mark.slow) for name, bug in SLOW_BUGS.items()],
)
def test_planted_bug_is_found(bug: Bug) -> None:
    protocol = load_protocol(bug)

    def run_all() -> None:
        for seed in range(MOST):
            History(seed, protocol).run()

    with pytest.raises(Violation):
        run_all()


def test_seed_replays_exactly() -> None:
    traces = []
    for _ in range(2):
        history = History(71, PROTOCOL, has_trace=True)
        history.run()
        traces.append(history.world.trace)
    assert traces[0] == traces[1]
    assert traces[0]
