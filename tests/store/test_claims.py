"""Claims: a pack has one holder, and an observer takes it over after one lease without a renewal."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from scaling.store import Claims, Store

LEASE_S = 30.0


class Clock:
    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def worker(store: Store, owner: str, *, now: float = 0.0) -> tuple[Claims, Clock]:
    clock = Clock(now)
    return Claims(store, owner=owner, lease_s=LEASE_S, clock=clock), clock


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


def test_pack_of_a_dead_holder_is_taken_over_after_one_lease_of_the_observers_clock(store: Store) -> None:
    holder, _ = worker(store, "holder")
    observer, clock = worker(store, "observer", now=1e9)  # clocks of different machines are unrelated
    dead = holder.try_acquire("pack")
    assert dead is not None
    assert observer.try_acquire("pack") is None
    clock.now += LEASE_S - 0.001
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
        assert claims.try_acquire("pack") is None
        clock.now += LEASE_S
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda observer: observer[0].try_acquire("pack"), observers))
    assert sum(claim is not None for claim in taken) == 1
    for claims, clock in observers:  # the new holder starts a new lease
        clock.now += LEASE_S - 1
        assert claims.try_acquire("pack") is None


def test_released_pack_is_free_at_once(store: Store) -> None:
    first, _ = worker(store, "first")
    second, _ = worker(store, "second")
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
    observer, clock = worker(store, "observer")
    assert late is not None
    assert observer.try_acquire("pack") is None
    clock.now += LEASE_S
    assert observer.try_acquire("pack") is not None
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
