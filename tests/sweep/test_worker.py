"""A worker publishes all of its packs once, whatever happens to the packs and to other workers."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import pytest
from safetensors.torch import load as load_weights

from scaling.data import load
from scaling.errors import StoreError
from scaling.store import Checkpoints, Claim, Claims, Store, collect_provenance, open_store
from scaling.store.claims import ClaimContent, read_claim_state
from scaling.sweep import worker
from scaling.sweep.executor import PackEvent
from scaling.sweep.in_process import InProcessExecutor
from scaling.sweep.worker import process_packs
from scaling.train import build_tables
from tests.sweep.planted_training import DATASET, LONG_S, Training, ids, packs, worker_config

HANG_S = 120
"""Time after which a test that hangs fails; no result depends on it."""


def ignore(event: PackEvent) -> None:
    """Callback for tests that read the store only."""


def last_events(events: list[PackEvent]) -> dict[str, PackEvent]:
    return {event.key: event for event in events}


def test_all_packs_are_published_and_reported(train, tmp_path):
    wanted = packs(1, 2, 3)
    events: list[PackEvent] = []
    InProcessExecutor(worker_config(tmp_path)).run(wanted, events.append)
    assert open_store(tmp_path / "store").ids() == ids(wanted)
    assert [(event.key, event.epoch) for event in events] == [
        (pack.key, epoch) for pack in wanted for epoch in (0, 1, 2, 3)
    ]
    assert {(event.epoch > 0, event.accuracy) for event in events} == {(False, None), (True, 0.5)}
    assert not any(event.failure for event in events)


def test_stored_runs_are_not_trained_again(train, tmp_path):
    process_packs(packs(1, 2), worker_config(tmp_path), ignore)
    events: list[PackEvent] = []
    process_packs(packs(1, 2, 3), worker_config(tmp_path), events.append)
    assert set(train.attempts.values()) == {1}
    assert {event.epoch for event in last_events(events).values()} == {3}
    assert open_store(tmp_path / "store").ids() == ids(packs(1, 2, 3))


def test_rows_name_the_commit_before_the_training(train, tmp_path, monkeypatch):
    """The checkout may move on during a training."""
    commits = ["before"]
    monkeypatch.setattr(
        worker, "collect_provenance", lambda: replace(collect_provenance(), commit=commits[-1])
    )
    train.during = lambda: commits.append("after")
    process_packs(packs(1, 2), worker_config(tmp_path), ignore)
    assert len(commits) == 3
    assert set(open_store(tmp_path / "store").runs()["commit"].to_pylist()) == {"before"}


def test_failing_pack_is_tried_twice_and_named_and_the_others_continue(train, tmp_path):
    wanted = packs(1, 2, 3)
    events: list[PackEvent] = []
    train.failing = lambda pack, attempt: ValueError("no luck\nat all") if pack is wanted[1] else None
    process_packs(wanted, worker_config(tmp_path), events.append)
    assert train.attempts == {wanted[0].key: 1, wanted[1].key: 2, wanted[2].key: 1}
    assert open_store(tmp_path / "store").ids() == ids((wanted[0], wanted[2]))
    failure = last_events(events)[wanted[1].key]
    assert failure.failure == "ValueError: no luck"
    log = (tmp_path / "logs" / f"{wanted[1].key}.log").read_text()
    assert failure.log == str(tmp_path / "logs" / f"{wanted[1].key}.log")
    assert log.count("Traceback") == 2
    assert wanted[1].label in log
    others = [event for key, event in last_events(events).items() if key != wanted[1].key]
    assert [event.failure for event in others] == ["", ""]


def test_store_that_fails_for_one_pack_does_not_stop_the_others(train, tmp_path, monkeypatch):
    wanted, try_acquire = packs(1, 2, 3), Claims.try_acquire
    events: list[PackEvent] = []

    def fail_for_second(claims: Claims, key: str, runs: list[str]) -> object:
        if key == wanted[1].key:
            raise StoreError("the network is down")
        return try_acquire(claims, key, runs)

    monkeypatch.setattr(Claims, "try_acquire", fail_for_second)
    process_packs(wanted, worker_config(tmp_path), events.append)
    assert open_store(tmp_path / "store").ids() == ids((wanted[0], wanted[2]))
    assert last_events(events)[wanted[1].key].failure == "StoreError: the network is down"


def test_log_that_cannot_be_written_does_no_harm(train, tmp_path):
    wanted = packs(1, 2)
    events: list[PackEvent] = []
    train.failing = lambda pack, attempt: ValueError("no luck") if pack is wanted[0] else None
    (tmp_path / "logs").write_text("a file in the place of the folder")
    process_packs(wanted, worker_config(tmp_path), events.append)
    failure = last_events(events)[wanted[0].key]
    assert (failure.failure, failure.log) == ("ValueError: no luck", "")
    assert open_store(tmp_path / "store").ids() == ids(wanted[1:])


def test_failed_pack_is_free_for_the_next_worker(train, tmp_path):
    train.failing = lambda pack, attempt: ValueError("no luck") if attempt <= 2 else None
    for _ in range(2):
        process_packs(packs(1), worker_config(tmp_path), ignore)
    assert open_store(tmp_path / "store").ids() == ids(packs(1))


def test_pack_that_fails_once_is_not_reported_as_a_failure(train, tmp_path):
    events: list[PackEvent] = []
    train.failing = lambda pack, attempt: RuntimeError("once") if attempt == 1 else None
    process_packs(packs(1), worker_config(tmp_path), events.append)
    assert open_store(tmp_path / "store").ids() == ids(packs(1))
    assert not any(event.failure for event in events)
    assert "once" in (tmp_path / "logs" / f"{packs(1)[0].key}.log").read_text()


def test_interruption_keeps_finished_packs_and_releases_the_claim(train, tmp_path):
    wanted = packs(1, 2)
    train.failing = lambda pack, attempt: KeyboardInterrupt() if pack is wanted[1] else None
    with pytest.raises(KeyboardInterrupt):
        process_packs(wanted, worker_config(tmp_path), ignore)
    store = open_store(tmp_path / "store")
    assert store.ids() == ids(wanted[:1])
    assert train.attempts[wanted[1].key] == 1
    assert Claims(store, owner="next", lease_s=LONG_S).try_acquire(wanted[1].key) is not None


def test_pack_of_a_dead_worker_is_taken_over(train, tmp_path):
    wanted, store = packs(1, 2), open_store(tmp_path / "store")
    assert Claims(store, owner="dead", lease_s=1.0).try_acquire(wanted[0].key) is not None
    process_packs(wanted, worker_config(tmp_path, lease_s=0.2), ignore)
    assert store.ids() == ids(wanted)
    assert "claim.2" in store.backend.list_names(f"claims/{wanted[0].key}")


def test_observer_waits_for_a_living_worker(train, tmp_path, monkeypatch):
    """The training lasts ten leases of the observer's clock, and the holder renews its claim in each."""
    (pack,), lease_s, clock = packs(1), 0.04, [0.0]
    store = open_store(tmp_path / "store")
    is_training, may_end = threading.Event(), threading.Event()

    def hold() -> None:
        is_training.set()
        assert may_end.wait(HANG_S)

    def pass_almost_a_lease(_: float) -> None:
        """Replace the observer's pause: wait for a renewal, then advance the clock."""
        state = read_claim_state(store.backend, pack.key)
        while read_claim_state(store.backend, pack.key) == state and not may_end.is_set():
            threading.Event().wait(0.005)
        if may_end.is_set():  # the holder publishes, and the clock stands still however long that takes
            threading.Event().wait(0.005)
            return
        clock[0] += 0.9 * lease_s
        if clock[0] > 10 * lease_s:
            may_end.set()

    monkeypatch.setattr(worker, "Claims", partial(Claims, clock=lambda: clock[0]))
    monkeypatch.setattr(worker, "pause", pass_almost_a_lease)
    train.during = hold
    config = worker_config(tmp_path, lease_s=lease_s)
    events: list[list[PackEvent]] = [[], []]
    with ThreadPoolExecutor(1) as pool:
        holder = pool.submit(process_packs, (pack,), config, events[0].append)
        try:
            assert is_training.wait(HANG_S)
            process_packs((pack,), config, events[1].append)
        finally:
            may_end.set()
        holder.result()
    assert train.attempts == {pack.key: 1}
    assert [last_events(own)[pack.key].epoch for own in events] == [3, 3]


