"""Reading one store or the union of several."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from scaling.errors import StoreError
from scaling.store import paths
from scaling.store.codec import decode
from scaling.store.parts import Parts
from scaling.store.schema import TABLES


class Place(NamedTuple):
    """Where a run stands. The smallest place is the one that counts."""

    created_at: int
    part: str
    source: int


class Reader(ABC):
    """What has been published, each run once.

    A run that was published twice, because two drivers raced for it, counts as it was first made: the earliest ``created_at``, and of equal
    ones the first by the name of its part. That holds for every table alike.
    """

    @property
    @abstractmethod
    def sources(self) -> Sequence[Parts]:
        """What is read; the first counts first among copies of one part."""

    def ids(self) -> set[str]:
        """All runs."""
        return {run_id for source in self.sources for made in source.made().values() for run_id in made}

    def runs(self, columns: Sequence[str] | None = None) -> pa.Table:
        """One row a run, sorted by id.

        Args:
            columns: of ``schema.RUNS``; all by default.
        """
        names = TABLES["runs"].names if columns is None else list(columns)
        return self._table("runs", None, list(dict.fromkeys(["id", *names]))).select(names)

    def epochs(self, ids: Iterable[str] | None = None) -> pa.Table:
        """One row a run and epoch, sorted by both.

        Args:
            ids: all by default; unknown ones have no rows.
        """
        return self._table("epochs", ids).sort_by([("id", "ascending"), ("epoch", "ascending")])

    def predictions(self, ids: Iterable[str]) -> pa.Table:
        """One row a run, sorted by id, with its logits; none for a run that has none, or an unknown one."""
        return self._table("predictions", ids)

    def labels(self, fingerprint: str) -> NDArray[np.uint8]:
        """The labels of a test set, in canonical order: the i-th belongs to the i-th prediction.

        Raises:
            StoreError: no run on this data has been published.
        """
        return np.asarray(pc.list_flatten(self.test_sets([fingerprint])["labels"]), dtype=np.uint8)

    def test_sets(self, fingerprints: Iterable[str]) -> pa.Table:
        """One row a test set, with its labels.

        Raises:
            StoreError: no run on such data has been published.
        """
        return pa.concat_tables([TABLES["test_sets"].empty_table(), *map(self._test_set, sorted(fingerprints))])

    def _test_set(self, fingerprint: str) -> pa.Table:
        file = paths.part("test_sets", fingerprint)
        for source in self.sources:
            if source.backend.exists(file):
                remedy = "delete it; the next run on this data that is trained writes it again"
                return decode(source.backend.get(file), "test_sets", name=source.backend.where(file), remedy=remedy)
        raise StoreError(f"{self.sources[0].backend.where(file)}: no such test set; a run on this data publishes it")

    def weights(self, run_id: str) -> bytes:
        """The weights of a run, as safetensors.

        Raises:
            StoreError: they were not kept, or the run is unknown.
        """
        place = self._places().get(run_id)
        if place is not None:
            backend, file = self.sources[place.source].backend, paths.weights(place.part, run_id)
            if backend.exists(file):
                return backend.get(file)
        raise StoreError(f"run {run_id}: no weights in the store; a study keeps those of the runs it trains with store: {{weights: all}}")

    def _places(self) -> dict[str, Place]:
        places: dict[str, Place] = {}
        for nth, source in enumerate(self.sources):
            for part, made in source.made().items():
                for run_id, created_at in made.items():
                    place = Place(created_at, part, nth)
                    places[run_id] = min(places.get(run_id, place), place)
        return places

    def _table(self, kind: str, ids: Iterable[str] | None, columns: Sequence[str] | None = None) -> pa.Table:
        """The rows that count, sorted by id."""
        places = self._places()
        wanted: defaultdict[tuple[int, str], list[str]] = defaultdict(list)
        for run_id in places if ids is None else set(ids) & places.keys():
            wanted[places[run_id].source, places[run_id].part].append(run_id)
        schema = TABLES[kind]
        pieces = [pa.schema([schema.field(name) for name in columns or schema.names], metadata=schema.metadata).empty_table()]
        for nth, source in enumerate(self.sources):
            present = set(paths.part_names(source.backend.names(kind)))
            parts = sorted(part for of, part in wanted if of == nth and part in present)
            for part, table in zip(parts, source.tables(kind, parts, columns), strict=True):
                pieces.append(table.filter(pc.is_in(table["id"], pa.array(wanted[nth, part], pa.string()))))
        return pa.concat_tables(pieces).sort_by("id")
