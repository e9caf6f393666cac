"""Rounds: a study is trained, fitted and grown, until what is wanted of its laws is known well enough or the budget is used up.

Nothing is remembered but the store. Each round follows from the rows of the one before, so the same command goes through the same rounds again,
and trains only what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import fsum
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from rich.console import Console

from scaling.api._plan import plan, timings
from scaling.api._report import finals, results
from scaling.api._run import Outcome, run
from scaling.api._suggest import Suggestion, Target, weigh
from scaling.api._workspace import Workspace
from scaling.config.yaml_file import architecture_entries, read_file, yaml_text
from scaling.errors import UsageError
from scaling.plan import Plan

NAME = "until.yaml"


@dataclass(frozen=True, kw_only=True)
class Iteration:
    """One round."""

    number: int
    """0 is the study as it is written."""
    outcome: Outcome
    used_s: float
    """Core time of all runs beyond the study as it is written, as their rows have it, whoever trained them."""
    suggestion: Suggestion | None
    """What to train next; None where runs are missing."""


@dataclass(frozen=True, kw_only=True)
class SequentialResult:
    """How the rounds ended."""

    study: Path
    """The study as it has grown, for every other command."""
    last: Iteration


def run_until(
    config: Path,
    aim: Target,
    workspace: Workspace | None = None,
    *,
    overrides: Sequence[str] = (),
    address: str | None = None,
    in_process: bool = False,
    console: Console | None = None,
    quiet: bool = False,
    told: Callable[[Iteration], None] = lambda round: None,
) -> SequentialResult:
    """Train a study, and then what is proposed for it, until every curve's interval is within the target or nothing affordable is left.

    Args:
        config: the study's YAML file.
        aim: what is wanted, and for how much.
        overrides: such as ``recipe.epochs=5``.
        address, in_process, console, quiet: as of ``run``.
        told: is told of each round when it has ended.

    Raises:
        UsageError: the study can't grow, or the file for the grown one can't be written.
        FitError: a curve has no law to plan from; the message says what to train first.
    """
    from scaling.plan.candidate_widths import curves

    workspace = workspace or Workspace()
    written = plan(config, workspace, overrides=overrides)
    file, found = workspace.artifacts / written.study.name / NAME, curves(written.study)
    if file.resolve() == config.resolve():
        raise UsageError(
            f"{config}: is where rounds write the grown study; copy it to another place to go on from it"
        )
    keys = read_file(config, overrides)
    cells, number = [cell for curve in found for cell in curve.cells], 0
    while True:
        _write(file, yaml_text(keys | {"architectures": architecture_entries(cells)}))
        outcome = run(file, workspace, address=address, in_process=in_process, console=console, quiet=quiet)
        made, runs = results(file, workspace)
        own = pa.array(
            [run.id for _, run in plan(config, workspace, overrides=overrides, trains=False).wanted],
            pa.string(),
        )
        known_s, used_s = (
            _actual_s(made, rows) for rows in (runs, runs.filter(pc.invert(pc.is_in(runs["id"], own))))
        )
        widest = [curve.widest for curve in found]
        suggestion = (
            None
            if outcome.missing
            else weigh(made, finals(made, runs), aim, widest=widest, used_s=used_s, at_once_s=known_s)
        )
        ended = Iteration(number=number, outcome=outcome, used_s=used_s, suggestion=suggestion)
        told(ended)
        if suggestion is None or not suggestion.core_s:
            return SequentialResult(study=file, last=ended)
        cells, number = suggestion.cells, number + 1


def _actual_s(made: Plan, runs: pa.Table) -> float:
    """Core time of some rows of a plan."""
    return fsum(timing.actual_s for timing in timings(made, runs))


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    except OSError as error:
        raise UsageError(
            f"{file}: can't be written ({error.strerror or error}); mend that, or work in another folder"
        ) from error
