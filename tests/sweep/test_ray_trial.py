"""A trial of Tune, without Ray: events come one by one, and SIGTERM ends the process after its work."""

from __future__ import annotations

import os
import signal
from queue import Queue
from threading import Thread

import pytest

from scaling import interruption
from scaling.store import Claims, open_store
from scaling.sweep.ray_trial import NO_ACCURACY, SweepTrial
from tests.sweep.planted_training import LONG_S, ids, packs, worker_config

HANG_S = 120
"""Time after which a test that hangs fails; no result depends on it."""


@pytest.fixture
def make_trial(monkeypatch, tmp_path):
    """Return a function that makes a trial in this process, whose driver knows it."""
    before = signal.getsignal(signal.SIGTERM)

    def make(*wanted) -> SweepTrial:
        trial = SweepTrial.__new__(SweepTrial)
        config = {"packs": [pack.key for pack in wanted]}
        trial.setup(config, packs={pack.key: pack for pack in wanted}, worker_config=worker_config(tmp_path))
        trial.is_known = True
        return trial

    yield make
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGTERM, before)
    with interruption.handled_signals():  # forgets the signal
        pass


def test_trial_returns_the_events_of_its_packs_and_can_be_reused(train, make_trial, tmp_path):
    one, two = packs(1, 2)
    trial = make_trial(one, two)
    for wanted in ((one, two), (one,)):
        trial.reset_config({"packs": [pack.key for pack in wanted]})
        trial.is_known = True
        results = [trial.step()]
        while "done" not in results[-1]:
            results.append(trial.step())
        assert results[-1] == {"accuracy": NO_ACCURACY, "done": True}
        assert {result["key"] for result in results[:-1]} == {pack.key for pack in wanted}
    assert open_store(tmp_path / "store").ids() == ids((one, two))


def test_error_of_the_work_is_raised_to_tune(train, make_trial):
    (pack,) = packs(1)
    trial = make_trial(pack)
    trial.packs = {}
    with pytest.raises(KeyError):
        trial.step()


def test_sigterm_interrupts_the_work_releases_the_claim_and_ends_the_process(
    train, make_trial, monkeypatch, tmp_path
):
    codes: Queue[int] = Queue()
    monkeypatch.setattr(os, "_exit", codes.put)
    (pack,) = packs(1)

    def receive_signal() -> None:
        signal.raise_signal(signal.SIGTERM)
        interruption.pause(HANG_S)

    train.during = receive_signal
    trial = make_trial(pack)
    trial.thread = Thread(target=trial._work, daemon=True)
    trial.thread.start()
    assert codes.get(timeout=HANG_S) == 143
    assert not trial.thread.is_alive()
    store = open_store(tmp_path / "store")
    assert store.ids() == set()
    assert Claims(store, owner="next", lease_s=LONG_S).try_acquire(pack.key) is not None


def test_sigterm_that_ray_has_blocked_arrives_when_the_trial_begins(make_trial, monkeypatch):
    codes: Queue[int] = Queue()
    monkeypatch.setattr(os, "_exit", codes.put)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        signal.raise_signal(signal.SIGTERM)
        make_trial(*packs(1))
        assert codes.get(timeout=HANG_S) == 143
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
