"""Prune the trained networks of a study, and summarise the pruned networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import pyarrow as pa
from rich.console import Console

from scaling.api._figures import save_figures
from scaling.api._results import StudyResults, load_results, untrained
from scaling.api._sweep import Sweep, SweepCounts
from scaling.api._workspace import Workspace
from scaling.config import Run, StudySource
from scaling.errors import ConfigError, StoreError
from scaling.plan.pruning import PruningPlan

if TYPE_CHECKING:
    from analysis.pruning import StudyPruning


@dataclass(frozen=True, kw_only=True)
class PruningOutcome(SweepCounts):
    """Outcome of pruning a study."""

    plan: PruningPlan
    """Plan at the start."""
    result: StudyPruning
    """Means of all pruned networks that are stored now; without networks if none of them has an error."""
    wall_s: float
    """Wall time of the training in seconds."""


def prune(
    config: StudySource,
    workspace: Workspace | None = None,
    *,
    overrides: Sequence[str] = (),
    address: str | None = None,
    in_process: bool = False,
    console: Console | None = None,
    quiet: bool = False,
) -> PruningOutcome:
    """Train the rounds of a study's pruning that no store has, and summarise all rounds.

    Args:
        config: YAML file of the study, with a section ``pruning``.
        workspace: stores and folders.
        overrides: changed settings, such as ``pruning.parameters_left=2600``.
        address: address of a running Ray cluster; by default this machine trains (``resources.engine``).
        in_process: True to train without workers, one pack after the other.
        console: console for the progress display; by default stderr.
        quiet: True for no progress display.

    Raises:
        ConfigError: the study is invalid, or has no section ``pruning``.
        StoreError: a network of the study is not trained, its weights are not stored, or the store cannot be
            written.
        UsageError: Ray cannot start, its workers cannot see the store, or it has no room for a single trial.
    """
    workspace, start_s = workspace or Workspace(), monotonic()
    trained, plan = _load_trained(config, workspace, overrides)
    counts = SweepCounts(trained=0, trained_by_others=0, missing=0, failures=())
    if plan.rounds:
        _check_weights(plan.finished_parents, workspace)
        sweep = Sweep.create(
            workspace,
            plan.study.resources,
            wall_s=plan.schedule.wall_s,
            address=address,
            in_process=in_process,
            console=console,
            quiet=quiet,
        )
        sweep.remove_leftovers()
        sweep.prepare()
        packs = [pack for wave in plan.rounds for pack in wave]
        with sweep.training(packs, plan.study, plan.speed) as training:
            counts = training.train(plan.rounds, name="pruning")
        trained = load_results(config, workspace, overrides=overrides)
    return PruningOutcome(
        plan=plan,
        result=_summarise(trained),
        **vars(counts),
        wall_s=monotonic() - start_s,
    )


def load_pruning(config: StudySource, workspace: Workspace, *, overrides: Sequence[str] = ()) -> StudyPruning:
    """Return the pruned networks that stores have of a study, without training.

    Args:
        config: YAML file of the study, with a section ``pruning``.
        workspace: stores and folders.
        overrides: changed settings, such as ``pruning.parameters_left=2600``.

    Raises:
        ConfigError: the study is invalid, or has no section ``pruning``.
        StoreError: a network of the study is not trained.
    """
    return _summarise(_load_trained(config, workspace, overrides)[0])


def _load_trained(
    config: StudySource, workspace: Workspace, overrides: Sequence[str]
) -> tuple[StudyResults, PruningPlan]:
    trained = load_results(config, workspace, overrides=overrides)
    plan = trained.plan.pruning
    if plan is None:
        problem = "pruning: is missing; add for example pruning: {parameters_left: 2600}"
        raise ConfigError([problem], str(config))
    _check_trained(trained, config)
    return trained, plan


def _check_trained(trained: StudyResults, config: StudySource) -> None:
    plan = trained.plan
    missing = len(plan.final_ids - plan.done) + plan.pending
    if missing:
        total = len(plan.final_ids) + plan.pending
        raise untrained(f"{missing} of {total} runs of this study are not trained", config)


def _check_weights(runs: Sequence[Run], workspace: Workspace) -> None:
    """Check that the networks to start from were stored with their weights.

    Raises:
        StoreError: the weights of a network are not stored. Its run is finished, so it is not trained again.
    """
    for run in runs:
        try:
            workspace.stores().weights(run.id)
        except StoreError:
            raise StoreError(
                f"{workspace.store}: has run {run.id} without its weights, from which the pruning starts;"
                " name the store that trained it, or, if that store has no weights either, train it again in"
                " another `store`"
            ) from None


def _summarise(results: StudyResults) -> StudyPruning:
    from analysis.pruning import summarise_pruning
    from analysis.run_groups import group_runs

    pruned = results.pruned_runs
    ancestors = [Run.from_json(text).unpruned.id for text in pruned["config_json"].to_pylist()]
    return summarise_pruning(
        group_runs(results.final_runs, titles=results.dataset_titles),
        pruned.append_column("ancestor", pa.array(ancestors, pa.string())),
    )


def draw_pruning(result: StudyPruning, folder: Path) -> list[Path]:
    """Write the figures of a pruning, each as .svg, .png and .csv.

    Raises:
        UsageError: the folder cannot be written.
    """
    from analysis.pruning_figures import draw_errors, draw_increases

    return save_figures(folder, lambda: [draw_errors(result), draw_increases(result)])
