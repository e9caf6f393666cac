"""What a worker does with a batch: claim, train, publish; try a failed pack again, then name it."""

from __future__ import annotations

import socket
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import sleep
from uuid import uuid4

from safetensors.torch import save

from scaling.data import Material, load
from scaling.datasets import Dataset
from scaling.plan import Pack
from scaling.store import Claims, Store, open_store, provenance
from scaling.sweep.executor import Batch, Listener, News
from scaling.train import Epoch, tables, train

ATTEMPTS = 2
LEASE_S = 20.0
"""A claim that was not renewed for so long belongs to a worker that died."""
POLL_S = 1.0


@dataclass(frozen=True, kw_only=True)
class Work:
    """What a worker needs to know besides its packs; it travels to other machines."""

    store: str
    data: Path
    logs: Path
    weights: bool
    device: str = "auto"
    given: dict[str, Material] | None = None
    """Data sets by fingerprint, for workers that may find none on their own machine."""

    def material(self, dataset: Dataset, fingerprint: str) -> Material:
        if self.given and fingerprint in self.given:
            return self.given[fingerprint].cut(dataset)
        return load(dataset, folder=self.data)


def work_through(batch: Batch, work: Work, listener: Listener) -> None:
    """Train every pack of a batch whose runs are not in the store, each under a claim.

    A pack that somebody else has claimed is looked at again after the others: by then its runs are published, or the claim has run out.
    """
    store = open_store(work.store)
    claims = Claims(store, owner=f"{socket.gethostname()}-{uuid4().hex[:8]}", lease_s=LEASE_S)
    waiting = deque(batch)
    passed = 0
    while waiting:
        pack = waiting.popleft()
        if store.ids() >= {run.id for run in pack.runs}:
            listener(_news(pack, epoch=pack.cell.recipe.epochs))
            passed = 0
        elif (claim := claims.take(pack.key)) is not None:
            with _renewed(claim.renew), _released(claim.release):
                _attempt(pack, work, store, listener)
            passed = 0
        else:
            waiting.append(pack)
            passed += 1
            if passed >= len(waiting):
                sleep(POLL_S)


def _attempt(pack: Pack, work: Work, store: Store, listener: Listener) -> None:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _train(pack, work, store, listener)
        except Exception as error:  # one pack's fault, whatever it is, must not take the others with it
            work.logs.mkdir(parents=True, exist_ok=True)
            log = work.logs / f"{pack.key}.log"
            with log.open("a") as file:
                file.write(f"attempt {attempt}: {pack.label}\n{traceback.format_exc()}\n")
            if attempt == ATTEMPTS:
                reason = (str(error).splitlines() or [""])[0]
                listener(_news(pack, epoch=0, failure=f"{type(error).__name__}: {reason}", log=str(log)))
        else:
            return


def _train(pack: Pack, work: Work, store: Store, listener: Listener) -> None:
    epochs = pack.cell.recipe.epochs

    def heard(epoch: Epoch) -> None:
        if epoch.number < epochs:
            listener(_news(pack, epoch=epoch.number, accuracy=float(epoch.test_accuracy.mean())))

    material = work.material(pack.cell.dataset, pack.cell.facts.fingerprint)
    trained = train(pack, material, device=work.device, heard=heard)
    slots = zip(pack.runs, pack.slots, strict=True)
    weights = {run.id: save({n: t.contiguous() for n, t in trained.weights[slot].items()}) for run, slot in slots} if work.weights else None
    store.publish(tables(trained, material, provenance()), weights=weights)
    listener(_news(pack, epoch=epochs, accuracy=float(trained.history[-1].test_accuracy.mean())))


def _news(pack: Pack, *, epoch: int, accuracy: float | None = None, failure: str = "", log: str = "") -> News:
    return News(key=pack.key, epoch=epoch, accuracy=accuracy, host=socket.gethostname(), failure=failure, log=log)


@contextmanager
def _renewed(renew: Callable[[], object]) -> Iterator[None]:
    """Renews a claim from a thread while the body trains."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(LEASE_S / 4):
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
        release()
