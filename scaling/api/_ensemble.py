"""Ensembles of a study's stored runs, from their logits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from scaling.api._load import CURVE
from scaling.api._report import drawn, tidy, trained
from scaling.api._workspace import Workspace
from scaling.errors import UsageError

if TYPE_CHECKING:
    from rich.table import Table

    from analysis.ensemble import EnsemblePool


def ensemble(
    config: Path,
    workspace: Workspace | None = None,
    *,
    overrides: Sequence[str] = (),
    sizes: Sequence[int] = (),
    by: Sequence[str] = (),
) -> list[EnsemblePool]:
    """The expected error of ensembles of stored runs, by mean probability and by votes.

    Args:
        config: the study's YAML file.
        overrides: such as ``recipe.epochs=5``.
        sizes: numbers of members; by default from one to all.
        by: columns of ``tidy`` whose values tell pools of members apart; by default the report's curves and the filters, so that members are
            runs that differ in their seed alone.

    Raises:
        StoreError: a run has no predictions.
        UsageError: a size that no pool has, or no such column.
    """
    from analysis.ensemble import EnsemblePool
    from analysis.run_groups import group_runs
    from scaling.fit.data.columns import check_column, text_column
    from scaling.fit.ensemble import default_member_counts, evaluate_ensembles

    workspace = workspace or Workspace()
    _, runs = trained(config, workspace, overrides)
    grouped = group_runs(runs)
    table = grouped.runs
    names = list(by) or [CURVE, "filters"]
    if set(names) - set(table.column_names):
        table = tidy(table)
    for name in names:
        check_column(table.column_names, name)
    keys = list(zip(*(text_column(table, name) for name in names), strict=True))
    pools = []
    for key in dict.fromkeys(keys):
        mine = table.filter([each == key for each in keys])
        wanted = [size for size in sizes or default_member_counts(len(mine)) if size <= len(mine)]
        if not wanted:
            continue
        logits, labels = workspace.stores().logits(mine["id"].to_pylist())
        pools.append(
            EnsemblePool(
                group=dict(zip(names, key, strict=True)),
                filters=pc.unique(mine["filters"]).to_pylist(),
                parameters=pc.mean(mine["parameters"]).as_py(),
                macs=pc.mean(mine["macs"]).as_py(),
                images=len(labels),
                title=grouped.title,
                ensembles=tuple(evaluate_ensembles(logits, labels, member_counts=wanted)),
            )
        )
    if not pools:
        most = max((keys.count(key) for key in set(keys)), default=0)
        raise UsageError(
            f"--sizes {','.join(map(str, sizes))}: no network here has more than {most} runs; ask for less, or train more seeds"
        )
    return pools


def ensembles_text(pools: Sequence[EnsemblePool]) -> Table:
    """The ensembles as a table for the terminal."""
    from analysis.ensemble import render_ensembles

    return render_ensembles(pools)


def ensemble_rows(pools: Sequence[EnsemblePool]) -> list[dict[str, object]]:
    """One dictionary a pool, rule and number of members."""
    from analysis.ensemble import ensemble_rows

    return ensemble_rows(pools)


def draw_ensembles(pools: Sequence[EnsemblePool], folder: Path) -> list[Path]:
    """Write the figures of ensembles, each as .svg, .png and .csv.

    Raises:
        UsageError: the folder can't be written.
    """
    from analysis.ensemble_figures import draw_error_against_macs, draw_error_against_members

    return drawn(folder, lambda: [draw_error_against_members(pools), draw_error_against_macs(pools)])