def test_workers_with_the_same_packs_divide_them(train, tmp_path):
    wanted = packs(*range(1, 9))
    start = threading.Barrier(4)

    def process(_: int) -> None:
        start.wait(HANG_S)
        process_packs(wanted, worker_config(tmp_path), ignore)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(process, range(4)))
    store = open_store(tmp_path / "store")
    assert train.attempts == {pack.key: 1 for pack in wanted}
    assert sorted(store.runs(["id"])["id"].to_pylist()) == sorted(ids(wanted))
    assert len(store.backend.list_names("runs")) == len(wanted)


def test_drivers_of_overlapping_studies_never_train_the_same_networks_at_once(train, tmp_path, monkeypatch):
    """One driver wants two seeds of a block, the other all eight: the second waits, then trains the rest."""
    (few,), (many,) = packs(1, seeds=2), packs(1, seeds=8)
    is_training, second_waits = threading.Event(), threading.Event()
    events: list[list[PackEvent]] = [[], []]

    def hold_first() -> None:
        is_training.set()
        assert second_waits.wait(HANG_S)

    train.during = hold_first
    monkeypatch.setattr(worker, "pause", lambda pause: second_waits.set() or threading.Event().wait(0.01))
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(process_packs, (few,), worker_config(tmp_path), events[0].append)
        assert is_training.wait(HANG_S)
        second = pool.submit(process_packs, (many,), worker_config(tmp_path), events[1].append)
        first.result()
        second.result()
    assert few.key == many.key
    assert train.attempts == {few.key: 2}
    assert train.most_running == 1
    assert [[event.published for event in own] for own in events] == [[0, 0, 0, 2], [0, 0, 0, 6]]
    assert sorted(open_store(tmp_path / "store").runs(["id"])["id"].to_pylist()) == sorted(ids((many,)))


