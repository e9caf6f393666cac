"""The rule that most verdicts share: on which side of a limit a whole interval lies.

A claim of the kind "as good as" gets a limit that is the margin. It holds only if the whole interval lies
within the margin, so that an interval that is too wide shows nothing.
"""

from __future__ import annotations

from math import isnan

from analysis.claims.claim import ClaimVerdict
from scaling.fit import Interval

MARGIN = 0.1
"""Share of the reference's value within which a network counts as good as the reference."""


def judge_at_most(value: Interval, limit: float) -> ClaimVerdict:
    """Return whether a value is at most a limit, by its 95 % interval.

    Args:
        value: the value; without limits (NaN) nothing is shown.
        limit: largest value with which the claim holds.
    """
    if isnan(value.low) or isnan(value.high):
        return ClaimVerdict.UNCLEAR
    if value.high <= limit:
        return ClaimVerdict.HOLDS
    return ClaimVerdict.FAILS if value.low > limit else ClaimVerdict.UNCLEAR
