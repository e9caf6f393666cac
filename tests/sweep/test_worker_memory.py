"""A pack that does not fit into memory trains in smaller groups of its networks."""

from __future__ import annotations

from scaling.store import open_store
from scaling.sweep import worker
from scaling.sweep.executor import PackEvent
from scaling.sweep.worker import process_packs
from tests.sweep.planted_training import ids, packs, worker_config


def test_pack_that_does_not_fit_into_memory_trains_in_smaller_groups(train, tmp_path):
    (pack, other), events = packs(1, 2, seeds=7), list[PackEvent]()
    train.failing = lambda group, attempt: (
        MemoryError() if group.runs[0] in pack.runs and group.size > 2 else None
    )
    process_packs((pack, other), worker_config(tmp_path, weights=True), events.append)
    store = open_store(tmp_path / "store")
    runs = store.runs()
    assert store.ids() == ids((pack, other))
    assert len(store.predictions(ids((pack,)))) == len(pack.runs)
    replicas = dict(zip(runs["id"].to_pylist(), runs["replicas"].to_pylist(), strict=True))
    assert replicas == dict.fromkeys(ids((pack,)), 2) | dict.fromkeys(ids((other,)), 8)
    assert train.attempts == {pack.key: 1, pack.split(4)[0].key: 1, other.key: 1} | {
        group.key: 1 for group in pack.split(2)
    }
    ends = {event.key: event for event in events if event.epoch == 3}
    assert [(ends[p.key].published, ends[p.key].was_split) for p in (pack, other)] == [(7, True), (7, False)]
    assert not any(event.failure for event in events)
    log = (tmp_path / "logs" / f"{pack.key}.log").read_text()
    assert log.count("out of memory: tree3 1 seeds 0-6\n") == 2
    assert "4 networks at once do not fit into memory" in log
    assert store.backend.list_files("checkpoints") == []


def test_network_that_does_not_fit_into_memory_fails_and_the_others_continue(train, tmp_path):
    (pack, other), events = packs(1, 2, seeds=8), list[PackEvent]()
    train.failing = lambda group, attempt: MemoryError() if group.runs[-1] == pack.runs[-1] else None
    process_packs((pack, other), worker_config(tmp_path), events.append)
    assert open_store(tmp_path / "store").ids() == {run.id for run in pack.runs[:-1]} | ids((other,))
    (failure,) = (event.failure for event in events if event.failure)
    assert failure.startswith("TrainError: there is not enough memory for one network (MemoryError: ); use")


def test_groups_of_a_pack_resume_from_checkpoints_of_their_own(train, tmp_path, monkeypatch):
    (pack,), seen = packs(1, seeds=8), list[str]()

    def record_checkpoints(group, loaded, *, checkpoints, **rest):
        seen.append(checkpoints.newest(bytes.decode))
        checkpoints.save(1, group.key.encode())
        if len(seen) == 2:
            raise ValueError("stop here")
        return train(group, loaded, **rest)

    monkeypatch.setattr(worker, "train", record_checkpoints)
    process_packs((pack,), worker_config(tmp_path, max_replicas=4), lambda event: None)
    second = pack.split(4)[1].key
    assert seen == [None, None, None, second]
    assert open_store(tmp_path / "store").backend.list_files("checkpoints") == []
