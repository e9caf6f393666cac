"""Text about the runs of a sweep: trained, published by others, missing, and failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scaling.cli.output import count, print_text

if TYPE_CHECKING:
    from scaling.api._sweep import PackFailure, SweepCounts


def print_missing(counts: SweepCounts) -> int:
    """Print which runs this sweep did not train, and return the exit code."""
    if counts.trained_by_others:
        print_text(f"{count(counts.trained_by_others, 'run')} published by another process meanwhile")
    if counts.claims_lost:
        print_text(
            f"{count(counts.claims_lost, 'training')} discarded: the worker was stopped, or could not reach"
            " the store, for so long that another worker took its pack over"
        )
    if counts.packs_split:
        print_text(
            f"{count(counts.packs_split, 'pack')} did not fit into memory: the networks trained in smaller"
            " groups, whose size is in the column replicas"
        )
    equal_failures: dict[str, list[PackFailure]] = {}
    for failure in counts.failures:
        equal_failures.setdefault(failure.reason, []).append(failure)
    for reason, (failure, *others) in equal_failures.items():
        more = f" and {count(len(others), 'more pack')}" if others else ""
        print_text(
            f"failed: {failure.pack.label}{more}: {reason}; log: {failure.log or 'could not be written'}"
        )
    if counts.missing:
        print_text(f"{count(counts.missing, 'run')} missing; the same command tries them again")
    return 1 if counts.missing else 0