def test_checkpoint_serves_a_driver_that_wants_other_seeds_of_the_pack(train, tmp_path, monkeypatch):
    (few,), (many,) = packs(1, seeds=2), packs(1, seeds=8)
    Checkpoints(open_store(tmp_path / "store"), few.key).save(2, b"so far")
    seen: list[bytes | None] = []

    def record_checkpoints(pack, loaded, *, checkpoints, **rest):
        seen.append(checkpoints.newest(bytes))
        return train(pack, loaded, **rest)

    monkeypatch.setattr(worker, "train", record_checkpoints)
    process_packs((many,), worker_config(tmp_path), ignore)
    assert seen == [b"so far"]


@pytest.mark.parametrize("refusals", [1, 3])
def test_results_are_published_after_a_short_failure_of_the_store(train, tmp_path, monkeypatch, refusals):
    events: list[PackEvent] = []
    calls: list[int] = []
    publish = Store.publish

    def refuse_first(store, tables, **rest):
        calls.append(1)
        if len(calls) <= refusals:
            raise StoreError("the network is down")
        return publish(store, tables, **rest)

    monkeypatch.setattr(Store, "publish", refuse_first)
    process_packs(packs(1), worker_config(tmp_path), events.append)
    assert list(train.attempts.values()) == [1]
    assert (events[-1].failure, events[-1].published) == ("", 2)
    assert open_store(tmp_path / "store").ids() == ids(packs(1))


def test_lasting_failure_of_the_store_fails_the_pack_without_another_training(train, tmp_path, monkeypatch):
    wanted, publish = packs(1, 2), Store.publish
    events: list[PackEvent] = []

    def refuse_first_width(store, tables, **rest):
        if tables["runs"]["filters"].to_pylist()[0] == 1:
            raise StoreError("the network is down")
        return publish(store, tables, **rest)

    monkeypatch.setattr(Store, "publish", refuse_first_width)
    process_packs(wanted, worker_config(tmp_path), events.append)
    assert train.attempts == {pack.key: 1 for pack in wanted}
    assert last_events(events)[wanted[0].key].failure == "PublishError: the network is down"
    assert open_store(tmp_path / "store").ids() == ids(wanted[1:])


