"""De-duplication: which of several copies of a run counts.

The copy with the earliest ``created_at`` counts; among equal times, the copy in the first part by name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from scaling.store.parquet import select_fields
from scaling.store.parts import INDEX_COLUMNS


@dataclass(frozen=True, order=True)
class PartCopy:
    """A part as one source holds it; several sources can hold copies of one part."""

    part: str
    """Name of the part."""
    source: int
    """Index of the source."""


@dataclass(frozen=True, kw_only=True)
class CountedRuns:
    """Runs that count in one part."""

    part: str
    """Name of the part."""
    ids: pa.ChunkedArray | None
    """Ids of the runs; None if all runs of the part count."""


@dataclass(frozen=True, kw_only=True)
class Deduplicated:
    """Every run once, with the part copy in which it counts."""

    copies: Sequence[PartCopy]
    """All part copies, sorted."""
    sizes: NDArray[np.int64]
    """Number of runs in each part copy, including runs that do not count there: [copies]."""
    ids: pa.ChunkedArray
    """Ids of the runs, sorted by part copy: [runs]."""
    copy_index: NDArray[np.int64]
    """Index into ``copies`` for each run, ascending: [runs]."""

    def restrict(self, ids: Iterable[str]) -> Deduplicated:
        """Return these runs only; unknown ids are ignored."""
        is_wanted = pc.is_in(self.ids, pa.array(list(ids), pa.string()))
        return Deduplicated(
            copies=self.copies,
            sizes=self.sizes,
            ids=self.ids.filter(is_wanted),
            copy_index=self.copy_index[is_wanted.to_numpy()],
        )

    def counted_in(self, source: int) -> Iterator[CountedRuns]:
        """Yield the parts of a source in which runs count, with those runs."""
        ends = np.searchsorted(self.copy_index, np.arange(len(self.copies) + 1))
        for index, copy in enumerate(self.copies):
            start, count = int(ends[index]), int(ends[index + 1] - ends[index])
            if copy.source == source and count:
                is_whole = count == self.sizes[index]
                yield CountedRuns(part=copy.part, ids=None if is_whole else self.ids.slice(start, count))


def deduplicate(
    sources: Sequence[Mapping[str, pa.Table]], with_table: Sequence[Collection[str]] | None = None
) -> Deduplicated:
    """Choose the copy of each run that counts.

    Args:
        sources: for each source, its runs by part, with at least the columns ``INDEX_COLUMNS``.
        with_table: for each source, the parts that have the wanted table; by default all parts. A run counts
            in one of these parts only if its copy there has the same ``created_at`` as the copy that counts
            among all parts; otherwise the run is left out.
    """
    copies = sorted(PartCopy(part, source) for source, parts in enumerate(sources) for part in parts)
    tables = [sources[copy.source][copy.part].select(INDEX_COLUMNS) for copy in copies]
    sizes = np.array([len(table) for table in tables], dtype=np.int64)
    rows = pa.concat_tables([select_fields("runs", INDEX_COLUMNS).empty_table(), *tables])
    rows = rows.append_column("copy", pa.array(np.repeat(np.arange(len(copies)), sizes)))
    rows = rows.sort_by([("created_at", "ascending"), ("copy", "ascending")])
    first_rows, run_of_row = _first_rows(rows)
    if with_table is not None:
        has_table = np.array([copy.part in with_table[copy.source] for copy in copies], dtype=bool)
        created = rows["created_at"].to_numpy()
        is_same_training = created == created[first_rows][run_of_row]
        rows = rows.filter(pa.array(is_same_training & has_table[rows["copy"].to_numpy()]))
        first_rows, _ = _first_rows(rows)
    rows = rows.take(first_rows).sort_by("copy")
    return Deduplicated(copies=copies, sizes=sizes, ids=rows["id"], copy_index=rows["copy"].to_numpy())


def _first_rows(rows: pa.Table) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first row of each run, and for each row the index of its run."""
    _, first_rows, run_of_row = np.unique(
        rows["id"].combine_chunks().dictionary_encode().indices, return_index=True, return_inverse=True
    )
    return first_rows, run_of_row
