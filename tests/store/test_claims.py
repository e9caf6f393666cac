"""Claims: a pack has one holder, an observer takes it over after one lease without a renewal, and one holder
publishes it.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import pytest

from scaling.errors import StoreError
from scaling.store import RENEWALS_PER_LEASE, Claim, ClaimLost, Claims, Store, repair, verify
from scaling.store.backend import DamagedFileError
from scaling.store.claims import ClaimContent, damaged_claims, decode_claim, pending_commits
from scaling.store.paths import part_name, table_file
from tests.store.planted_store import plant

LEASE_S = 30.0
LOOK_S = LEASE_S / RENEWALS_PER_LEASE


class Clock:
    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def worker(store: Store, owner: str, *, now: float = 0.0) -> tuple[Claims, Clock]:
    clock = Clock(now)
    return Claims(store, owner=owner, lease_s=LEASE_S, clock=clock), clock


def watch(claims: Claims, clock: Clock) -> None:
    """Look at the pack for a lease, up to the look that may take it over."""
    for _ in range(RENEWALS_PER_LEASE):
        assert claims.try_acquire("pack") is None
        clock.now += LOOK_S


def take_over(store: Store, owner: str = "observer") -> Claim:
    """Take the pack over from a holder that is considered dead."""
    observer, clock = worker(store, owner)
    watch(observer, clock)
    claim = observer.try_acquire("pack")
    assert claim is not None
    return claim


def test_exactly_one_thread_acquires_each_pack(store: Store) -> None:
    start = Barrier(8)

    def acquire(n: int) -> list[bool]:
        claims, _ = worker(store, str(n))
        has_won = []
        for pack in range(20):
            start.wait()
            has_won.append(claims.try_acquire(f"pack{pack}") is not None)
        return has_won

    with ThreadPoolExecutor(8) as pool:
        has_won = list(pool.map(acquire, range(8)))
    assert [sum(takers) for takers in zip(*has_won, strict=True)] == [1] * 20


def test_pack_of_a_dead_holder_is_taken_over_after_one_lease_of_the_observers_clock(any_store: Store) -> None:
    holder, _ = worker(any_store, "holder")
    observer, clock = worker(any_store, "observer", now=1e9)  # clocks of different machines are unrelated
    dead = holder.try_acquire("pack")
    assert dead is not None
    watch(observer, clock)
    clock.now -= 0.001
    assert observer.try_acquire("pack") is None
    clock.now += 0.001
    taken = observer.try_acquire("pack")
    assert taken is not None
    assert (dead.generation, taken.generation) == (1, 2)
    assert not dead.renew()
    assert taken.renew()


def test_pack_of_a_holder_that_renews_is_never_taken_over(store: Store) -> None:
    claim = worker(store, "holder")[0].try_acquire("pack")
    assert claim is not None
    observer, clock = worker(store, "observer")
    for _ in range(20):
        assert claim.renew()
        assert observer.try_acquire("pack") is None
        clock.now += LEASE_S - 1
        assert observer.try_acquire("pack") is None
    assert len(store.backend.list_names("claims/pack")) == 2  # the claim and one beat


def test_one_of_many_observers_takes_over(store: Store) -> None:
    assert worker(store, "holder")[0].try_acquire("pack") is not None
    observers = [worker(store, str(n)) for n in range(8)]
    for claims, clock in observers:
        watch(claims, clock)
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda observer: observer[0].try_acquire("pack"), observers))
    assert sum(claim is not None for claim in taken) == 1
    for claims, clock in observers:  # the new holder starts a new lease
        clock.now += LEASE_S - 1
        assert claims.try_acquire("pack") is None


def test_released_pack_is_free_at_once(any_store: Store) -> None:
    first, _ = worker(any_store, "first")
    second, _ = worker(any_store, "second")
    claim = first.try_acquire("pack")
    assert claim is not None
    assert claim.renew()
    claim.release()
    successor = second.try_acquire("pack")
    assert successor is not None
    assert successor.generation == 2
    assert first.try_acquire("pack") is None
    assert not claim.renew()


def test_packs_are_claimed_separately(store: Store) -> None:
    claims, _ = worker(store, "one")
    assert claims.try_acquire("pack") is not None
    assert claims.try_acquire("pack") is None
    assert claims.try_acquire("other") is not None


def test_late_release_does_not_release_the_successors_claim(store: Store) -> None:
    late = worker(store, "late")[0].try_acquire("pack")
    assert late is not None
    take_over(store)
    late.release()
    assert worker(store, "third")[0].try_acquire("pack") is None


def test_tenth_generation_comes_after_the_ninth(store: Store) -> None:
    """Generations are ordered as numbers, not as names."""
    claims, _ = worker(store, "one")
    for generation in range(1, 13):
        claim = claims.try_acquire("pack")
        assert claim is not None
        assert claim.generation == generation
        claim.release()


def test_time_in_which_the_store_does_not_answer_is_not_the_holders_silence(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look that takes long does not count, and a long time between two looks counts as a short one."""
    assert worker(store, "holder")[0].try_acquire("pack") is not None
    observer, clock = worker(store, "observer")
    for _ in range(RENEWALS_PER_LEASE - 1):
        assert observer.try_acquire("pack") is None
        clock.now += LOOK_S
    list_names = type(store.backend).list_names

    def list_late(backend: object, folder: str) -> list[str]:
        clock.now += 3 * LEASE_S
        return list_names(store.backend, folder)

    with monkeypatch.context() as patched:
        patched.setattr(type(store.backend), "list_names", list_late)
        assert observer.try_acquire("pack") is None
    assert observer.try_acquire("pack") is None
    clock.now += LOOK_S
    assert observer.try_acquire("pack") is not None
    late, late_clock = worker(store, "late")
    assert late.try_acquire("pack") is None
    late_clock.now += 3 * LEASE_S
    assert late.try_acquire("pack") is None


