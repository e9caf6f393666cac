"""Fit scaling laws to a study, a store or an external table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from scaling.api._convergence import find_unfinished_training
from scaling.api._external_table import external_curves, load_external_table
from scaling.api._fit_options import BestOver, CountColumns, FitOptions, RowOptions
from scaling.api._load import (
    CURVE_COLUMN,
    LoadedRuns,
    RunSource,
    as_run_source,
    drop_missing,
    is_external_table,
    load_best_epoch,
    load_judged_runs,
    load_runs,
    named_errors,
    resolve_store,
)
from scaling.api._losses import note_missing_losses
from scaling.api._workspace import Workspace
from scaling.errors import FitError, UsageError

if TYPE_CHECKING:
    from analysis.drawable_fit import FitList
    from scaling.fit import Comparison, Fit, Interval, Prediction
    from scaling.fit.card import LawCard
    from scaling.fit.data.row_selection import Selection
    from scaling.fit.diagnosis.profile_likelihood import LawProfile

_ALWAYS_FITTED = ("power", "floor")
"""Forms that the verdict compares."""
_FORMS = dict.fromkeys(("auto", *_ALWAYS_FITTED), _ALWAYS_FITTED) | {
    "broken": (*_ALWAYS_FITTED, "broken"),
    "m4": (*_ALWAYS_FITTED, "m4"),
}
"""Forms that are fitted for each value of the option ``form``."""
_LENGTH_COLUMNS = ("epochs", "recipe.epochs")
"""Columns along which training is unfinished on purpose."""


def fit(
    source: Any,
    workspace: Workspace | None = None,
    *,
    options: FitOptions | None = None,
    overrides: Sequence[str] = (),
    population: bool = False,
    counts: CountColumns | None = None,
    best: BestOver | None = None,
    rows: RowOptions | None = None,
) -> FitList:
    """Fit scaling laws, one fit a curve.

    Args:
        source: a study's YAML file or its settings, a store, or a table: a file that
            ``scaling.fit.read_table`` reads, a table of pyarrow or pandas, or a mapping from the names of
            columns to sequences.
        workspace: stores and folders.
        options: columns and forms. Of a study and a store, a column is one of ``tidy_table``, so that every
            setting can be used. By default, curves are those of the report, and an external table is split by
            ``architecture`` if it has this column.
        overrides: changed settings of a study, such as ``recipe.epochs=5``.
        population: True to treat the test images as a sample as well; this needs stored predictions.
        counts: columns of an external table that give ``test_error``.
        best: columns of which only the best values at each size count.
        rows: which rows are runs.

    Raises:
        TableError: the table cannot be fitted as requested.
        UsageError: options contradict each other.
        StoreError: the store holds no runs.
        FitError: the data do not determine a law.
    """
    source = as_run_source(source)
    options, rows = options or FitOptions(), rows or RowOptions()
    workspace = resolve_store(source, workspace or Workspace())
    check_request(source, options, rows, population=population, counts=counts, best=best)
    loaded, options = load_curves(
        source, workspace, options, rows, overrides=overrides, counts=counts, best=best
    )
    return _fit_curves(source, workspace, loaded, options, population=population)


def _fit_curves(
    source: RunSource, workspace: Workspace, loaded: LoadedRuns, options: FitOptions, *, population: bool
) -> FitList:
    """Fit the runs of each curve, and judge whether their training was long enough."""
    from analysis.drawable_fit import make_drawable
    from scaling.fit import EstimationOptions, fit_table
    from scaling.fit.diagnosis.caution import add_caution

    table, by, misclassified = loaded.runs, tuple(options.by or ()), None
    stores = None if is_external_table(source) else workspace
    has_test_errors = options.y == "test_error"
    if population:
        table, misclassified = load_judged_runs(workspace, table, options.y)
    if has_test_errors and stores:
        table = load_best_epoch(stores, table)
    with named_errors(source):
        fits = fit_table(
            table,
            EstimationOptions(forms=_FORMS[options.form], holdout=options.holdout),
            x=options.x,
            y=options.y,
            by=by,
            std=options.std,
            misclassified=misclassified,
            notes=loaded.notes,
        )
    if has_test_errors and options.x not in _LENGTH_COLUMNS:
        fits = add_caution(fits, find_unfinished_training(stores, table, x=options.x, by=by))
    return make_drawable(_select_form(fits, options.form))


def check_request(
    source: RunSource,
    options: FitOptions,
    rows: RowOptions,
    *,
    population: bool,
    counts: CountColumns | None,
    best: BestOver | None,
) -> None:
    """Check that the options of a fit agree with each other and with the source.

    Raises:
        UsageError: they do not.
    """
    _check_options(source, options, population=population, counts=counts, best=best)
    _check_rows(source, options, rows, counts=counts)


def _check_options(
    source: RunSource,
    options: FitOptions,
    *,
    population: bool,
    counts: CountColumns | None,
    best: BestOver | None,
) -> None:
    if options.form not in _FORMS:
        raise UsageError(f"{options.form}: expected one of {', '.join(_FORMS)}", option="form")
    _check_holdout(options.holdout)
    if options.std and (counts or population):
        raise UsageError(
            f"{options.std}: known standard deviations exclude `error_counts` and `population`;"
            " leave one out",
            option="std",
        )
    if counts and options.y != "test_error":
        raise UsageError(
            f"{counts.error_counts}: with `error_counts`, the fitted column is test_error, not {options.y};"
            " leave out `y`, or give test_error",
            option="error_counts",
        )
    if counts and not is_external_table(source):
        raise UsageError(
            f"{counts.error_counts}: the runs of a study or a store have test_error already; leave it out",
            option="error_counts",
        )
    if best and (best.validation == options.y or re.search("(^|[^a-z])test", best.validation.lower())):
        raise UsageError(
            f"{best.validation}: is the fitted error or a test error; choosing runs by it biases the fit;"
            " name a column of validation errors",
            option="validation",
        )
    if population and is_external_table(source):
        raise UsageError(
            f"`population`: {source} does not say which images its runs misclassify; name a study or a store"
            " that keeps predictions"
        )
    if population and options.y != "test_error":
        raise UsageError(
            f"counts misclassified images: expected `y` test_error, got {options.y}", option="population"
        )


def _check_holdout(holdout: int) -> None:
    if not isinstance(holdout, int) or holdout < 1:
        raise UsageError(f"{holdout}: expected an integer >= 1", option="holdout")


def _check_rows(
    source: RunSource, options: FitOptions, rows: RowOptions, *, counts: CountColumns | None
) -> None:
    """Check that the options that choose rows agree with each other and with the source."""
    for_tables = {"last_of": rows.last_of, "accuracy": rows.accuracy, "wide": rows.wide and "this option"}
    for option, value in for_tables.items():
        if value and not is_external_table(source):
            raise UsageError(
                f"{value}: is for external tables; the runs of a study or a store have one row and an error "
                "each; leave it out",
                option=option,
            )
    if rows.run and not rows.last_of:
        raise UsageError(f"{rows.run[0]}: tells runs apart for `last_of`; add it", option="run")
    if rows.accuracy and (counts or options.y != "test_error"):
        others = " and ".join(["`y`"] * (options.y != "test_error") + ["`error_counts`"] * bool(counts))
        raise UsageError(
            f"{rows.accuracy}: 1 - {rows.accuracy} is what is fitted; leave out {others}",
            option="accuracy",
        )


def load_curves(
    source: RunSource,
    workspace: Workspace,
    options: FitOptions,
    rows: RowOptions,
    *,
    overrides: Sequence[str],
    counts: CountColumns | None,
    best: BestOver | None,
    second: str | None = None,
    cost: str | None = None,
) -> tuple[LoadedRuns, FitOptions]:
    """Return the runs, and the options with the columns of the curves and with the fitted column.

    Args:
        source: as for ``fit``.
        workspace: as ``resolve_store`` returns it.
        options: columns and forms.
        rows: which rows are runs.
        overrides: changed settings of a study.
        counts: columns of an external table that give ``test_error``.
        best: columns of which only the best values at each size count.
        second: second column of sizes; the x of the returned options is then a column of cells.
        cost: further column that the runs need to have.
    """
    from scaling.fit import select_best, select_where

    if is_external_table(source):
        loaded, options = _load_external(
            source, options, rows, overrides=overrides, counts=counts, best=best, second=second, cost=cost
        )
    else:
        by = tuple(options.by or ([CURVE_COLUMN] if best is None else ["architecture"]))
        sizes = [options.x, *([second] if second else [])]
        columns = {*sizes, options.y, *by, *rows.conditions(), *filter(None, (options.std, cost))}
        columns |= {*_best_columns(best)}
        loaded = load_runs(source, workspace, overrides=overrides, x=options.x, columns=columns, also=second)
        notes = note_missing_losses(loaded.runs, options.y)
        loaded = replace(loaded, notes=(*loaded.notes, *notes))
        for size in sizes:
            loaded = drop_missing(loaded, size)
        if rows.where:
            loaded = _with_selection(loaded, select_where(loaded.runs, rows.conditions()))
        loaded, options = _with_cells(source, loaded, replace(options, by=by), second)
    if best:
        by = tuple(options.by or ())
        selected = select_best(loaded.runs, best.columns, x=options.x, by=by, validation=best.validation)
        loaded = _with_selection(loaded, selected)
    return loaded, options


def _load_external(
    source: RunSource,
    options: FitOptions,
    rows: RowOptions,
    *,
    overrides: Sequence[str],
    counts: CountColumns | None,
    best: BestOver | None,
    second: str | None,
    cost: str | None,
) -> tuple[LoadedRuns, FitOptions]:
    from scaling.fit import add_error_from_accuracy, select_last, select_where

    loaded = load_external_table(
        source,
        overrides=overrides,
        counts=counts,
        rows=rows,
        sizes=[options.x, *([second] if second else [])],
        y=options.y,
        others=[*(options.by or ()), *filter(None, (options.std, cost)), *(_best_columns(best))],
    )
    if rows.where:
        loaded = _with_selection(loaded, select_where(loaded.runs, rows.conditions()))
    if rows.accuracy:
        table, y = add_error_from_accuracy(loaded.runs, rows.accuracy)
        loaded, options = replace(loaded, runs=table), replace(options, y=y)
    by = external_curves(loaded.runs) if options.by is None else tuple(options.by)
    loaded, options = _with_cells(source, loaded, options, second)
    if rows.last_of:
        last = select_last(loaded.runs, rows.last_of, x=options.x, y=options.y, by=by, run=rows.run)
        loaded = _with_selection(loaded, last)
    return loaded, replace(options, by=by)


def _best_columns(best: BestOver | None) -> tuple[str, ...]:
    return (*best.columns, best.validation) if best else ()


def _with_cells(
    source: RunSource, loaded: LoadedRuns, options: FitOptions, second: str | None
) -> tuple[LoadedRuns, FitOptions]:
    """Add a column of cells, which becomes x, if there is a second column of sizes."""
    from scaling.fit import add_cells

    if second is None:
        return loaded, options
    with named_errors(source):
        cells = add_cells(loaded.runs, (options.x, second))
    return replace(loaded, runs=cells.table), replace(options, x=cells.column)


def _with_selection(loaded: LoadedRuns, selection: Selection) -> LoadedRuns:
    return LoadedRuns(runs=selection.table, notes=(*loaded.notes, *selection.notes))


def _select_form(fits: Sequence[Fit], form: str) -> list[Fit]:
    """Keep only the requested law where it is one of the laws that are always fitted."""
    if form not in _ALWAYS_FITTED:
        return list(fits)
    selected = [
        replace(fit, laws={name: law for name, law in fit.laws.items() if name == form}) for fit in fits
    ]
    if not any(fit.laws for fit in selected):
        raise FitError(f"{form}: no curve has such a law; `form` auto shows all laws, and why", option="form")
    return selected


@dataclass(frozen=True, kw_only=True)
class RequiredSize:
    """Size at which a law comes down to an error."""

    form: str
    error: float
    size: Interval
    """Estimate and 95 % interval; infinite if the law never comes down to the error."""

    def to_dict(self) -> dict[str, Any]:
        """Return the size as JSON values, with ``never`` in the place of infinity."""
        from scaling.fit.comparison.equal_error import size_to_dict

        return {"form": self.form, "error": self.error, **size_to_dict(self.size)}


@dataclass(frozen=True, kw_only=True)
class FitDetails:
    """Everything that follows from the laws of one curve."""

    predictions: tuple[Prediction, ...]
    required_sizes: tuple[RequiredSize, ...]
    profiles: tuple[LawProfile, ...]
    """Profile-likelihood intervals of the parameters."""
    comparisons: tuple[Comparison, ...]
    """Comparisons with the other curves."""
    card: LawCard | None
    """What the law that the verdict names rests on, and how robust it is."""

    def to_dict(self) -> dict[str, Any]:
        return {"card": self.card.to_dict() if self.card else None} | {
            name: [item.to_dict() for item in items]
            for name, items in (
                ("predictions", self.predictions),
                ("required_sizes", self.required_sizes),
                ("profiles", self.profiles),
                ("comparisons", self.comparisons),
            )
        }


def fit_details(
    fit: Fit, fits: Sequence[Fit], *, sizes: Sequence[float] = (), errors: Sequence[float] = ()
) -> FitDetails:
    """Return predictions, required sizes, profile intervals, and comparisons with the other curves.

    Args:
        fit: fit of one curve.
        fits: fits of all curves.
        sizes: sizes to predict the error of.
        errors: errors to find the size of.
    """
    from scaling.fit import compare_laws, predict, preferred_law, size_for_error
    from scaling.fit.card import law_card
    from scaling.fit.diagnosis.profile_likelihood import profile_laws

    others = (
        [other for other in fits if other is not fit and preferred_law(other)] if preferred_law(fit) else []
    )
    return FitDetails(
        predictions=tuple(predict(fit, sizes)),
        required_sizes=tuple(
            RequiredSize(form=form, error=error, size=size_for_error(fit, error, form=form))
            for form in fit.laws
            for error in errors
        ),
        profiles=tuple(profile_laws(fit)),
        comparisons=tuple(compare_laws(fit, other) for other in others),
        card=law_card(fit),
    )
