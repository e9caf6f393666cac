"""run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from scaling import api
from scaling.cli.options import (
    STORE,
    Also,
    Budget,
    Config,
    Data,
    Of,
    Overrides,
    Quiet,
    Store,
    budget_s,
    workspace,
)
from scaling.durations import format_duration
from scaling.errors import UsageError

if TYPE_CHECKING:
    from scaling.api import Iteration, RunOutcome


def run(
    config: Config,
    *,
    address: Annotated[
        str | None, typer.Option(help="Of a running Ray cluster, such as 10.0.0.1:6379 or auto.")
    ] = None,
    in_process: Annotated[
        bool, typer.Option("--in-process", help="Without Ray: one pack after the other.")
    ] = False,
    until: Annotated[
        float | None,
        typer.Option(
            metavar="HALF-WIDTH",
            help="Go on in rounds, as suggest proposes, until every 95 % interval is as narrow: 0.02 is 2 % of the predicted error.",
        ),
    ] = None,
    of: Of = "",
    budget: Budget = "",
    set_: Overrides = [],
    store: Store = STORE,
    also: Also = [],
    data: Data = None,
    quiet: Quiet = False,
) -> int:
    """Train what is missing; safe to interrupt and to start again."""
    known = workspace(store, also, data)
    if until is None:
        if of or budget:
            raise UsageError(
                "--of and --budget are for --until, which says how narrow an interval is wanted, such as --until 0.02"
            )
        return _ended(
            api.run(config, known, overrides=set_, address=address, in_process=in_process, quiet=quiet)
        )
    aim = api.Target(half_width=until, quantity=of or "prediction@2x", budget_s=budget_s(budget))
    made = api.run_until(
        config,
        aim,
        known,
        overrides=set_,
        address=address,
        in_process=in_process,
        quiet=quiet,
        on_iteration=lambda ended: _tell(ended, aim),
    )
    if made.last.suggestion is None:
        return _ended(made.last.outcome)
    left = (
        "every interval is within the target"
        if made.last.suggestion.is_reached
        else "nothing that would help is within budget and memory"
    )
    print(f"{left}; the grown study is {made.study}")
    return 0


def _tell(ended: Iteration, aim: api.Target) -> None:
    """A line a round."""
    words = [
        f"round {ended.number}: {ended.outcome.trained} runs trained, {len(ended.outcome.plan.done)} were done before"
    ]
    if ended.suggestion is not None:
        half_widths = ", ".join(
            f"{curve.label} {curve.proposal.half_width:.3g}" for curve in ended.suggestion.curves
        )
        words += [f"half width of {aim.quantity}: {half_widths} (wanted: {aim.half_width:g})"]
        words += (
            [f"next: about {format_duration(ended.suggestion.core_s)}"] if ended.suggestion.core_s else []
        )
    print(
        "; ".join(
            [*words, f"core time beyond the study as written: {format_duration(ended.extra_s)}, as recorded"]
        ),
        flush=True,
    )


def _ended(outcome: RunOutcome) -> int:
    """How a run of a study ended."""
    made = outcome.plan
    if not made.new:
        print(f"{made.study.name}: 0 runs to do, {len(made.done)} done")
        return 0
    print(
        f"{made.study.name}: {outcome.trained} runs trained in {format_duration(outcome.wall_s)}, {len(made.done)} were done before"
    )
    for row in outcome.latest_plan.rows() if made.pending else ():
        if row.cell.choice:
            print(
                f"{row.label}, filters {row.cell.architecture.filters}: learning rate {row.rates[0]:g}"
                + (row.warning and f", {row.warning}")
            )
    if outcome.elsewhere:
        print(f"{outcome.elsewhere} more were published by somebody else meanwhile")
    for failure in outcome.failures:
        print(f"failed: {failure.pack.label}: {failure.reason}; log: {failure.log or 'could not be written'}")
    if outcome.missing:
        print(f"{outcome.missing} runs are missing; the same command tries them again")
    return 1 if outcome.missing else 0
