"""Reading one store or the union of several."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from scaling.errors import StoreError
from scaling.store import paths
from scaling.store.codec import decode_table, select_fields
from scaling.store.deduplicate import Deduplicated, deduplicate
from scaling.store.parts import INDEX_COLUMNS, Parts
from scaling.store.schema import SCHEMAS


class Reader(ABC):
    """What has been published, each run once.

    A run that was published twice, because two drivers raced for it, counts as it was first made: the earliest ``created_at``, and of equal
    ones the first by the name of its part. That holds for every table alike, but that a copy of the very same training may stand in for another
    one that lacks the table: a merged store need not have predictions.
    """

    @property
    @abstractmethod
    def sources(self) -> Sequence[Parts]:
        """What is read; the first counts first among copies of one part."""

    def ids(self) -> set[str]:
        """All runs."""
        return set().union(*(source.ids() for source in self.sources))

    def runs(self, columns: Sequence[str] | None = None) -> pa.Table:
        """One row a run, sorted by id.

        Args:
            columns: of ``schema.RUNS``; all by default.
        """
        names = None if columns is None else list(dict.fromkeys([*INDEX_COLUMNS, *columns]))
        tables = [
            source.runs(names) for source in self.sources
        ]  # each part once: what counts is chosen from these very tables
        counted = deduplicate(tables)
        pieces = [
            _kept(tables[nth][part], "id", ids) for nth in range(len(tables)) for part, ids in counted.of(nth)
        ]
        return _sorted("runs", names, pieces, "id").select(columns or SCHEMAS["runs"].names)

    def epochs(
        self,
        ids: Iterable[str] | None = None,
        columns: Sequence[str] | None = None,
        at: Iterable[int] | None = None,
    ) -> pa.Table:
        """One row a run and epoch, sorted by both.

        Args:
            ids: all by default; unknown ones have no rows.
            columns: of ``schema.EPOCHS``, with the run and the epoch among them; all by default.
            at: these epochs alone; all by default.
        """
        return self._table("epochs", ids, "id", "epoch", columns=columns, at=at)

    def predictions(self, ids: Iterable[str]) -> pa.Table:
        """One row a run, sorted by id, with its logits; none for a run that has none, or an unknown one."""
        return self._table("predictions", ids, "id")

    def misclassified(self, ids: Sequence[str]) -> NDArray[np.bool_]:
        """[runs, images]: which images of their one test set some runs err on, from their stored predictions.

        Raises:
            StoreError: a run has no predictions, or the runs are of several test sets.
        """
        logits, labels = self.logits(ids)
        return np.asarray(logits.argmax(axis=2) != labels)

    def logits(self, ids: Sequence[str]) -> tuple[NDArray[np.float16], NDArray[np.uint8]]:
        """[runs, images, classes] as they are stored, and the labels of the images, which are those of one test set.

        Raises:
            StoreError: a run has no predictions, or the runs are of several test sets.
        """
        stored = self.predictions(ids)
        if lacking := len(set(ids)) - stored.num_rows:
            raise StoreError(
                f"{lacking} of {len(set(ids))} runs have no predictions here; read the store that trained them, or merge it with --predictions"
            )
        fingerprints = pc.unique(stored["fingerprint"]).to_pylist()
        if len(fingerprints) > 1:
            raise StoreError(
                f"the runs are of {len(fingerprints)} test sets, which share no images; take those of one data set"
            )
        labels = self.labels(fingerprints[0])
        flat = np.asarray(pc.list_flatten(stored["logits"]).combine_chunks(), dtype=np.float16).reshape(
            len(stored), len(labels), -1
        )
        return flat[pc.index_in(pa.array(ids, pa.string()), value_set=stored["id"]).to_numpy()], labels

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
        return pa.concat_tables(
            [SCHEMAS["test_sets"].empty_table(), *map(self._test_set, sorted(fingerprints))]
        )

    def _test_set(self, fingerprint: str) -> pa.Table:
        file = paths.part("test_sets", fingerprint)
        for source in self.sources:
            if source.backend.exists(file):
                remedy = "delete it; the next run on this data that is trained writes it again"
                return decode_table(
                    source.backend.get(file), "test_sets", name=source.backend.full_name(file), remedy=remedy
                )
        raise StoreError(
            f"{self.sources[0].backend.full_name(file)}: no such test set; a run on this data publishes it"
        )

    def weights(self, run_id: str) -> bytes:
        """The weights of a run, as safetensors.

        Raises:
            StoreError: they were not kept, or the run is unknown.
        """
        made = [source.run_index() for source in self.sources]
        run_ids_with = [
            {part for part in parts if source.backend.exists(paths.weights(part, run_id))}
            for source, parts in zip(self.sources, _holding(made, run_id), strict=True)
        ]
        for nth, source in enumerate(self.sources):
            for part, _ in deduplicate(made, run_ids_with).only([run_id]).of(nth):
                return source.backend.get(paths.weights(part, run_id))
        raise StoreError(
            f"run {run_id}: no weights in the store; a study keeps those of the runs it trains with store: {{weights: all}}"
        )

    def run_ids_with(self, kind: str) -> set[str]:
        """The runs with rows in a table."""
        return set(self._counted(kind).ids.to_pylist())

    def _counted(self, kind: str) -> Deduplicated:
        run_ids_with = [set(paths.part_names(source.backend.list_names(kind))) for source in self.sources]
        return deduplicate([source.run_index() for source in self.sources], run_ids_with)

    def _table(
        self,
        kind: str,
        ids: Iterable[str] | None,
        *keys: str,
        columns: Sequence[str] | None = None,
        at: Iterable[int] | None = None,
    ) -> pa.Table:
        """The rows that count, sorted by these columns; ``at``: of these epochs alone."""
        epochs = None if at is None else pa.array(list(at), pa.int64())
        counted = self._counted(kind) if ids is None else self._counted(kind).only(ids)
        pieces: list[pa.Table] = []
        for nth, source in enumerate(self.sources):
            kept = dict(counted.of(nth))
            tables = zip(source.tables(kind, list(kept), columns), kept.values(), strict=True)
            pieces += (_kept(_kept(table, "id", mine), "epoch", epochs) for table, mine in tables)
        return _sorted(kind, columns, pieces, *keys)


def _holding(made: Sequence[Mapping[str, pa.Table]], run_id: str) -> list[list[str]]:
    """Of each source, the parts with a copy of a run."""
    return [
        [part for part, rows in parts.items() if pc.index(rows["id"], run_id).as_py() >= 0] for parts in made
    ]


def _kept(table: pa.Table, column: str, values: pa.Array | pa.ChunkedArray | None) -> pa.Table:
    """The rows with one of these values; all by default."""
    return table if values is None else table.filter(pc.is_in(table[column], values))


def _sorted(kind: str, columns: Sequence[str] | None, pieces: Sequence[pa.Table], *keys: str) -> pa.Table:
    """One table; in one piece, because sorting thousands of them takes longer than joining them."""
    whole = pa.concat_tables([select_fields(kind, columns).empty_table(), *pieces]).combine_chunks()
    return whole.sort_by([(key, "ascending") for key in keys])
