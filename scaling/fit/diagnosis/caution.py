"""Caution about the laws of a group, for a reason that lies in its runs and not in its points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from scaling.fit.result import Fit, Law, Status


def add_caution(fits: Sequence[Fit], reasons: Mapping[tuple[str, ...], str]) -> list[Fit]:
    """Return the fits with the status caution for the laws of groups that have a reason for it.

    Args:
        fits: laws of the groups.
        reasons: reason by the values that name the group, such as those from ``check_convergence``.
    """
    return [
        replace(fit, laws=_flag(fit.laws, reason), robust=_flag(fit.robust, reason)) if reason else fit
        for fit, reason in ((fit, reasons.get(tuple(fit.group.values()))) for fit in fits)
    ]


def _flag(laws: Mapping[str, Law], reason: str) -> dict[str, Law]:
    return {
        name: law
        if law.status is Status.REJECTED
        else replace(law, status=Status.CAUTION, reason="; ".join(filter(None, (law.reason, reason))))
        for name, law in laws.items()
    }
