"""Work of one trial: claim each pack, train it, publish its runs, and repeat a failed pack once."""

from __future__ import annotations

import gc
import socket
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import uuid4

from scaling import interruption
from scaling.errors import StoreError, TrainError
from scaling.interruption import pause
from scaling.models.stored_weights import encode_weights
from scaling.plan import Pack
from scaling.plan.trials import TrialPacks
from scaling.store import (
    RENEWALS_PER_LEASE,
    Checkpoints,
    Claim,
    ClaimLost,
    Claims,
    Store,
    StoreUnion,
    collect_provenance,
    open_store,
)
from scaling.sweep.executor import OnPackEvent, PackEvent
from scaling.sweep.worker_config import WorkerConfig, first_line, write_log
from scaling.train import EpochMetrics, PackResult, build_tables, train
from scaling.train.out_of_memory import is_out_of_memory
from scaling.train.pruning import load_parents, train_round

_ATTEMPTS = 2
"""Number of times that a pack is trained before it is given up."""
_POLL_S = 1.0
"""Pause before the next look at packs that other workers have claimed."""
_PUBLISH_PAUSES_S = (1.0, 4.0, 15.0)
"""Pauses before each further attempt to publish the results of a finished training."""


class PublishError(StoreError):
    """Results that could not be stored, in any of several attempts."""


def process_packs(packs: TrialPacks, config: WorkerConfig, on_progress: OnPackEvent) -> None:
    """Train and publish every pack whose runs are not in the store, each under a claim.

    A pack that another worker has claimed is tried again after the others: by then its runs are published, or
    the claim has expired.

    Args:
        packs: packs of one trial.
        config: settings of the worker.
        on_progress: is called at the end of each epoch and for each pack that is published or given up.

    Raises:
        Interrupted: an interruption was requested. The pack in training has a checkpoint and no claim.
    """
    worker = _Worker(config, on_progress)
    waiting = deque(packs)
    skipped = 0
    while waiting:
        interruption.check()
        pack = waiting.popleft()
        if worker.finish(pack):
            skipped = 0
        else:
            waiting.append(pack)
            skipped += 1
            if skipped >= len(waiting):
                pause(_POLL_S)
    interruption.check()


