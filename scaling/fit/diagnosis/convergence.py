"""Networks whose error still falls when their training ends: a law through them is one of the training's length as well.

Of each run the last epoch is compared with the one at nine tenths of its training. The gains of a width's runs, paired seed by seed, are
those of networks that still learn where their mean is above 0 by a t test and is a share of the error that matters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Float
from scipy.special import stdtr

from scaling.fit.data.columns import numeric_column, text_column
from scaling.fit.result import Fit, Law, Status

MIN_RELATIVE_GAIN = 0.02
"""A gain below this share of the error is let be."""
CONVERGENCE_ALPHA = 0.01
"""How often a group in which no network improves may be said to, all its widths together."""
ROUNDING = 1e-9
"""Of gains over errors: those that scatter by less are equal, as copies are, and tell nothing of chance."""

Runs = Float[np.ndarray, " runs"]


def find_improving_widths(widths: Runs, early: Runs, late: Runs) -> dict[float, float]:
    """The widths whose mean error still falls.

    Args:
        widths: of each run.
        early: its error at nine tenths of its training.
        late: its error at the end.

    Returns:
        By width, ascending: the mean gain over the mean early error. Widths with a single run are never among them.
    """
    sizes, width, count = np.unique(widths, return_inverse=True, return_counts=True)
    gain, several = early - late, np.maximum(count - 1, 1)
    mean, before = np.bincount(width, gain) / count, np.bincount(width, early) / count
    std = np.sqrt(np.bincount(width, (gain - mean[width]) ** 2) / several / count)
    told = (count > 1) & (std > ROUNDING * before)
    chance = stdtr(several, -np.divide(mean, std, out=np.zeros_like(mean), where=told))
    falls = told & (chance < CONVERGENCE_ALPHA / len(sizes)) & (mean > MIN_RELATIVE_GAIN * before)
    return dict(zip(sizes[falls].tolist(), (mean[falls] / before[falls]).tolist(), strict=True))


def epochs_to_compare(runs: pa.Table) -> list[int]:
    """The epochs that ``check_convergence`` looks at.

    Args:
        runs: with the column ``epochs``, how many each was trained for.
    """
    lengths = {length for length in pc.unique(runs["epochs"]).to_pylist() if length is not None}
    return sorted({epoch for length in lengths for epoch in (9 * length // 10, length)})


def check_convergence(
    runs: pa.Table, epochs: pa.Table, *, x: str, by: Sequence[str]
) -> dict[tuple[str, ...], list[str]]:
    """For each group with such widths, by the values that name it, why to look at its laws.

    Args:
        runs: with the columns ``id``, ``epochs``, x and by.
        epochs: their epochs, at least those of ``epochs_to_compare``, with the columns ``id``, ``epoch`` and ``test_error``; others are let be.
        x: column of sizes.
        by: columns whose values, together, name a group.
    """
    early, late = _ends(runs, epochs)
    places: dict[tuple[str, ...], list[int]] = {}
    keys: list[tuple[str, ...]] = (
        list(zip(*(text_column(runs, name) for name in by), strict=True)) if by else [()] * len(runs)
    )
    for row in np.flatnonzero(np.isfinite(early) & np.isfinite(late)).tolist():
        places.setdefault(keys[row], []).append(row)
    sizes, lengths = numeric_column(runs, x), numeric_column(runs, "epochs")
    found = {key: find_improving_widths(sizes[rows], early[rows], late[rows]) for key, rows in places.items()}
    return {
        key: [_reason(x, gains, np.unique(lengths[places[key]]))] for key, gains in found.items() if gains
    }


def flag_unconverged(fits: Sequence[Fit], doubts: Mapping[tuple[str, ...], Sequence[str]]) -> list[Fit]:
    """The fits, with further reasons to look at the laws of some groups.

    Args:
        fits: the groups' laws.
        doubts: by the values that name a group.
    """

    def look(law: Law, reasons: Sequence[str]) -> Law:
        if law.status is Status.REJECTED:
            return law
        return replace(law, status=Status.CAUTION, reason="; ".join(filter(None, (law.reason, *reasons))))

    return [
        replace(fit, laws={name: look(law, reasons) for name, law in fit.laws.items()}) if reasons else fit
        for fit, reasons in ((fit, doubts.get(tuple(fit.group.values()), ())) for fit in fits)
    ]


def _ends(runs: pa.Table, epochs: pa.Table) -> tuple[Runs, Runs]:
    """Each run's error at nine tenths of its training and at the end, NaN where the epochs have none."""
    run = pc.index_in(epochs["id"], value_set=runs["id"])
    known = pc.is_valid(run)
    epochs, place = epochs.filter(known), run.filter(known).to_numpy()
    epoch, error, length = (
        epochs["epoch"].to_numpy(),
        numeric_column(epochs, "test_error"),
        numeric_column(runs, "epochs"),
    )
    ends = []
    for wanted in (9 * length // 10, length):
        at = epoch == wanted[place]
        found = np.full(len(runs), np.nan)
        found[place[at]] = error[at]
        ends.append(found)
    return ends[0], ends[1]


def _reason(x: str, gains: Mapping[float, float], lengths: Float[np.ndarray, " lengths"]) -> str:
    least, most = (f"{100 * share:.0f}" for share in (min(gains.values()), max(gains.values())))
    by = f"{least} %" if least == most else f"{least} to {most} %"
    when = (
        f"from epoch {9 * lengths[0] // 10:g} to {lengths[0]:g}, the last"
        if len(lengths) == 1
        else "over the last tenth of training"
    )
    return f"at {x} {', '.join(f'{width:g}' for width in gains)} the error still falls by {by} {when}"
