"""Estimate of the wall time that a sweep still takes, from the plan and from its own progress.

The plan's costs can be wrong by a factor that is common to all packs, because the machine is slower, or busy
with other work. The factor is measured from the epochs that have ended:

    factor = (seconds that workers spent on the ended epochs) / (planned seconds of these epochs)

A small weight on factor 1, or on that of an earlier sweep, stands for the plan until epochs end. Epochs that
have not ended count as well: a worker that is late has done less than one epoch since its last message, which
bounds the factor from below.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import fsum

_PRIOR_SHARE = 0.01
"""Weight of the factor before any message, as a share of the planned seconds of all packs.

Set here: after a tenth of the work, the measured factor has ten times this weight.
"""


@dataclass(frozen=True, kw_only=True)
class PackCost:
    """Planned cost of a pack."""

    seconds: float
    """Planned seconds on one core."""
    epochs: int


@dataclass
class _PackTime:
    """Progress of a pack, with times in seconds of one clock."""

    started_at: float | None
    """Time at which the measured training began; None if it is not known."""
    reported_at: float
    """Time of the last message."""
    first_epoch: int
    """Number of epochs that had ended when the measured training began."""
    epoch: int
    """Number of epochs that have ended."""
    is_over: bool = False
    """True if the pack is finished or given up."""


class TimeLeft:
    """Estimate of the time left.

    Args:
        costs: planned cost of each pack by its key.
        workers: number of packs that are planned to train at once; a cluster may train more.
        later_s: planned wall seconds of the sweeps that follow.
        factor: actual seconds of a planned second in an earlier sweep.
    """

    def __init__(
        self, costs: Mapping[str, PackCost], *, workers: int, later_s: float = 0.0, factor: float = 1.0
    ) -> None:
        self._costs, self._later_s, self._prior_factor = costs, later_s, factor
        self._workers = max(1, workers)
        self._times: dict[str, _PackTime] = {}  # other threads read copies

    def begin(self, key: str, now_s: float) -> None:
        """Record that the training of a pack begins, perhaps once more."""
        self._times[key] = _PackTime(now_s, now_s, first_epoch=0, epoch=0)
        in_training = sum(not time.is_over for time in self._times.values())
        self._workers = max(self._workers, in_training)

    def advance(self, key: str, epoch: int, now_s: float) -> None:
        """Record that an epoch of a pack has ended."""
        time = self._times.get(key)
        if time is None or epoch < time.epoch:  # finished elsewhere, or the next group of a split pack
            self._times[key] = _PackTime(None, now_s, first_epoch=epoch, epoch=epoch)
        else:
            if time.epoch == time.first_epoch == 0 and epoch > 1:  # resumed from a checkpoint
                time.first_epoch = epoch - 1
            time.reported_at, time.epoch = now_s, epoch
        self._times[key].is_over = epoch == self._costs[key].epochs

    def give_up(self, key: str, now_s: float) -> None:
        """Record that a pack takes no more time."""
        self._times[key] = _PackTime(None, now_s, first_epoch=0, epoch=0, is_over=True)

    @property
    def has_begun(self) -> bool:
        """True once a message of a pack has arrived."""
        return bool(self._times)

    def factor(self, now_s: float) -> float:
        """Return the actual seconds of a planned second."""
        return self._factor(dict(self._times), now_s)

    def seconds(self, now_s: float) -> float:
        """Return the estimated wall seconds that are left at a time."""
        times = dict(self._times)
        factor = self._factor(times, now_s)
        left = [self._seconds_of(key, times.get(key), factor, now_s) for key in self._costs]
        # Two lower bounds of the length of a schedule, which a schedule with the longest pack first nears.
        return factor * (max(fsum(left) / self._workers, max(left, default=0.0)) + self._later_s)

    def _seconds_of(self, key: str, time: _PackTime | None, factor: float, now_s: float) -> float:
        """Return the planned seconds of a pack that are left."""
        cost = self._costs[key]
        if time is None:
            return cost.seconds
        if time.is_over:
            return 0.0
        running = min(self._epoch_s(key), (now_s - time.reported_at) / factor)
        return cost.seconds - time.epoch * self._epoch_s(key) - running

    def _epoch_s(self, key: str) -> float:
        return self._costs[key].seconds / self._costs[key].epochs

    def _factor(self, times: Mapping[str, _PackTime], now_s: float) -> float:
        measured = {key: time for key, time in times.items() if time.started_at is not None}
        spent = fsum(time.reported_at - (time.started_at or 0.0) for time in measured.values())
        planned = fsum((time.epoch - time.first_epoch) * self._epoch_s(key) for key, time in measured.items())
        running = {key: time for key, time in measured.items() if not time.is_over}
        spent_until_now = spent + fsum(now_s - time.reported_at for time in running.values())
        most_planned = planned + fsum(self._epoch_s(key) for key in running)
        prior = _PRIOR_SHARE * fsum(cost.seconds for cost in self._costs.values())
        ratio = (prior * self._prior_factor + spent) / (prior + planned)
        return max(ratio, spent_until_now / most_planned if running else 0.0)
