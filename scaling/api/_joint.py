"""Fit joint laws of two sizes to a study, a store or an external table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from scaling.api._convergence import find_unfinished_training
from scaling.api._fit import check_request, load_curves
from scaling.api._fit_options import BestOver, CountColumns, FitOptions, JointOptions, RowOptions
from scaling.api._load import (
    as_run_source,
    is_external_table,
    load_judged_runs,
    named_errors,
    resolve_store,
)
from scaling.api._workspace import Workspace
from scaling.errors import UsageError

if TYPE_CHECKING:
    from scaling.fit import JointFit


def fit_joint(
    source: Any,
    workspace: Workspace | None = None,
    *,
    options: JointOptions,
    overrides: Sequence[str] = (),
    population: bool = False,
    counts: CountColumns | None = None,
    best: BestOver | None = None,
    rows: RowOptions | None = None,
) -> list[JointFit]:
    """Fit E + A N^-alpha + B D^-beta, one fit a group.

    Args:
        source: as for ``fit``.
        workspace: stores and folders.
        options: columns, loss and held-out sizes. By default, runs of a study or a store that differ in
            another setting than both sizes, seed and order are in different groups.
        overrides: changed settings of a study, such as ``recipe.epochs=5``.
        population: True to treat the test images as a sample as well; this needs stored predictions.
        counts: columns of an external table that give ``test_error``.
        best: columns of which only the best values at each pair of sizes count.
        rows: which rows are runs.

    Raises:
        TableError: the table cannot be fitted as requested.
        UsageError: options contradict each other.
        StoreError: the store holds no runs.
        FitError: the data do not determine a joint law.
    """
    from scaling.fit import EstimationOptions, JointLoss, add_cells, fit_joint_table

    source = as_run_source(source)
    rows, workspace = rows or RowOptions(), resolve_store(source, workspace or Workspace())
    _check_loss(options.loss)
    single = FitOptions(x=options.x[0], y=options.y, by=options.by, holdout=options.holdout, std=options.std)
    check_request(source, single, rows, population=population, counts=counts, best=best)
    selection: dict[str, Any] = {"overrides": overrides, "counts": counts, "best": best}
    loaded, single = load_curves(
        source, workspace, single, rows, second=options.x[1], cost=options.cost, **selection
    )
    table, by, misclassified = loaded.runs.drop_columns([single.x]), tuple(single.by or ()), None
    if population:
        table, misclassified = load_judged_runs(workspace, table, single.y)
    with named_errors(source):
        fits = fit_joint_table(
            add_cells(table, options.x),
            options.x,
            EstimationOptions(holdout=options.holdout),
            y=single.y,
            by=by,
            misclassified=misclassified,
            std=options.std,
            loss=JointLoss(options.loss),
            cost=options.cost,
            notes=loaded.notes,
        )
    if options.y != "test_error":
        return fits
    stores = None if is_external_table(source) else workspace
    return _with_unfinished_training(fits, stores, table, options.x, by)


def _check_loss(name: str) -> None:
    from scaling.fit import JointLoss

    losses = [loss.value for loss in JointLoss]
    if name not in losses:
        raise UsageError(f"{name}: expected one of {', '.join(losses)}", option="loss")


def _with_unfinished_training(
    fits: Sequence[JointFit],
    workspace: Workspace | None,
    table: pa.Table,
    x: tuple[str, str],
    by: tuple[str, ...],
) -> list[JointFit]:
    """Return the fits with caution for laws of networks whose error still falls when training ends."""
    reasons = [find_unfinished_training(workspace, table, x=size, by=by) for size in x]
    return [
        fit
        if fit.law is None
        else replace(
            fit,
            law=fit.law.with_caution(
                "; ".join(
                    dict.fromkeys(filter(None, (found.get(tuple(fit.group.values())) for found in reasons)))
                )
            ),
        )
        for fit in fits
    ]