class _Worker:
    """One worker with its view of the store."""

    def __init__(self, config: WorkerConfig, on_progress: OnPackEvent) -> None:
        self.config, self.on_progress = config, on_progress
        # Before the first training: the checkout can move on while this process runs what it imported.
        self.provenance = collect_provenance()
        self.store: Store = open_store(config.store, waits=True)
        owner = f"{socket.gethostname()}-{uuid4().hex[:8]}"
        self.claims = Claims(self.store, owner=owner, lease_s=config.lease_s)

    def finish(self, pack: Pack) -> bool:
        """Publish a pack or give it up.

        Returns:
            False while another worker holds the pack.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return self._publish_claimed(pack)
            except ClaimLost:  # the other worker publishes the pack, or dies and is waited for
                self._report_loss(pack)
                return False
            except Exception as error:  # an error of one pack must not stop the other packs
                heading = f"attempt {attempt}"
                log = write_log(self.config, pack, heading=heading, text=traceback.format_exc())
                reason = f"{type(error).__name__}: {first_line(error)}"
                if isinstance(error, PublishError):  # the store failed: another training would not help
                    break
        self.on_progress(_event(pack, failure=reason, log=log))
        return True

    def _publish_claimed(self, pack: Pack) -> bool:
        if self._report_if_published(pack):
            return True
        claim = self.claims.try_acquire(pack.key, [run.id for run in pack.runs])
        if claim is None:
            return False
        every_s = self.config.lease_s / RENEWALS_PER_LEASE
        with _releasing(claim.release), _renewing(claim.renew, every_s=every_s) as check_claim:
            # The last holder may have published the pack after the check above and before the claim.
            if not self._report_if_published(pack):
                self.on_progress(_event(pack))
                self._train(pack, claim, check_claim)
        return True

    def _report_if_published(self, pack: Pack) -> bool:
        is_published = self.store.ids() >= {run.id for run in pack.runs}
        if is_published:
            self.on_progress(_event(pack, epoch=pack.cell.recipe.epochs))
        return is_published

    def _report_loss(self, pack: Pack) -> None:
        text = (
            "Another worker took this pack over, because this worker did not renew its claim for"
            f" {self.config.lease_s:g} s: it was stopped, or the store did not answer. The results of this"
            " training are discarded."
        )
        log = write_log(self.config, pack, heading="claim lost", text=text)
        self.on_progress(_event(pack, claim_lost=True, log=log))

    def _train(self, pack: Pack, claim: Claim, check_claim: Callable[[], None]) -> None:
        """Train and publish a claimed pack, in smaller groups of its networks if it does not fit into memory.

        A group that fits is published before the next one is trained.

        Raises:
            TrainError: there is not enough memory for one network.
        """
        groups = pack.split(self.config.max_replicas or pack.size)
        events: list[PackEvent] = []
        while groups:
            try:
                events.append(self._train_group(groups[0], pack, claim, check_claim))
                size = groups.pop(0).size
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                groups = self._split_further(groups, pack, error)
            else:
                continue
            gc.collect()  # the objects of a training refer to each other
        published = sum(event.published for event in events)
        self.on_progress(replace(events[-1], published=published, was_split=size < pack.size))

    def _split_further(self, groups: Sequence[Pack], pack: Pack, error: Exception) -> list[Pack]:
        """Return groups of half the size, and write in the log why."""
        size, reason = groups[0].size, f"{type(error).__name__}: {first_line(error)}"
        if size == 1:
            raise TrainError(
                f"there is not enough memory for one network ({reason}); use fewer workers"
                " (resources.workers) or a machine with more memory"
            ) from error
        text = (
            f"{size} networks at once do not fit into memory ({reason}). The networks train in groups of"
            f" {size // 2}, which the column replicas says; their numbers can differ in the last bits."
        )
        write_log(self.config, pack, heading="out of memory", text=text)
        return [half for group in groups for half in group.split(size // 2)]

    def _train_group(
        self, group: Pack, pack: Pack, claim: Claim, check_claim: Callable[[], None]
    ) -> PackEvent:
        """Train and publish networks of a pack that fit into memory together: all of them, or a group."""
        epochs = pack.cell.recipe.epochs

        def on_epoch_end(epoch: EpochMetrics) -> None:
            if epoch.number < epochs:
                self.on_progress(_event(pack, epoch=epoch.number, accuracy=_mean_accuracy(epoch)))

        dataset = self.config.load_dataset(pack.cell.dataset, pack.cell.info)
        checkpoints = Checkpoints(
            self.store,
            pack.key,
            lambda line: write_log(self.config, pack, heading="checkpoint", text=line),
            group="" if group is pack else group.key,
        )
        options: dict[str, Any] = {
            "device": self.config.device,
            "on_epoch_end": on_epoch_end,
            "on_step_end": check_claim,
            "checkpoints": checkpoints,
        }
        if group.runs[0].pruning:
            stores = StoreUnion(self.store, [open_store(uri, waits=True) for uri in self.config.also])
            result = train_round(group, dataset, load_parents(group, stores), **options)
        else:
            result = train(group, dataset, **options)
        with interruption.deferred():
            tables = build_tables(result, dataset, self.provenance)
            weights = encode_pack_weights(result) if self.config.weights else None
            published = _publish(partial(self.store.publish, tables, weights=weights, commit=claim.commit))
            with suppress(StoreError):  # the runs are published; remaining checkpoints are small
                checkpoints.clear()
        return _event(pack, epoch=epochs, accuracy=_mean_accuracy(result.history[-1]), published=published)


def _event(pack: Pack, *, epoch: int = 0, **fields: Any) -> PackEvent:
    return PackEvent(key=pack.key, epoch=epoch, host=socket.gethostname(), **fields)


def _mean_accuracy(epoch: EpochMetrics) -> float:
    return float(epoch.test_accuracy.mean())


def encode_pack_weights(result: PackResult) -> dict[str, bytes]:
    """Return the weights of each run that keeps them, and the masks of pruned networks, as safetensors."""
    masks = result.pruning.masks if result.pruning else {}
    return {
        run.id: encode_weights(result.weights[slot], {name: mask[slot] for name, mask in masks.items()})
        for run, slot in zip(result.pack.runs, result.pack.slots, strict=True)
        if result.weights[slot]
    }


def _publish(publish: Callable[[], int]) -> int:
    """Publish in several attempts, so that a short failure of the store does not lose minutes of training."""
    for pause_s in _PUBLISH_PAUSES_S:
        try:
            return publish()
        except StoreError:
            pause(pause_s)
    try:
        return publish()
    except StoreError as error:
        raise PublishError(error.problem, option=error.option) from error


@contextmanager
def _renewing(renew: Callable[[], bool], *, every_s: float) -> Iterator[Callable[[], None]]:
    """Renew a claim from a thread while the block trains.

    Yields:
        A function that raises ``ClaimLost`` once a renewal found that the claim is lost.
    """
    is_over, is_lost = threading.Event(), threading.Event()

    def renew_repeatedly() -> None:
        while not (is_over.wait(every_s) or is_lost.is_set()):
            # The next renewal may reach the store. If none does, the claim expires.
            with suppress(StoreError):
                if not renew():
                    is_lost.set()

    def check() -> None:
        if is_lost.is_set():
            raise ClaimLost

    thread = threading.Thread(target=renew_repeatedly, daemon=True)
    thread.start()
    try:
        yield check
    finally:
        is_over.set()
        thread.join()


@contextmanager
def _releasing(release: Callable[[], object]) -> Iterator[None]:
    try:
        yield
    finally:
        with interruption.deferred(), suppress(StoreError):  # otherwise the claim expires
            release()
