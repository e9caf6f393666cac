"""States of runs, as trackers write them: rows of runs that have not finished are no results."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from scaling.fit.data.column_types import is_text
from scaling.fit.data.roles import is_state, name_set

_UNFINISHED = name_set(
    "running failed fail failure crashed crash killed error errored pending pruned preempting "
    "preempted interrupted aborted cancelled canceled waiting queued created timeout timed_out oom "
    "out_of_memory unfinished incomplete paused diverged "
)
"""States of runs whose last value is not that of a finished training."""


def unfinished_states(table: pa.Table) -> dict[str, NDArray[np.object_]]:
    """Return the state of each row's run, empty for a run that has finished, by the column of states.

    A column of states has text and a name such as ``State`` or ``status``. A state that is not known as
    unfinished counts as finished.

    Args:
        table: one row a run.
    """
    columns = {}
    for name in filter(is_state, table.column_names):
        if is_text(table.schema.field(name).type):
            states = [(value or "").strip().lower() for value in table[name].to_pylist()]
            unfinished = [state if state.replace(" ", "_") in _UNFINISHED else "" for state in states]
            columns[name] = np.array(unfinished, dtype=object)
    return columns


def count_states(states: NDArray[np.object_]) -> str:
    """Return ``2 crashed, 1 running`` for the states that are not empty, the most frequent first."""
    counts = Counter(state for state in states.tolist() if state)
    return ", ".join(f"{number} {state}" for state, number in counts.most_common())
