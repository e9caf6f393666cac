"""Of several copies of a run one counts; which one is told by a plain loop."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from scaling.store.codec import select_fields
from scaling.store.deduplicate import deduplicate
from scaling.store.parts import INDEX_COLUMNS

parts = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 3), max_size=4)
sources = st.lists(st.dictionaries(st.sampled_from("pqrs"), parts, max_size=4), min_size=1, max_size=3)
"""Of each source its parts, and of each part when its runs were made."""


def tables(made: list[dict[str, dict[str, int]]]) -> list[dict[str, pa.Table]]:
    schema = select_fields("runs", INDEX_COLUMNS)
    return [
        {
            part: pa.table([list(runs), np.array(list(runs.values()), "datetime64[us]")], schema=schema)
            for part, runs in source.items()
        }
        for source in made
    ]


def places(made: list[dict[str, dict[str, int]]]) -> dict[str, tuple[int, str, int]]:
    """By run: when it was made, its part and its source, the least of all copies."""
    found: dict[str, tuple[int, str, int]] = {}
    for source, of in enumerate(made):
        for part, runs in of.items():
            for run, when in runs.items():
                found[run] = min(found.get(run, (when, part, source)), (when, part, source))
    return found


@given(sources, st.sets(st.sampled_from("abcdefgh")))
def test_the_copy_that_counts_is_the_least_by_time_part_and_source(made, asked):
    everything, chosen = deduplicate(tables(made)), places(made)
    for counted, wanted in ((everything, set(chosen)), (everything.only(asked), asked & set(chosen))):
        found = {}
        for source, of in enumerate(made):
            for part, ids in counted.of(source):
                runs = set(of[part]) if ids is None else set(ids.to_pylist())
                assert runs <= set(of[part])
                assert ids is None or runs < set(of[part])
                found |= dict.fromkeys(runs, (part, source))
        assert found == {run: chosen[run][1:] for run in wanted}


@given(sources, st.sets(st.sampled_from("pqrs")))
def test_a_copy_of_the_same_training_stands_in_where_the_counting_one_lacks_a_table(made, having):
    chosen, wanted = places(made), {}
    for run, (when, _, _) in chosen.items():
        copies = [
            (part, source)
            for source, of in enumerate(made)
            for part in of.keys() & having
            if of[part].get(run) == when
        ]
        if copies:
            wanted[run] = min(copies)
    counted, found = deduplicate(tables(made), [having] * len(made)), {}
    for source, of in enumerate(made):
        for part, ids in counted.of(source):
            found |= dict.fromkeys(set(of[part]) if ids is None else set(ids.to_pylist()), (part, source))
    assert found == wanted