def test_pack_published_between_the_check_and_the_claim_is_not_trained_again(train, tmp_path, monkeypatch):
    (pack,), try_acquire = packs(1), Claims.try_acquire
    loaded = load(DATASET, folder=tmp_path)
    tables = build_tables(
        Training()(pack, loaded, on_epoch_end=lambda epoch: None), loaded, collect_provenance()
    )

    def publish_then_acquire(claims: Claims, key: str, runs: list[str]) -> object:
        open_store(tmp_path / "store").publish(tables)
        return try_acquire(claims, key, runs)

    monkeypatch.setattr(Claims, "try_acquire", publish_then_acquire)
    events: list[PackEvent] = []
    process_packs((pack,), worker_config(tmp_path), events.append)
    assert not train.attempts
    assert [event.epoch for event in events] == [3]


def test_claim_is_renewed_after_a_renewal_that_failed():
    is_renewed = threading.Event()
    calls: list[bool] = []

    def renew() -> bool:
        calls.append(True)
        if len(calls) == 1:
            raise StoreError("the network is down")
        is_renewed.set()
        return True

    with worker._renewing(renew, every_s=0.01) as check:
        assert is_renewed.wait(HANG_S)
        check()


@pytest.mark.parametrize("notices", ["while training", "at the publication"])
def test_holder_that_slept_past_its_lease_stops_and_publishes_nothing(train, tmp_path, monkeypatch, notices):
    """While it sleeps, another worker takes the pack over; it publishes the pack later."""
    (pack,), events = packs(1), list[PackEvent]()
    store, is_lost = open_store(tmp_path / "store"), threading.Event()
    others, renew = Claim(store.backend, pack.key, ClaimContent(owner="other"), 2), Claim.renew

    def renew_and_tell(claim: Claim) -> bool:
        is_held = renew(claim)
        if not is_held:
            is_lost.set()
        return is_held

    def sleep_past_the_lease() -> None:
        store.backend.put_if_absent(others.file(), b"{}")
        if notices == "while training":
            assert is_lost.wait(HANG_S)

    def publish_others(_: float) -> None:
        loaded = load(DATASET, folder=tmp_path)
        result = Training()(pack, loaded, on_epoch_end=lambda epoch: None)
        store.publish(build_tables(result, loaded, collect_provenance()), commit=others.commit)
        others.release()

    def train_in_steps(*arguments, on_step_end, **rest):
        result = train(*arguments, **rest)
        while notices == "while training":  # until the worker stops it
            on_step_end()
        return result

    monkeypatch.setattr(Claim, "renew", renew_and_tell)
    monkeypatch.setattr(worker, "train", train_in_steps)
    monkeypatch.setattr(worker, "pause", publish_others)
    train.during = sleep_past_the_lease
    lease_s = 0.1 if notices == "while training" else LONG_S
    process_packs((pack,), worker_config(tmp_path, lease_s=lease_s), events.append)
    assert train.attempts == {pack.key: 1}
    assert len(store.backend.list_names("runs")) == 1
    assert store.ids() == ids((pack,))
    assert [event.claim_lost for event in events] == [False, False, False, True, False]
    assert (events[-1].epoch, events[-1].published, events[-1].failure) == (3, 0, "")
    assert "took this pack over" in (tmp_path / "logs" / f"{pack.key}.log").read_text()


def test_weights_are_published_if_the_study_keeps_them(train, tmp_path):
    process_packs(packs(1), worker_config(tmp_path / "without"), ignore)
    process_packs(packs(1), worker_config(tmp_path / "with", weights=True), ignore)
    for run in ids(packs(1)):
        assert load_weights(open_store(tmp_path / "with" / "store").weights(run))["w"].tolist() == [1, 1]
        with pytest.raises(StoreError, match="no weights"):
            open_store(tmp_path / "without" / "store").weights(run)
