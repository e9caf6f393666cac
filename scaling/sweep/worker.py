"""What a worker does with a batch: claim, train, publish; try a failed pack again, then name it."""

from __future__ import annotations

import socket
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from time import sleep
from uuid import uuid4

import pyarrow as pa
from safetensors.torch import save

from scaling.errors import StoreError
from scaling.plan import Pack
from scaling.plan.trials import TrialPacks
from scaling.store import Checkpoints, Claims, Store, collect_provenance, open_store
from scaling.sweep.executor import OnPackEvent, PackEvent
from scaling.sweep.worker_config import WorkerConfig, first_line, write_log
from scaling.train import EpochMetrics, build_tables, train

ATTEMPTS = 2
POLL_S = 1.0
PAUSES_S = (1.0, 4.0, 15.0)
"""Before each further attempt to publish what is trained already."""


class PublishError(StoreError):
    """What a pack measured could not be stored, however often it was tried."""


def process_packs(batch: TrialPacks, work: WorkerConfig, on_progress: OnPackEvent) -> None:
    """Train every pack of a batch whose runs are not in the store, each under a claim.

    A pack that somebody else has claimed is looked at again after the others: by then its runs are published, or the claim has run out.
    """
    store = open_store(work.store)
    claims = Claims(store, owner=f"{socket.gethostname()}-{uuid4().hex[:8]}", lease_s=work.lease_s)
    waiting = deque(batch)
    passed = 0
    while waiting:
        pack = waiting.popleft()
        if _settled(pack, work, store, claims, on_progress):
            passed = 0
        else:
            waiting.append(pack)
            passed += 1
            if passed >= len(waiting):
                sleep(POLL_S)


def _settled(pack: Pack, work: WorkerConfig, store: Store, claims: Claims, on_progress: OnPackEvent) -> bool:
    """Published or given up; False while somebody else has it."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return _published(pack, work, store, claims, on_progress)
        except Exception as error:  # one pack's fault, whatever it is, must not take the others with it
            log = write_log(work, pack, f"attempt {attempt}", traceback.format_exc())
            reason = f"{type(error).__name__}: {first_line(error)}"
            if isinstance(error, PublishError):  # the store's fault, which no training mends
                break
    on_progress(_news(pack, epoch=0, failure=reason, log=log))
    return True


def _published(
    pack: Pack, work: WorkerConfig, store: Store, claims: Claims, on_progress: OnPackEvent
) -> bool:
    if _is_done(pack, store, on_progress):
        return True
    claim = claims.try_acquire(pack.key)
    if claim is None:
        return False
    with _released(claim.release), _renewed(claim.renew, every_s=work.lease_s / 4):
        # Its last holder may have published it after the look above and before the claim.
        if not _is_done(pack, store, on_progress):
            _train(pack, work, store, on_progress)
    return True


def _is_done(pack: Pack, store: Store, on_progress: OnPackEvent) -> bool:
    done = store.ids() >= {run.id for run in pack.runs}
    if done:
        on_progress(_news(pack, epoch=pack.cell.recipe.epochs))
    return done


def _train(pack: Pack, work: WorkerConfig, store: Store, on_progress: OnPackEvent) -> None:
    epochs = pack.cell.recipe.epochs

    def on_epoch_end(epoch: EpochMetrics) -> None:
        if epoch.number < epochs:
            on_progress(_news(pack, epoch=epoch.number, accuracy=float(epoch.test_accuracy.mean())))

    dataset = work.load_dataset(pack.cell.dataset, pack.cell.info)
    checkpoints = Checkpoints(store, pack.key)
    trained = train(pack, dataset, device=work.device, on_epoch_end=on_epoch_end, checkpoints=checkpoints)
    slots = zip(pack.runs, pack.slots, strict=True)
    weights = (
        {run.id: save({n: t.contiguous() for n, t in trained.weights[slot].items()}) for run, slot in slots}
        if work.weights
        else None
    )
    published = _publish(store, build_tables(trained, dataset, collect_provenance()), weights)
    with suppress(StoreError):  # the runs are published; what is left over is small
        checkpoints.clear()
    on_progress(
        _news(
            pack, epoch=epochs, accuracy=float(trained.history[-1].test_accuracy.mean()), published=published
        )
    )


def _publish(store: Store, made: Mapping[str, pa.Table], weights: Mapping[str, bytes] | None) -> int:
    """Publish, more than once if need be: minutes of training must not be lost to a moment without the store."""
    for pause in PAUSES_S:
        try:
            return store.publish(made, weights=weights)
        except StoreError:
            sleep(pause)
    try:
        return store.publish(made, weights=weights)
    except StoreError as error:
        raise PublishError(str(error)) from error


def _news(
    pack: Pack,
    *,
    epoch: int,
    accuracy: float | None = None,
    published: int = 0,
    failure: str = "",
    log: str = "",
) -> PackEvent:
    return PackEvent(
        key=pack.key,
        epoch=epoch,
        accuracy=accuracy,
        published=published,
        host=socket.gethostname(),
        failure=failure,
        log=log,
    )


@contextmanager
def _renewed(renew: Callable[[], object], *, every_s: float) -> Iterator[None]:
    """Renews a claim from a thread while the body trains."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(every_s):
            with suppress(
                StoreError
            ):  # the next beat may reach the store; if none does, the claim runs out, and publishing tells why
                renew()

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def _released(release: Callable[[], object]) -> Iterator[None]:
    try:
        yield
    finally:
        with suppress(StoreError):  # else the claim runs out by itself
            release()
