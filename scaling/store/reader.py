"""Reading of one store, or of several stores as one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from scaling.errors import StoreError
from scaling.store import paths
from scaling.store.deduplicate import Deduplicated, deduplicate
from scaling.store.parquet import decode_table, select_fields
from scaling.store.parts import INDEX_COLUMNS, Parts
from scaling.store.schema import SCHEMAS


@dataclass(frozen=True, kw_only=True, eq=False)
class StoredLogits:
    """Predictions of runs on their common test set."""

    logits: NDArray[np.float16]
    """Logits as stored: [runs, images, classes]."""
    labels: NDArray[np.uint8]
    """Labels of the test images in canonical order: [images]."""


class Reader(ABC):
    """Published results, with each run once.

    If a run was published twice, because two drivers trained it at the same time, its earliest copy is used:
    the copy with the earliest ``created_at``, and among equal times the copy in the first part by name. This
    rule holds for every table. If that copy lacks a table, another copy of the same training replaces it: a
    merged store may lack predictions.
    """

    @property
    @abstractmethod
    def sources(self) -> Sequence[Parts]:
        """Parts of each store that is read; earlier stores come first among copies of one part."""

    def ids(self) -> set[str]:
        """Return the ids of all published runs."""
        return set().union(*(source.ids() for source in self.sources))

    def runs(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Return one row per run, sorted by id.

        Args:
            columns: columns of ``RUNS_SCHEMA``; by default all.
        """
        names = None if columns is None else list(dict.fromkeys([*INDEX_COLUMNS, *columns]))
        tables = [source.runs(names) for source in self.sources]  # each file is read once, also for the index
        deduplicated = deduplicate(tables)
        pieces = [
            _filter(parts[counted.part], "id", counted.ids)
            for index, parts in enumerate(tables)
            for counted in deduplicated.counted_in(index)
        ]
        return _concat_sorted("runs", names, pieces, "id").select(columns or SCHEMAS["runs"].names)

    def epochs(
        self,
        ids: Iterable[str] | None = None,
        columns: Sequence[str] | None = None,
        *,
        at: Iterable[int] | None = None,
    ) -> pa.Table:
        """Return one row per run and epoch, sorted by run id and epoch.

        Args:
            ids: ids of runs, of which unknown ones have no rows; by default all runs.
            columns: columns of ``EPOCHS_SCHEMA`` that include ``id`` and ``epoch``; by default all.
            at: numbers of the epochs; by default all.
        """
        return self._table("epochs", ids, "id", "epoch", columns=columns, at=at)

    def predictions(self, ids: Iterable[str]) -> pa.Table:
        """Return one row with logits per run, sorted by id; runs without predictions have no row."""
        return self._table("predictions", ids, "id")

    def misclassified(self, ids: Sequence[str]) -> NDArray[np.bool_]:
        """Return which images of the runs' common test set each run misclassifies: [runs, images].

        Raises:
            StoreError: a run has no predictions, or the runs have several test sets.
        """
        stored = self.logits(ids)
        return np.asarray(stored.logits.argmax(axis=2) != stored.labels)

    def logits(self, ids: Sequence[str]) -> StoredLogits:
        """Return the stored logits of runs on their common test set, in the order of ``ids``.

        Raises:
            StoreError: a run has no predictions, or the runs have several test sets.
        """
        stored = self.predictions(ids)
        if missing := len(set(ids)) - stored.num_rows:
            raise StoreError(
                f"{missing} of {len(set(ids))} runs have no predictions here; read the store that trained"
                " them, or merge that store again with `predictions`"
            )
        fingerprints = pc.unique(stored["fingerprint"]).to_pylist()
        if len(fingerprints) > 1:
            raise StoreError(
                f"the runs have {len(fingerprints)} test sets, which share no images;"
                " choose runs on one data set"
            )
        labels = self.labels(fingerprints[0])
        values = np.asarray(pc.list_flatten(stored["logits"]).combine_chunks(), dtype=np.float16)
        rows = pc.index_in(pa.array(ids, pa.string()), value_set=stored["id"]).to_numpy()
        return StoredLogits(logits=values.reshape(len(stored), len(labels), -1)[rows], labels=labels)

    def labels(self, fingerprint: str) -> NDArray[np.uint8]:
        """Return the labels of a test set in canonical order, which is the order of the predictions.

        Raises:
            StoreError: no run on this data has been published.
        """
        return np.asarray(pc.list_flatten(self.test_sets([fingerprint])["labels"]), dtype=np.uint8)

    def test_sets(self, fingerprints: Iterable[str]) -> pa.Table:
        """Return one row with the labels per test set, sorted by fingerprint.

        Raises:
            StoreError: no run on one of these data sets has been published.
        """
        return pa.concat_tables(
            [SCHEMAS["test_sets"].empty_table(), *map(self._test_set, sorted(fingerprints))]
        )

    def _test_set(self, fingerprint: str) -> pa.Table:
        file = paths.table_file("test_sets", fingerprint)
        for source in self.sources:
            if source.backend.exists(file):
                return decode_table(
                    source.backend.get(file),
                    "test_sets",
                    name=source.backend.full_name(file),
                    hint="delete it; the next run that is trained on this data writes it again",
                )
        name = self.sources[0].backend.full_name(file)
        raise StoreError(
            f"{name}: no such file; the labels of this test set are stored with the first run on it;"
            " train one"
        )

    def weights(self, run_id: str) -> bytes:
        """Return the weights of a run, as safetensors.

        Raises:
            StoreError: the weights were not kept, or the run is unknown.
        """
        indexes = [source.run_index() for source in self.sources]
        with_weights = [
            {
                part
                for part, rows in index.items()
                if pc.index(rows["id"], run_id).as_py() >= 0
                and source.backend.exists(paths.weights_file(part, run_id))
            }
            for source, index in zip(self.sources, indexes, strict=True)
        ]
        deduplicated = deduplicate(indexes, with_weights).restrict([run_id])
        for index, source in enumerate(self.sources):
            for counted in deduplicated.counted_in(index):
                return source.backend.get(paths.weights_file(counted.part, run_id))
        raise StoreError(
            f"run {run_id}: no weights in the store; a study keeps the weights of the runs that it trains"
            " with store: {weights: all}"
        )

    def ids_with_table(self, kind: str) -> set[str]:
        """Return the ids of the runs that have rows in a table, such as ``predictions``."""
        return set(self._deduplicate(kind).ids.to_pylist())

    def _deduplicate(self, kind: str) -> Deduplicated:
        with_table = [set(paths.part_names(source.backend.list_names(kind))) for source in self.sources]
        return deduplicate([source.run_index() for source in self.sources], with_table)

    def _table(
        self,
        kind: str,
        ids: Iterable[str] | None,
        *keys: str,
        columns: Sequence[str] | None = None,
        at: Iterable[int] | None = None,
    ) -> pa.Table:
        """Return the rows that count, sorted by the columns ``keys``; ``at``: only these epochs."""
        epochs = None if at is None else pa.array(list(at), pa.int64())
        deduplicated = self._deduplicate(kind) if ids is None else self._deduplicate(kind).restrict(ids)
        pieces: list[pa.Table] = []
        for index, source in enumerate(self.sources):
            counted = list(deduplicated.counted_in(index))
            tables = source.tables(kind, [runs.part for runs in counted], columns=columns)
            pieces += (
                _filter(_filter(table, "id", runs.ids), "epoch", epochs)
                for table, runs in zip(tables, counted, strict=True)
            )
        return _concat_sorted(kind, columns, pieces, *keys)


def _filter(table: pa.Table, column: str, values: pa.Array | pa.ChunkedArray | None) -> pa.Table:
    """Return the rows with one of these values; all rows if ``values`` is None."""
    return table if values is None else table.filter(pc.is_in(table[column], values))


def _concat_sorted(
    kind: str, columns: Sequence[str] | None, pieces: Sequence[pa.Table], *keys: str
) -> pa.Table:
    # In one chunk: sorting thousands of chunks takes longer than joining them.
    table = pa.concat_tables([select_fields(kind, columns).empty_table(), *pieces]).combine_chunks()
    return table.sort_by([(key, "ascending") for key in keys])
