"""Which of several copies of a run counts: the earliest ``created_at``, and of equal ones the first by the name of its part."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from scaling.store.codec import select_fields
from scaling.store.parts import INDEX_COLUMNS


@dataclass(frozen=True)
class Deduplicated:
    """Every run once, in the part where it counts."""

    places: Sequence[tuple[str, int]]
    """Of each part, its name and its source, in their order; a part that several sources hold has several places."""
    sizes: NDArray[np.int64]
    """[places]: runs, those that don't count too."""
    ids: pa.ChunkedArray
    """[runs], by place."""
    place: NDArray[np.int64]
    """[runs]: into ``places``, ascending."""

    def only(self, ids: Iterable[str]) -> Deduplicated:
        """Of these runs alone; unknown ones are left out."""
        mine = pc.is_in(self.ids, pa.array(list(ids), pa.string()))
        return Deduplicated(self.places, self.sizes, self.ids.filter(mine), self.place[mine.to_numpy()])

    def of(self, source: int) -> Iterator[tuple[str, pa.ChunkedArray | None]]:
        """The parts of a source that hold such a run, and which ones; None where they are all that the part holds."""
        ends = np.searchsorted(self.place, np.arange(len(self.places) + 1))
        for nth, (part, of) in enumerate(self.places):
            start, count = int(ends[nth]), int(ends[nth + 1] - ends[nth])
            if of == source and count:
                yield part, None if count == self.sizes[nth] else self.ids.slice(start, count)


def deduplicate(
    made: Sequence[Mapping[str, pa.Table]], having: Sequence[Collection[str]] | None = None
) -> Deduplicated:
    """Choose.

    Args:
        made: of each source, the parts with their runs: a table with at least the columns ``INDEX_COLUMNS``.
        having: of each source, the parts that have what is wanted; by default all. A run counts in one of them only as a copy of the one that
            counts among all, made at the same moment; else it is left out.
    """
    places = sorted((part, source) for source, parts in enumerate(made) for part in parts)
    tables = [made[source][part].select(INDEX_COLUMNS) for part, source in places]
    sizes = np.array([len(table) for table in tables], dtype=np.int64)
    rows = pa.concat_tables([select_fields("runs", INDEX_COLUMNS).empty_table(), *tables])
    rows = rows.append_column("place", pa.array(np.repeat(np.arange(len(places)), sizes)))
    rows = rows.sort_by([("created_at", "ascending"), ("place", "ascending")])
    first, same = _first(rows)
    if having is not None:
        has = np.array([part in having[source] for part, source in places], dtype=bool)
        created = rows["created_at"].to_numpy()
        rows = rows.filter(pa.array((created == created[first][same]) & has[rows["place"].to_numpy()]))
        first, _ = _first(rows)
    rows = rows.take(first).sort_by("place")
    return Deduplicated(places, sizes, rows["id"], rows["place"].to_numpy())


def _first(rows: pa.Table) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first row of each run, and for each row the run that it is of."""
    _, first, same = np.unique(
        rows["id"].combine_chunks().dictionary_encode().indices, return_index=True, return_inverse=True
    )
    return first, same
