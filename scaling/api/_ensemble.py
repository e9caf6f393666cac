"""Errors of ensembles of a study's stored runs, from their stored logits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from scaling.api._figures import save_figures
from scaling.api._load import CURVE_COLUMN
from scaling.api._results import load_trained
from scaling.api._table import add_requested_settings, tidy_table
from scaling.api._workspace import Workspace
from scaling.architectures import has_seeds, has_widths
from scaling.config import StudySource
from scaling.errors import UsageError

if TYPE_CHECKING:
    from analysis.ensemble import EnsemblePool


def ensemble(
    config: StudySource,
    workspace: Workspace | None = None,
    *,
    overrides: Sequence[str] = (),
    sizes: Sequence[int] = (),
    by: Sequence[str] = (),
) -> list[EnsemblePool]:
    """Return the expected error of ensembles of stored runs, by mean probability and by votes.

    Args:
        config: YAML file of the study, or its settings.
        workspace: stores and folders.
        overrides: changed settings, such as ``recipe.epochs=5``.
        sizes: numbers of members; by default from one to all.
        by: columns of ``tidy_table``, or settings, in which the members of one ensemble agree; by default the
            report's curves and ``filters``, so that members differ only in their seeds.

    Raises:
        StoreError: a run has no stored predictions.
        UsageError: no pool of runs is large enough for any of the sizes.
        TableError: a column does not exist.
    """
    from analysis.run_groups import group_runs
    from scaling.fit.data.columns import check_column, text_column

    workspace = workspace or Workspace()
    results = load_trained(config, workspace, overrides=overrides)
    grouped = group_runs(results.final_runs, titles=results.dataset_titles)
    names = list(by) or [CURVE_COLUMN, "filters"]
    is_stored = set(names) <= set(grouped.runs.column_names)
    runs = grouped.runs if is_stored else add_requested_settings(tidy_table(grouped.runs), set(names))
    for name in names:
        check_column(runs.column_names, name)
    keys = list(zip(*(text_column(runs, name) for name in names), strict=True))
    groups = {key: runs.filter([other == key for other in keys]) for key in dict.fromkeys(keys)}
    large = {key: members for key, members in groups.items() if _member_counts(members, sizes)}
    workspace.stores().require_predictions(
        [run_id for members in large.values() for run_id in members["id"].to_pylist()]
    )
    pools = [
        _make_pool(
            members,
            workspace,
            selection=_selection(names, key, members),
            title=grouped.dataset_title,
            sizes=sizes,
        )
        for key, members in large.items()
    ]
    if not pools:
        raise _no_pool_error(sizes, max((keys.count(key) for key in set(keys)), default=0), runs)
    return pools


def _selection(names: Sequence[str], key: Sequence[str], members: pa.Table) -> dict[str, str]:
    """Return the columns in which the members of an ensemble agree; filters only if networks have widths."""
    return {
        name: value
        for name, value in zip(names, key, strict=True)
        if name != "filters" or _any(has_widths, members)
    }


def _no_pool_error(sizes: Sequence[int], largest: int, runs: pa.Table) -> UsageError:
    """Return the error that all sizes exceed the largest pool."""
    more_seeds = ", or train more seeds" if _any(has_seeds, runs) else ""
    return UsageError(
        f"{','.join(map(str, sizes))}: no pool has more than {largest} runs; ask for fewer members"
        f"{more_seeds}",
        option="sizes",
    )


def _member_counts(runs: pa.Table, sizes: Sequence[int]) -> list[int]:
    """Return the numbers of members of these runs' ensembles; none if all sizes exceed the pool."""
    from scaling.fit.ensemble import default_member_counts

    return [size for size in sizes or default_member_counts(len(runs)) if size <= len(runs)]


def _make_pool(
    runs: pa.Table, workspace: Workspace, *, selection: dict[str, str], title: str, sizes: Sequence[int]
) -> EnsemblePool:
    """Return the ensembles of one pool of runs."""
    from analysis.ensemble import EnsemblePool
    from scaling.fit.ensemble import evaluate_ensembles

    stored = workspace.stores().logits(runs["id"].to_pylist())
    return EnsemblePool(
        selection=selection,
        filters=pc.unique(runs["filters"]).to_pylist(),
        parameters=pc.mean(runs["parameters"]).as_py(),
        macs=pc.mean(runs["macs"]).as_py(),
        test_images=len(stored.labels),
        dataset_title=title,
        ensembles=tuple(
            evaluate_ensembles(
                stored.logits,
                stored.labels,
                member_counts=_member_counts(runs, sizes),
                has_seeds=_any(has_seeds, runs),
            )
        ),
    )


def _any(predicate: Callable[[str], bool], runs: pa.Table) -> bool:
    """Return whether a predicate of a type of architecture is true for an architecture of the runs."""
    return any(map(predicate, pc.unique(runs["architecture"]).to_pylist()))


def draw_ensemble(pools: Sequence[EnsemblePool], folder: Path) -> list[Path]:
    """Write the figures of ensembles, each as .svg, .png and .csv.

    Raises:
        UsageError: the folder cannot be written.
    """
    from analysis.ensemble_figures import draw_error_against_macs, draw_error_against_members

    return save_figures(folder, lambda: [draw_error_against_members(pools), draw_error_against_macs(pools)])
