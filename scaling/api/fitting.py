"""Fitting: from a study, a store or anyone's table to laws, and what they foretell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from scaling.api.reading import TABLE, tidy, trained
from scaling.api.settings import Settings
from scaling.errors import StoreError, TableError, UsageError
from scaling.store import RUNS, open_store

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table as RichTable

    from scaling.fit import Fit, Prediction

STUDY = (".yaml", ".yml")
BESIDE = ("power", "floor")
CURVE = "group"
"""Column with the label of a run's curve."""
FORMS = {"auto": BESIDE, "power": ("power",), "floor": ("floor",), "broken": (*BESIDE, "broken"), "m4": (*BESIDE, "m4")}


def laws_text(fits: Iterable[Fit]) -> Group:
    """The laws as a table for the terminal."""
    from analysis.terminal import laws_text

    return laws_text(fits)


def foretell(fit: Fit, sizes: Sequence[float | int]) -> list[Prediction]:
    """What the laws of a fit say at sizes that may not have been trained.

    Raises:
        UsageError: a size that no law has.
    """
    from scaling.fit import foretell

    return foretell(fit, sizes)


def further(fit: Fit, fits: Sequence[Fit], *, sizes: Sequence[float | int] = (), errors: Sequence[float | int] = ()) -> dict[str, Any]:
    """What a fit says beyond its laws, for JSON: ``predictions``, ``reach``, and ``beside`` the other groups."""
    from scaling.fit import compare, needed
    from scaling.fit.profile import profile

    others = [other for other in fits if other is not fit and "power" in other.laws] if "power" in fit.laws else []
    return {
        "predictions": [made.to_dict() for made in foretell(fit, sizes)],
        "reach": [
            {"form": form, "error": error, **{end: _finite(value) for end, value in asdict(needed(fit, error, form=form)).items()}}
            for form in fit.laws
            for error in errors
        ],
        "profiles": [] if fit.points.wrong is not None else [_json(profile(fit, form).to_dict()) for form in fit.laws],
        "beside": [_json(compare(fit, other).to_dict()) for other in others],
    }


def _json(value: Any) -> Any:
    return {name: _json(inner) for name, inner in value.items()} if isinstance(value, dict) else _finite(value)


def _finite(value: Any) -> Any:
    """JSON has no infinity: null."""
    return None if isinstance(value, float) and not isfinite(value) else value


def reach_text(fits: Iterable[Fit], errors: Sequence[float | int]) -> RichTable:
    """The sizes that laws need for some errors, as a table for the terminal."""
    from analysis.terminal import reach_text

    return reach_text(fits, errors)


def predictions_text(fits: Iterable[Fit], sizes: Sequence[float | int]) -> RichTable:
    """What laws foretell, as a table for the terminal."""
    from analysis.terminal import predictions_text

    return predictions_text(fits, sizes)


def _is_file(source: str) -> bool:
    """Whether it is a table, perhaps of someone else, and neither a study nor a store."""
    return source.endswith(TABLE) and not Path(source).is_dir()


def source_table(source: str, settings: Settings, columns: Sequence[str], overrides: Sequence[str] = ()) -> pa.Table:
    """The points of a study, a store, or any .parquet or .csv.

    Args:
        columns: the ones that matter; a study or a store may leave the others out.
        overrides: of a study.

    Raises:
        TableError: it is none of these.
        UsageError: there are overrides, and it is no study.
        StoreError: it holds no run.
    """
    from scaling.fit import read_table

    if source.endswith(STUDY):
        return trained(Path(source), settings, overrides, columns=_stored(columns))[1]
    if overrides:
        raise UsageError(f"--set {overrides[0]}: only a study has settings, and {source} is none; leave it out")
    if _is_file(source):
        return read_table(Path(source))
    if "://" in source or Path(source).is_dir():
        if not (runs := open_store(source).runs(_stored(columns))).num_rows:
            raise StoreError(f"{source}: holds no runs; a store is filled by: scaling run CONFIG --store {source}")
        return runs
    raise TableError(f"{source}: no such study (.yaml), store (a folder or URI) or table (.parquet, .csv)")


def _stored(columns: Sequence[str]) -> Sequence[str] | None:
    """Columns that a store has. All of them where it lacks one, for the message that will say so."""
    return columns if set(columns) <= set(RUNS.names) else None


