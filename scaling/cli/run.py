"""``scaling run``."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scaling import api
from scaling.api._target import DEFAULT_QUANTITY
from scaling.cli.export import print_tracking
from scaling.cli.options import (
    STORE,
    Address,
    Also,
    Budget,
    Config,
    Data,
    InProcess,
    Overrides,
    Quantity,
    Quiet,
    Store,
    Track,
    parse_budget,
    workspace,
)
from scaling.cli.output import count, print_text
from scaling.cli.plan_output import new_store_text, print_divergence, print_other_contents
from scaling.cli.reproduce import reproduce_command
from scaling.cli.sweep_counts import print_missing
from scaling.durations import format_duration
from scaling.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scaling.api import Iteration, RetrainedRun, RunOutcome, RunStart, SequentialResult


_Until = Annotated[
    float | None,
    typer.Option(
        metavar="HALF-WIDTH",
        help="Train in iterations, each with the runs that suggest proposes, until the half width of "
        "every 95 % interval is at most this: in units of the exponent for --quantity exponent, "
        "otherwise as a fraction of the value (0.02 is 2 %).",
    ),
]
_Retrain = Annotated[
    list[str],
    typer.Option(
        "--retrain",
        metavar="RUN",
        help="Train this finished run again, check that its numbers are equal, and keep its weights; "
        "may be repeated. Nothing else is trained.",
    ),
]


def run(
    config: Config,
    *,
    address: Address = None,
    in_process: InProcess = False,
    until: _Until = None,
    quantity: Quantity = "",
    budget: Budget = "",
    set_: Overrides = [],
    store: Store = STORE,
    also: Also = [],
    data: Data = None,
    quiet: Quiet = False,
    track: Track = [],
    again: _Retrain = [],
    watch: Annotated[
        bool, typer.Option("--watch", help="Show the laws so far, with intervals, while runs finish.")
    ] = False,
) -> int:
    """Train the missing runs of a study.

    The command may be interrupted and started again: finished runs are kept.
    """
    folders = workspace(store, also, data)
    if again:
        if until is not None or address or track or watch:
            raise UsageError(
                "trains in this process, and nothing else: leave out `until`, `address`, `track` and `watch`",
                option="retrain",
            )
        retrained = api.retrain(config, again, folders, overrides=set_, quiet=quiet)
        return _print_retrained(retrained)
    options: dict[str, Any] = {
        "overrides": set_,
        "address": address,
        "in_process": in_process,
        "quiet": quiet,
        "track": track,
        "on_start": lambda start: _print_start(start, store),
    }
    if until is None:
        if quantity or budget:
            raise UsageError(
                "`quantity` and `budget` need `until`, the half width of the intervals, such as `until` 0.02"
            )
        outcome = api.run(config, folders, watch=watch, **options)
        code, study, settings = _print_outcome(outcome), config, set_
    else:
        if watch:
            raise UsageError("shows the laws of one sweep, not of iterations; leave it out", option="watch")
        target = _target(until, quantity, budget)
        result = api.run_until(
            config,
            target,
            folders,
            on_iteration=lambda iteration: _print_iteration(iteration, target),
            **options,
        )
        outcome = result.last.outcome
        code, study, settings = _print_end(result), result.study, []
    print_tracking(outcome.tracking, study, store=store, also=also, overrides=settings)
    if not code:
        report = reproduce_command("report", study, store=store, also=also, overrides=settings)
        print_text(f"next: {report}")
    return code


def _target(until: float, quantity: str, budget: str) -> api.Target:
    """Return what the iterations have to reach."""
    if not 0 < until < inf:
        raise UsageError(f"{until:g}: expected a number > 0, such as 0.02", option="until")
    return api.Target(half_width=until, quantity=quantity or DEFAULT_QUANTITY, budget_s=parse_budget(budget))


def _print_retrained(runs: Sequence[RetrainedRun]) -> int:
    """Print what became of each run that was to be trained again, and return the exit code."""
    for run in runs:
        if run.difference:
            text = f"not kept, because {run.difference}"
        elif run.was_stored:
            text = "its weights were in the store"
        else:
            text = "its numbers are equal to the stored ones, and its weights are kept"
        print_text(f"{run.id}: {run.label}: {text}")
    return 1 if any(run.difference for run in runs) else 0


def _print_start(start: RunStart, store: str) -> None:
    """Print that a store is new, or that runs of this study exist on other images, before training begins."""
    if start.store_is_new:
        runs = start.plan.new + start.plan.pending
        print_text(new_store_text(store, start.similar_store, runs=runs), flush=True)
    print_other_contents(start.plan)


def _print_end(result: SequentialResult) -> int:
    """Print why the iterations ended, and return the exit code."""
    if result.last.suggestion is None:
        return _print_outcome(result.last.outcome)
    end = (
        "every interval is within the target"
        if result.last.suggestion.is_reached
        else "no run that would help is within the budget and the memory"
    )
    print_text(f"{end}; the study with all runs is {result.study}")
    return 0


def _print_iteration(iteration: Iteration, target: api.Target) -> None:
    """Print one line about an iteration."""
    outcome, suggestion = iteration.outcome, iteration.suggestion
    parts = [
        f"iteration {iteration.number}: {count(outcome.trained, 'run')} trained, "
        f"{len(outcome.plan.done)} were done before"
    ]
    if suggestion is not None:
        half_widths = ", ".join(
            f"{curve.label} {curve.proposal.half_width:.3g}" if curve.has_law else f"{curve.label} no law yet"
            for curve in suggestion.curves
        )
        parts.append(f"half width of {target.quantity}: {half_widths} (target: {target.half_width:g})")
        if suggestion.core_s:
            parts.append(f"next iteration: about {format_duration(suggestion.core_s)}")
    parts.append(f"core time beyond the study: {format_duration(iteration.extra_s)}, as recorded")
    print_text("; ".join(parts), flush=True)


def _print_outcome(outcome: RunOutcome) -> int:
    """Print how a sweep ended, and return the exit code."""
    study_plan = outcome.plan
    done = len(study_plan.done)
    if not study_plan.new:
        print_text(f"{study_plan.study.name}: 0 runs to do, {done} done")
        return 0
    print_text(
        f"{study_plan.study.name}: {count(outcome.trained, 'run')} trained "
        f"in {format_duration(outcome.wall_s)}, {done} were done before"
    )
    for row in outcome.latest_plan.rows() if study_plan.pending else ():
        if row.cell.choice:
            print_text(
                f"{row.network_label}: "
                f"learning rate {row.learning_rates[0]:g}" + (row.warning and f", {row.warning}")
            )
    print_divergence(outcome.diverged, runs=len(outcome.latest_plan.final_ids - study_plan.done))
    return print_missing(outcome)
