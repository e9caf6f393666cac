"""Reading of one store, or of several stores as one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from scaling.errors import StoreError
from scaling.store import paths
from scaling.store.damage import Damage
from scaling.store.deduplicate import Deduplicated, deduplicate
from scaling.store.forecast_files import read_forecasts
from scaling.store.parquet import select_fields
from scaling.store.parts import INDEX_COLUMNS, READ_ATTEMPTS, Parts
from scaling.store.schema import SCHEMAS

_RETRAIN_HINT = "move them aside with: scaling store repair; then `scaling run` trains their runs again"


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

    @property
    def damage(self) -> list[Damage]:
        """Return the damaged files that were found so far; what they held is left out."""
        return [damage for source in self.sources for damage in source.damage.values()]

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

    def forecasts(self) -> dict[str, bytes]:
        """Return the content of each forecast by its name, without damaged ones."""
        return read_forecasts(self.sources)

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

    def require_predictions(self, ids: Sequence[str]) -> None:
        """Check that all runs have stored predictions, before those of some are read.

        Raises:
            StoreError: a run has no predictions; the message counts these runs.
        """
        self._require_all(self.ids_with_table("predictions"), ids)

    def logits(self, ids: Sequence[str]) -> StoredLogits:
        """Return the stored logits of runs on their common test set, in the order of ``ids``.

        Raises:
            StoreError: a run has no predictions, or the runs have several test sets.
        """
        stored = self.predictions(ids)
        self._require_all(stored["id"].to_pylist(), ids)
        fingerprints = pc.unique(stored["fingerprint"]).to_pylist()
        if len(fingerprints) > 1:
            raise StoreError(
                f"the runs have {len(fingerprints)} test sets, which share no images;"
                " choose runs on one data set"
            )
        labels = self.labels(fingerprints[0])
        sizes = pc.unique(pc.list_value_length(stored["logits"])).to_pylist()
        if len(sizes) != 1 or not len(labels) or not sizes[0] or sizes[0] % len(labels):
            raise StoreError(
                f"{paths.table_file('test_sets', fingerprints[0])}: has {len(labels)} labels, which do not"
                f" fit predictions of {', '.join(map(str, sizes))} logits a run; find the damaged file with:"
                " scaling store verify"
            )
        values = np.asarray(pc.list_flatten(stored["logits"]).combine_chunks(), dtype=np.float16)
        rows = pc.index_in(pa.array(ids, pa.string()), value_set=stored["id"]).to_numpy()
        return StoredLogits(logits=values.reshape(len(stored), len(labels), -1)[rows], labels=labels)

    def _require_all(self, with_predictions: Iterable[str], ids: Sequence[str]) -> None:
        wanted = set(ids)
        if not (missing := len(wanted.difference(with_predictions))):
            return
        hint = "read the store that trained them, or merge that store again with `predictions`"
        if any(damage.kind == "predictions" for damage in self.damage):
            hint = f"files of predictions are damaged: {_RETRAIN_HINT}"
        raise StoreError(f"{missing} of {len(wanted)} runs have no predictions here; {hint}")

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

    def has_test_set(self, fingerprint: str) -> bool:
        """Return whether a store has the labels of a test set, undamaged."""
        return any(source.test_set(fingerprint) is not None for source in self.sources)

    def _test_set(self, fingerprint: str) -> pa.Table:
        for source in self.sources:
            if (table := source.test_set(fingerprint)) is not None:
                return table
        file = paths.table_file("test_sets", fingerprint)
        if damage := self.sources[0].damage.get(file):
            raise StoreError(
                f"{damage.name}: {damage.reason}; move the file aside with: scaling store repair; the next"
                " `scaling run` of a study on this data writes it again"
            )
        raise StoreError(
            f"{self.sources[0].backend.full_name(file)}: no such file; `scaling run` of a study on this data"
            " writes the labels of its test set"
        )

    def weights(self, run_id: str) -> bytes:
        """Return the weights of a run, as safetensors.

        Raises:
            StoreError: the weights were not kept, or the run is unknown.
        """
        for _ in range(READ_ATTEMPTS):
            indexes = [source.run_index() for source in self.sources]
            found = self._find_weights(run_id, indexes)
            if found is None:
                if [source.run_index().keys() for source in self.sources] == [x.keys() for x in indexes]:
                    break
            elif (data := found.source.weights(found.part, run_id)) is not None:
                return data
        if any(damage.kind == "weights" and run_id in damage.path for damage in self.damage):
            raise StoreError(f"run {run_id}: its weights are damaged: {_RETRAIN_HINT}")
        raise StoreError(
            f"run {run_id}: no weights in the store; a study keeps the weights of the runs that it trains"
            " with store: {weights: all}; to train this run again and keep them: scaling run STUDY `retrain`"
            f" {run_id}"
        )

    def has_weights(self, run_id: str) -> bool:
        """Return whether the weights of a run are stored, undamaged as far as is known."""
        return self._find_weights(run_id, [source.run_index() for source in self.sources]) is not None

    def ids_with_table(self, kind: str) -> set[str]:
        """Return the ids of the runs whose part has a table, such as ``predictions``. Reads no table."""
        return set(self._deduplicate(kind).ids.to_pylist())

    def ids_with_rows(self, kind: str, ids: Iterable[str]) -> set[str]:
        """Return which of some runs have rows in a table that is not damaged. Reads the table."""
        return set(self._table(kind, ids, "id", columns=["id"])["id"].to_pylist())

    def _find_weights(self, run_id: str, indexes: Sequence[Mapping[str, pa.Table]]) -> _SourcePart | None:
        with_weights = [
            {
                part
                for part, rows in index.items()
                if pc.index(rows["id"], run_id).as_py() >= 0 and source.has_weights(part, run_id)
            }
            for source, index in zip(self.sources, indexes, strict=True)
        ]
        deduplicated = deduplicate(indexes, with_weights).restrict([run_id])
        for index, source in enumerate(self.sources):
            for counted in deduplicated.counted_in(index):
                return _SourcePart(source, counted.part)
        return None

    def _deduplicate(self, kind: str) -> Deduplicated:
        snapshots = [source.snapshot(kind) for source in self.sources]
        return deduplicate(
            [snapshot.index for snapshot in snapshots], [snapshot.with_table[kind] for snapshot in snapshots]
        )

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
        wanted = None if ids is None else list(ids)
        for _ in range(READ_ATTEMPTS):
            deduplicated = self._deduplicate(kind)
            if wanted is not None:
                deduplicated = deduplicated.restrict(wanted)
            pieces: list[pa.Table] = []
            unread = 0
            for index, source in enumerate(self.sources):
                counted = {runs.part: runs.ids for runs in deduplicated.counted_in(index)}
                unread += len(counted)
                for part, table in source.tables(kind, list(counted), columns=columns):
                    pieces.append(_filter(_filter(table, "id", counted[part]), "epoch", epochs))
                    unread -= 1
            if not unread:
                return _concat_sorted(kind, columns, pieces, *keys)
            # A file was damaged, so that another copy of its runs counts, or a compaction replaced its part.
        raise self.sources[0].changing_error()


@dataclass(frozen=True)
class _SourcePart:
    source: Parts
    part: str


def _filter(table: pa.Table, column: str, values: pa.Array | pa.ChunkedArray | None) -> pa.Table:
    """Return the rows with one of these values; all rows if ``values`` is None."""
    return table if values is None else table.filter(pc.is_in(table[column], values))


def _concat_sorted(
    kind: str, columns: Sequence[str] | None, pieces: Sequence[pa.Table], *keys: str
) -> pa.Table:
    """Return all rows, sorted by the columns ``keys``; of rows with equal keys in one part, the first."""
    # In one chunk: sorting thousands of chunks takes longer than joining them.
    table = pa.concat_tables([select_fields(kind, columns).empty_table(), *pieces]).combine_chunks()
    table = table.sort_by([(key, "ascending") for key in keys])
    if len(table) < 2:
        return table
    is_repeated = np.ones(len(table) - 1, dtype=bool)
    for key in keys:
        column = table[key].combine_chunks()
        is_repeated &= pc.equal(column[1:], column[:-1]).to_numpy(zero_copy_only=False)
    return table.filter(pa.array(np.append(True, ~is_repeated))) if is_repeated.any() else table