def fit_source(
    source: str,
    settings: Settings | None = None,
    *,
    x: str = "filters",
    y: str = "test_error",
    by: Sequence[str] | None = None,
    form: str = "auto",
    holdout: int = 3,
    overrides: Sequence[str] = (),
    population: bool = False,
    counts: tuple[str, str] | None = None,
    best: tuple[str, str] | None = None,
    std: str | None = None,
) -> list[Fit]:
    """Fit laws to the points of a study, a store, or any .parquet or .csv.

    Args:
        x, y, by: columns; of a study and a store those of ``tidy``, so that any leaf of the configuration is one.
        by: their values tell curves apart; by default the curves of the report, and ``architecture`` where a table of someone else has it.
        form: ``auto`` for a power law with and without a floor side by side; ``power`` or ``floor`` for one of them; ``broken`` or ``m4``
            for that form beside both.
        holdout: up to how many of the widest networks a law is tested on.
        overrides: laid over a study, such as ``recipe.epochs=5``.
        population: count the test images as a sample too; the runs' predictions must be stored.
        counts: of a table of someone else, the columns of wrong ones and of all that were tested, which give ``test_error``.
        std: a column of the standard deviations of y, where these are known.
        best: a column, such as ``learning_rate``, of which only the best value at each size counts, and the validation column that says so.

    Raises:
        TableError: the table can't be fitted as asked.
        StoreError: no run is stored.
        FitError: the data can't say.
    """
    from scaling.fit import best_over, fit_table

    if form not in FORMS:
        raise TableError(f"--form {form}: must be one of {', '.join(FORMS)}")
    settings = settings or Settings()
    notes: list[str] = []
    if std and (counts or population):
        raise UsageError(f"--std {std}: standard deviations that are stated leave nothing for --errors or --population to tell; leave one out")
    if counts and y != "test_error":
        raise UsageError(f"--errors {counts[0]}: gives test_error, which is what is fitted then; leave out --y {y}")
    if _is_file(source):
        table = _foreign(source, settings, overrides, counts)
        by = ["architecture"] if by is None and "architecture" in table.column_names else by or []
    else:
        if counts:
            raise UsageError(f"--errors {counts[0]}: the runs of a study or a store have test_error already; leave it out")
        by = by or ([CURVE] if best is None else ["architecture"])
        table = _own(source, settings, overrides, {x, y, *by, *(best or ()), *([std] if std else [])})
    if best:
        over, validation = best
        if validation == y or validation.startswith("test"):
            raise UsageError(f"--best-over {over}: the least of many {validation} is small by chance; name a --validation column")
        table, notes = best_over(table, over, x=x, by=by, validation=validation)
    wrong = None
    if population:
        table = table.filter(pc.is_finite(table[y])) if y in table.column_names else table
        wrong = _wrong(source, settings, table, y)
    return fit_table(table, x=x, y=y, by=tuple(by), forms=FORMS[form], holdout=holdout, wrong=wrong, std=std, notes=notes)


def _foreign(source: str, settings: Settings, overrides: Sequence[str], counts: tuple[str, str] | None) -> pa.Table:
    """A table of someone else."""
    from scaling.fit import from_counts

    table = source_table(source, settings, (), overrides)
    return from_counts(table, *counts) if counts else table


def _own(source: str, settings: Settings, overrides: Sequence[str], wanted: set[str]) -> pa.Table:
    """The runs of a study or a store, with what is asked for beside the store's own columns."""
    from analysis.groups import COLUMNS, group
    from scaling.fit import columns

    stored = dict.fromkeys([*columns("filters", "test_error", sorted(wanted)), *COLUMNS])
    runs = source_table(source, settings, [name for name in stored if name != CURVE], overrides)
    if CURVE in wanted:
        runs = group(runs).every
    return runs if wanted <= set(runs.column_names) else tidy(runs)


def _wrong(source: str, settings: Settings, table: pa.Table, y: str) -> NDArray[np.bool_]:
    """Which images each run errs on."""
    if _is_file(source):
        raise UsageError(f"--population: {source} doesn't say which images its runs err on; name a study or a store that keeps predictions")
    if y != "test_error":
        raise UsageError(f"--population: counts images that are erred on, so y must be test_error, not {y}")
    reader = settings.stores() if source.endswith(STUDY) else open_store(source)
    return reader.wrong(table["id"].to_pylist())
