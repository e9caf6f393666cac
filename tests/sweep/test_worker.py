"""A worker publishes all it was given, once, whatever happens to its packs and to other workers."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from time import sleep

import pytest
from safetensors.torch import load as load_weights

from scaling.data import load
from scaling.errors import DataError, StoreError
from scaling.store import Checkpoints, Claims, Store, open_store
from scaling.sweep import worker as room
from scaling.sweep.executor import PackEvent
from scaling.sweep.in_process import InProcessExecutor
from scaling.sweep.worker import process_packs
from scaling.train import build_tables
from tests.sweep.planted_training import SET, Training, ids, packs, work


@pytest.fixture
def train(monkeypatch):
    """Planted: it fails as a test says."""
    training = Training()
    monkeypatch.setattr(room, "train", training)
    monkeypatch.setattr(room, "POLL_S", 0.02)
    monkeypatch.setattr(room, "PAUSES_S", (0.01,) * 3)
    return training


def ended(news: list[PackEvent]) -> dict[str, PackEvent]:
    """The last word on each pack."""
    return {item.key: item for item in news}


def test_everything_is_published_and_told(train, tmp_path):
    mine, news = packs(1, 2, 3), []
    InProcessExecutor(work(tmp_path)).run(mine, news.append)
    assert open_store(tmp_path / "store").ids() == ids(mine)
    assert [(item.key, item.epoch) for item in news] == [
        (pack.key, epoch) for pack in mine for epoch in (1, 2, 3)
    ]
    assert {item.accuracy for item in news} == {0.5}
    assert not any(item.failure for item in news)


def test_what_is_stored_is_not_trained_again(train, tmp_path):
    process_packs(packs(1, 2), work(tmp_path), lambda news: None)
    news: list[PackEvent] = []
    process_packs(packs(1, 2, 3), work(tmp_path), news.append)
    assert set(train.asked.values()) == {1}
    assert {item.epoch for item in ended(news).values()} == {3}
    assert open_store(tmp_path / "store").ids() == ids(packs(1, 2, 3))


def test_a_pack_that_fails_is_tried_twice_and_named_and_the_others_go_on(train, tmp_path):
    mine, news = packs(1, 2, 3), []
    train.failing = lambda pack, attempt: ValueError("no luck\nat all") if pack is mine[1] else None
    process_packs(mine, work(tmp_path), news.append)
    assert train.asked == {mine[0].key: 1, mine[1].key: 2, mine[2].key: 1}
    assert open_store(tmp_path / "store").ids() == ids((mine[0], mine[2]))
    failure = ended(news)[mine[1].key]
    assert failure.failure == "ValueError: no luck"
    log = (tmp_path / "logs" / f"{mine[1].key}.log").read_text()
    assert failure.log == str(tmp_path / "logs" / f"{mine[1].key}.log")
    assert log.count("Traceback") == 2
    assert mine[1].label in log
    assert [item.failure for key, item in ended(news).items() if key != mine[1].key] == ["", ""]


def test_a_store_that_fails_for_one_pack_does_not_end_the_others(train, tmp_path, monkeypatch):
    mine, try_acquire, news = packs(1, 2, 3), Claims.try_acquire, []

    def broken(claims: Claims, key: str) -> object:
        if key == mine[1].key:
            raise StoreError("the network is away")
        return try_acquire(claims, key)

    monkeypatch.setattr(Claims, "try_acquire", broken)
    process_packs(mine, work(tmp_path), news.append)
    assert open_store(tmp_path / "store").ids() == ids((mine[0], mine[2]))
    assert ended(news)[mine[1].key].failure == "StoreError: the network is away"


def test_a_log_that_cannot_be_written_harms_nobody(train, tmp_path):
    mine, news = packs(1, 2), []
    train.failing = lambda pack, attempt: ValueError("no luck") if pack is mine[0] else None
    (tmp_path / "logs").write_text("a file where the folder should be")
    process_packs(mine, work(tmp_path), news.append)
    failure = ended(news)[mine[0].key]
    assert (failure.failure, failure.log) == ("ValueError: no luck", "")
    assert open_store(tmp_path / "store").ids() == ids(mine[1:])


def test_a_failed_pack_is_free_for_the_next_worker(train, tmp_path):
    train.failing = lambda pack, attempt: ValueError("no luck") if attempt <= 2 else None
    for _ in range(2):
        process_packs(packs(1), work(tmp_path), lambda news: None)
    assert open_store(tmp_path / "store").ids() == ids(packs(1))


def test_a_pack_that_fails_once_is_no_failure(train, tmp_path):
    news: list[PackEvent] = []
    train.failing = lambda pack, attempt: RuntimeError("once") if attempt == 1 else None
    process_packs(packs(1), work(tmp_path), news.append)
    assert open_store(tmp_path / "store").ids() == ids(packs(1))
    assert not any(item.failure for item in news)
    assert "once" in (tmp_path / "logs" / f"{packs(1)[0].key}.log").read_text()


def test_an_interruption_keeps_what_is_finished_and_frees_the_rest(train, tmp_path):
    mine = packs(1, 2)
    train.failing = lambda pack, attempt: KeyboardInterrupt() if pack is mine[1] else None
    with pytest.raises(KeyboardInterrupt):
        process_packs(mine, work(tmp_path), lambda news: None)
    store = open_store(tmp_path / "store")
    assert store.ids() == ids(mine[:1])
    assert train.asked[mine[1].key] == 1
    assert Claims(store, owner="next", lease_s=1e9).try_acquire(mine[1].key) is not None


def test_a_dead_workers_pack_is_taken_over(train, tmp_path):
    mine, store = packs(1, 2), open_store(tmp_path / "store")
    assert Claims(store, owner="dead", lease_s=1.0).try_acquire(mine[0].key) is not None
    process_packs(mine, work(tmp_path, lease_s=0.2), lambda news: None)
    assert store.ids() == ids(mine)
    assert "claim.2" in store.backend.list_names(f"claims/{mine[0].key}")


def test_a_worker_that_lives_is_waited_for(train, tmp_path):
    """Its training takes several leases, and it renews its claim all the while."""
    train.seconds = 1.2
    with ThreadPoolExecutor(2) as pool:
        news: list[list[PackEvent]] = [[], []]
        for one in [
            pool.submit(process_packs, packs(1), work(tmp_path, lease_s=0.3), mine.append) for mine in news
        ]:
            one.result()
    assert set(train.asked.values()) == {1}
    assert [ended(mine)[packs(1)[0].key].epoch for mine in news] == [3, 3]


def test_workers_with_the_same_packs_share_them_out(train, tmp_path):
    mine = packs(*range(1, 9))
    train.seconds = 0.03
    together = threading.Barrier(4)

    def start(_: int) -> None:
        together.wait()
        process_packs(mine, work(tmp_path), lambda news: None)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(start, range(4)))
    store = open_store(tmp_path / "store")
    assert train.asked == {pack.key: 1 for pack in mine}
    assert sorted(store.runs(["id"])["id"].to_pylist()) == sorted(ids(mine))
    assert len(store.backend.list_names("runs")) == len(mine)


def test_drivers_of_overlapping_studies_never_train_the_same_networks_at_once(train, tmp_path):
    """One wants two seeds of a block, another all eight: the second waits, and trains and counts what is then missing."""
    (few,), (many,) = packs(1, seeds=2), packs(1, seeds=8)
    news: list[list[PackEvent]] = [[], []]
    train.seconds = 0.3
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(process_packs, (few,), work(tmp_path), news[0].append)
        while not train.asked:
            sleep(0.01)
        second = pool.submit(process_packs, (many,), work(tmp_path), news[1].append)
        first.result(), second.result()
    assert few.key == many.key
    assert train.asked == {few.key: 2}
    assert train.most_at_once == 1
    assert [[item.published for item in mine] for mine in news] == [[0, 0, 2], [0, 0, 6]]
    assert sorted(open_store(tmp_path / "store").runs(["id"])["id"].to_pylist()) == sorted(ids((many,)))


def test_a_checkpoint_serves_whoever_wants_some_of_its_networks(train, tmp_path, monkeypatch):
    (few,), (many,) = packs(1, seeds=2), packs(1, seeds=8)
    Checkpoints(open_store(tmp_path / "store"), few.key).save(2, b"so far")
    found: list[list[int]] = []

    def look(pack, loaded, *, checkpoints, **rest):
        found.append(checkpoints.epochs())
        return train(pack, loaded, **rest)

    monkeypatch.setattr(room, "train", look)
    process_packs((many,), work(tmp_path), lambda news: None)
    assert found == [[2]]


@pytest.mark.parametrize("refusals", [1, 3])
def test_what_is_trained_is_published_later_where_the_store_is_away_for_a_moment(
    train, tmp_path, monkeypatch, refusals
):
    news, asked, publish = [], [], Store.publish

    def stumble(store, tables, **rest):
        asked.append(1)
        if len(asked) <= refusals:
            raise StoreError("the network is away")
        return publish(store, tables, **rest)

    monkeypatch.setattr(Store, "publish", stumble)
    process_packs(packs(1), work(tmp_path), news.append)
    assert list(train.asked.values()) == [1]
    assert (news[-1].failure, news[-1].published) == ("", 2)
    assert open_store(tmp_path / "store").ids() == ids(packs(1))


def test_a_store_that_stays_away_fails_the_pack_without_training_it_again(train, tmp_path, monkeypatch):
    news, mine, publish = [], packs(1, 2), Store.publish

    def away(store, tables, **rest):
        if tables["runs"]["filters"].to_pylist()[0] == 1:
            raise StoreError("the network is away")
        return publish(store, tables, **rest)

    monkeypatch.setattr(Store, "publish", away)
    process_packs(mine, work(tmp_path), news.append)
    assert train.asked == {pack.key: 1 for pack in mine}
    assert ended(news)[mine[0].key].failure == "PublishError: the network is away"
    assert open_store(tmp_path / "store").ids() == ids(mine[1:])


def test_a_pack_published_between_the_look_and_the_claim_is_not_trained_again(train, tmp_path, monkeypatch):
    (mine,), try_acquire = packs(1), Claims.try_acquire
    loaded = load(SET, folder=tmp_path)
    published = build_tables(
        Training()(mine, loaded, on_epoch_end=lambda epoch: None), loaded, room.collect_provenance()
    )

    def late(claims: Claims, key: str) -> object:
        open_store(tmp_path / "store").publish(published)
        return try_acquire(claims, key)

    monkeypatch.setattr(Claims, "try_acquire", late)
    news: list[PackEvent] = []
    process_packs((mine,), work(tmp_path), news.append)
    assert not train.asked
    assert [item.epoch for item in news] == [3]


def test_a_claim_that_cannot_be_renewed_for_a_moment_is_renewed_later():
    renewed = threading.Event()
    calls: list[bool] = []

    def renew() -> None:
        calls.append(True)
        if len(calls) == 1:
            raise StoreError("the network is away")
        renewed.set()

    with room._renewed(renew, every_s=0.05):
        assert renewed.wait(5)


def test_weights_are_kept_where_the_study_says_so(train, tmp_path):
    process_packs(packs(1), work(tmp_path / "a"), lambda news: None)
    process_packs(packs(1), work(tmp_path / "b", weights=True), lambda news: None)
    for run in ids(packs(1)):
        assert load_weights(open_store(tmp_path / "b" / "store").weights(run))["w"].tolist() == [1, 1]
        with pytest.raises(StoreError, match="no weights"):
            open_store(tmp_path / "a" / "store").weights(run)


def test_data_that_was_sent_along_is_used_and_must_be_the_planned(tmp_path):
    given, other = load(SET, folder=tmp_path), SET.model_copy(update={"draw": 1})
    sent = work(tmp_path, given={SET: given})
    assert sent.load_dataset(SET, SET.info(tmp_path)) is given
    assert sent.load_dataset(other, other.info(tmp_path)).info == other.info(tmp_path)
    with pytest.raises(DataError, match="changed since the study was planned"):
        sent.load_dataset(SET, other.info(tmp_path))


def test_a_worker_reads_a_data_set_once(tmp_path):
    assert work(tmp_path).load_dataset(SET, SET.info(tmp_path)) is work(tmp_path).loaded(
        SET, SET.info(tmp_path)
    )
