"""De-duplication against a plain loop over all copies of all runs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from scaling.store.deduplicate import Deduplicated, PartCopy, deduplicate
from scaling.store.parquet import select_fields
from scaling.store.parts import INDEX_COLUMNS

Source = Mapping[str, Mapping[str, int]]
"""Time of creation, by part and by run."""

runs_of_a_part = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 3), max_size=4)
parts_of_a_source = st.dictionaries(st.sampled_from("pqrs"), runs_of_a_part, max_size=4)
some_sources = st.lists(parts_of_a_source, min_size=1, max_size=3)


def tables(sources: list[Source]) -> list[dict[str, pa.Table]]:
    schema = select_fields("runs", INDEX_COLUMNS)
    return [
        {
            part: pa.table([list(runs), np.array(list(runs.values()), "datetime64[us]")], schema=schema)
            for part, runs in source.items()
        }
        for source in sources
    ]


def counting_copies(sources: list[Source]) -> dict[str, tuple[int, PartCopy]]:
    """Return, for each run, the least time of creation and part copy among all copies."""
    copies: dict[str, list[tuple[int, PartCopy]]] = {}
    for index, source in enumerate(sources):
        for part, runs in source.items():
            for run, time in runs.items():
                copies.setdefault(run, []).append((time, PartCopy(part, index)))
    return {run: min(candidates) for run, candidates in copies.items()}


def counted_copies(deduplicated: Deduplicated, sources: list[Source]) -> dict[str, PartCopy]:
    """Return the part copy in which each run counts."""
    copies: dict[str, PartCopy] = {}
    for index, source in enumerate(sources):
        for counted in deduplicated.counted_in(index):
            everything = set(source[counted.part])
            if counted.ids is None:
                runs = everything
            else:
                runs = set(counted.ids.to_pylist())
                assert runs < everything
            copies |= dict.fromkeys(runs, PartCopy(counted.part, index))
    return copies


@given(some_sources, st.sets(st.sampled_from("abcdefgh")))
def test_least_copy_by_time_part_and_source_counts(sources, ids):
    deduplicated, expected = deduplicate(tables(sources)), counting_copies(sources)
    assert counted_copies(deduplicated, sources) == {run: copy for run, (_, copy) in expected.items()}
    assert counted_copies(deduplicated.restrict(ids), sources) == {
        run: copy for run, (_, copy) in expected.items() if run in ids
    }


@given(some_sources, st.sets(st.sampled_from("pqrs")))
def test_copy_of_the_same_training_replaces_a_copy_that_lacks_a_table(sources, with_table):
    expected = {}
    for run, (time, _) in counting_copies(sources).items():
        copies = [
            PartCopy(part, index)
            for index, source in enumerate(sources)
            for part in source.keys() & with_table
            if source[part].get(run) == time
        ]
        if copies:
            expected[run] = min(copies)
    deduplicated = deduplicate(tables(sources), [with_table] * len(sources))
    assert counted_copies(deduplicated, sources) == expected
