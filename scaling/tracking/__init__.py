"""Copies of finished runs in experiment trackers: TensorBoard, Weights & Biases, MLflow and trackio.

The store is the record of a run; a tracker gets a copy of it, under the id of the run. A process of its own
writes the copies, so that no failure of a tracker reaches a sweep.
"""

from scaling.tracking.process import TrackerError, TrackerProcess
from scaling.tracking.record import TrackedEpoch, TrackedRun
from scaling.tracking.trackers import TRACKERS, Destination, check_tracker, find_tracker

__all__ = [
    "TRACKERS",
    "Destination",
    "TrackedEpoch",
    "TrackedRun",
    "TrackerError",
    "TrackerProcess",
    "check_tracker",
    "find_tracker",
]