def test_holder_that_was_taken_over_publishes_nothing(store: Store) -> None:
    late = worker(store, "late")[0].try_acquire("pack")
    assert late is not None
    new = take_over(store)
    with pytest.raises(ClaimLost):
        store.publish(plant(["a", "b"], draw=1), commit=late.commit)
    assert store.ids() == set()
    assert store.publish(plant(["a", "b"], draw=2), commit=new.commit) == 2
    assert new.renew()
    assert store.runs().equals(plant(["a", "b"], draw=2)["runs"])


def test_next_holder_completes_the_publication_of_a_holder_that_died(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The dead holder may only have slept: its part must be the one part of the runs."""
    dead, tables = worker(store, "dead")[0].try_acquire("pack"), plant(["a", "b"])
    assert dead is not None
    put = type(store.backend).put_if_absent

    def die_before_the_commit_record(backend: object, path: str, data: bytes) -> bool:
        if path.startswith("runs/"):
            raise StoreError("killed")
        return put(store.backend, path, data)

    with monkeypatch.context() as patched:
        patched.setattr(type(store.backend), "put_if_absent", die_before_the_commit_record)
        with pytest.raises(StoreError, match="killed"):
            store.publish(tables, commit=dead.commit)
    assert store.ids() == set()
    assert dead.renew()
    new = take_over(store)
    assert new.generation == 3
    assert store.ids() == {"a", "b"}
    assert store.publish(plant(["a", "b"], draw=1), commit=new.commit) == 0
    assert store.publish(tables, commit=dead.commit) == 0
    assert len(store.backend.list_names("runs")) == 1
    assert store.runs().equals(tables["runs"])


def test_publication_whose_answer_was_lost_can_be_repeated(any_store: Store) -> None:
    claim = worker(any_store, "one")[0].try_acquire("pack")
    assert claim is not None
    repeated = replace(claim)
    path = table_file("runs", part_name(b"data"))
    claim.commit(path, b"data")
    repeated.commit(path, b"data")
    assert repeated.generation == claim.generation == 2
    claim.release()
    assert any_store.backend.list_names("claims/pack") == ["claim.1", "claim.2", "claim.2.released"]


def test_part_that_a_listing_does_not_show_yet_is_found_by_its_name(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, tables = worker(store, "first")[0].try_acquire("pack"), plant(["a", "b"])
    assert first is not None
    store.publish(tables, commit=first.commit)
    first.release()
    list_names = type(store.backend).list_names
    monkeypatch.setattr(
        type(store.backend),
        "list_names",
        lambda backend, folder: [] if folder == "runs" else list_names(backend, folder),
    )
    second = Store(store.backend)
    assert second.ids() == set()
    for owner in ("second", "third"):
        claim = worker(second, owner)[0].try_acquire("pack")
        assert claim is not None
        assert second.ids() == {"a", "b"}
        claim.release()
        second = Store(store.backend)


CLAIMS_OF_NOBODY = {
    "no text": b"\xff",
    "empty": b"",
    "no JSON": b"{",
    "no object": b"[]\n",
    "deep": b"[" * 10_000,
    "no owner": b'{"runs": []}\n',
    "number": b'{"owner": "x", "runs": 1}\n',
    "another field": b'{"owner": "x", "commitr": []}\ndata',
    "data without a record": b'{"owner": "x", "runs": [], "commits": []}\ndata',
    "another record": b'{"owner": "x", "runs": [], "commits": ["runs/0123456789abcdef0123.parquet"]}\ndata',
    "path outside": b'{"owner": "x", "runs": [], "commits": ["../evil.txt"]}\nimport os',
    "absolute path": b'{"owner": "x", "runs": [], "commits": ["/tmp/evil.txt"]}\nimport os',
    "path in another folder": b'{"owner": "x", "runs": [], "commits": ["runs/../evil.txt"]}\nimport os',
}


@pytest.mark.parametrize("content", CLAIMS_OF_NOBODY.values(), ids=CLAIMS_OF_NOBODY)
@pytest.mark.parametrize("is_released", [True, False])
def test_damaged_claim_is_named_and_nothing_is_written(
    folder: Store, content: bytes, is_released: bool
) -> None:
    folder.backend.put_if_absent("claims/pack/claim.1", content)
    if is_released:
        folder.backend.put_if_absent("claims/pack/claim.1.released", b"")
    observer, clock = worker(folder, "one")
    if not is_released:
        watch(observer, clock)
    root = Path(folder.backend.full_name(""))
    before = sorted(root.parent.rglob("*"))
    with pytest.raises(
        DamagedFileError, match=r"claims/pack/claim\.1: is not a claim .* scaling store repair"
    ):
        observer.try_acquire("pack")
    assert pending_commits(folder.backend) == {}
    assert list(damaged_claims(folder.backend)) == ["claims/pack/claim.1"]
    assert sorted(root.parent.rglob("*")) == before


def test_flipped_bit_of_a_claim_changes_no_commit_record() -> None:
    record = b"of a part"
    content = ClaimContent(owner="one", runs=("a",), commits=(table_file("runs", part_name(record)),))
    claim = content.encode(record)
    for position in range(8 * len(claim)):
        flipped = bytearray(claim)
        flipped[position // 8] ^= 1 << position % 8
        try:
            read, data = decode_claim("claim", bytes(flipped))
        except DamagedFileError:
            continue
        assert (read.commits, data) == (content.commits, record)


@pytest.mark.parametrize("is_missing", [True, False])
def test_repair_moves_a_damaged_claim_and_its_pack_can_be_claimed_again(
    folder: Store, is_missing: bool
) -> None:
    """The generation stays: the earlier holder, if it lives, has lost the pack."""
    holder = worker(folder, "one")[0].try_acquire("pack")
    assert holder is not None
    assert holder.renew()
    file = Path(folder.backend.full_name("claims/pack/claim.1"))
    file.unlink() if is_missing else file.write_bytes(b"damaged")
    (damage,) = verify(Store(folder.backend)).damage
    assert (damage.path, damage.kind) == ("claims/pack/claim.1", "claims")
    moved = repair(Store(folder.backend)).moved
    assert [Path(name).read_bytes() for name in moved] == ([] if is_missing else [b"damaged"])
    assert verify(Store(folder.backend)).damage == ()
    successor = worker(folder, "two")[0].try_acquire("pack")
    assert successor is not None
    assert successor.generation == 2
    assert not holder.renew()
    with pytest.raises(ClaimLost):
        folder.publish(plant(["a"]), commit=holder.commit)
    assert folder.publish(plant(["a"], draw=1), commit=successor.commit) == 1
