"""Checkpoints in a store: two stay, and a damaged one is replaced by the one before it."""

from __future__ import annotations

from scaling.store import Checkpoints, Store


def test_two_checkpoints_stay_and_a_damaged_one_gives_way_to_the_older(any_store: Store) -> None:
    reports: list[str] = []
    checkpoints = Checkpoints(any_store, "pack", reports.append)
    for steps in (9, 10, 11):
        checkpoints.save(steps, b"after %d" % steps)
    newest, older = checkpoints.names()
    assert [name.partition(".")[0] for name in (newest, older)] == ["11", "10"]
    any_store.backend.delete(f"checkpoints/pack/{newest}")
    any_store.backend.put_if_absent(f"checkpoints/pack/{newest}", b"damaged")
    assert checkpoints.newest(bytes.decode) == "after 10"
    assert len(reports) == 1
    assert newest in reports[0]
    assert checkpoints.names() == [older]
    checkpoints.clear()
    assert checkpoints.names() == []
