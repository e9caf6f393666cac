"""Train a study in iterations until its laws are known well enough, or the budget is used up.

In each iteration, the study is trained and fitted, and then extended by the proposed runs. Only the store is
remembered. Each iteration follows from the rows of the iterations before, so that the same command repeats
the same iterations and trains only what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import fsum
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from rich.console import Console

from scaling.api._plan import plan
from scaling.api._results import StudyResults, load_results
from scaling.api._run import RunOutcome, RunStart, run
from scaling.api._status import compute_core_times
from scaling.api._suggest import Suggestion, suggest_runs
from scaling.api._target import Target
from scaling.api._workspace import Workspace
from scaling.config import Study, StudySource
from scaling.config.yaml_file import architecture_entries, read_settings, yaml_text
from scaling.errors import UsageError
from scaling.files import write_atomically, writing
from scaling.plan import Plan

_EXTENDED_STUDY = "until.yaml"
"""File name of the extended study in the study's folder of artifacts."""


@dataclass(frozen=True, kw_only=True)
class Iteration:
    """One iteration: training, and what to train next."""

    number: int
    """Number of the iteration; 0 trains the study as written."""
    outcome: RunOutcome
    extra_s: float
    """Recorded core time of all runs that the study as written does not contain, in seconds."""
    suggestion: Suggestion | None
    """What to train next; None if runs are missing."""


@dataclass(frozen=True, kw_only=True)
class SequentialResult:
    """Result of all iterations."""

    study: Path
    """YAML file of the extended study, for all other commands."""
    last: Iteration


def run_until(
    config: StudySource,
    target: Target,
    workspace: Workspace | None = None,
    *,
    overrides: Sequence[str] = (),
    address: str | None = None,
    in_process: bool = False,
    console: Console | None = None,
    quiet: bool = False,
    track: Sequence[str] = (),
    on_start: Callable[[RunStart], None] = lambda start: None,
    on_iteration: Callable[[Iteration], None] = lambda iteration: None,
) -> SequentialResult:
    """Train a study and the runs proposed for it, until all curves reach the target or the budget is used up.

    Args:
        config: YAML file of the study, or its settings.
        target: required precision, and the budget.
        workspace: stores and folders.
        overrides: changed settings, such as ``recipe.epochs=5``.
        address: address of a running Ray cluster; by default this machine trains (``resources.engine``).
        in_process: True to train without workers, one pack after the other.
        console: console for the progress display; by default stderr.
        quiet: True for no progress display.
        track: names of trackers that get a copy of each finished run.
        on_start: called before the first run is trained; not called if no run is missing.
        on_iteration: called at the end of each iteration.

    Raises:
        UsageError: the study cannot be extended, or the file of the extended study cannot be written.
        FitError: a curve has no law to plan from; the message says what to train first.
    """
    from scaling.sweep.shared_ray import shared_ray

    workspace = workspace or Workspace()
    study = plan(config, workspace, overrides=overrides).study
    extension = _Extension(
        config=config,
        overrides=overrides,
        workspace=workspace,
        target=target,
        file=_extended_file(study, workspace, config),
    )
    with shared_ray() as start_ray:
        train = partial(
            run,
            extension.file,
            workspace,
            address=address,
            in_process=in_process,
            console=console,
            quiet=quiet,
            track=track,
            start_ray=start_ray,
        )
        for iteration in extension.iterate(study, train, on_start):
            on_iteration(iteration)
    return SequentialResult(study=extension.file, last=iteration)


@dataclass(frozen=True, kw_only=True)
class _Extension:
    """A study that grows until it reaches a target."""

    config: StudySource
    """The study as written."""
    overrides: Sequence[str]
    workspace: Workspace
    target: Target
    file: Path
    """YAML file of the extended study."""

    def iterate(
        self, study: Study, train: Callable[..., RunOutcome], on_start: Callable[[RunStart], None]
    ) -> Iterator[Iteration]:
        """Train, fit and extend the study, and yield each iteration.

        Args:
            study: the study as written.
            train: trains the extended study.
            on_start: called before the first run is trained.
        """
        from scaling.plan.candidate_widths import extendable_curves

        keys = read_settings(self.config, self.overrides)
        written_curves = extendable_curves(study)
        widest = [curve.widest for curve in written_curves]
        cells, number = [cell for curve in written_curves for cell in curve.cells], 0
        while True:
            _write_study(self.file, keys | {"architectures": architecture_entries(cells)})
            outcome = train(on_start=on_start if number == 0 else lambda start: None)
            results = load_results(self.file, self.workspace)
            # Planned again in each iteration, because pilots may have chosen learning rates meanwhile.
            written = plan(self.config, self.workspace, overrides=self.overrides, trains=False)
            extra_s = _core_s(results, without=written)
            suggestion = None
            if not outcome.missing:
                suggestion = suggest_runs(
                    results, self.target, widest=widest, used_s=extra_s, round_s=_core_s(results)
                )
            yield Iteration(number=number, outcome=outcome, extra_s=extra_s, suggestion=suggestion)
            if suggestion is None or not suggestion.core_s:
                return
            cells, number = suggestion.cells, number + 1


def _extended_file(study: Study, workspace: Workspace, config: StudySource) -> Path:
    """Return the file of the extended study, which must not be the study's own file."""
    extended = workspace.artifacts / study.name / _EXTENDED_STUDY
    if isinstance(config, Path) and extended.resolve() == config.resolve():
        raise UsageError(
            f"{config}: this file is where the extended study is written; copy it and run the copy"
        )
    return extended


def _core_s(results: StudyResults, *, without: Plan | None = None) -> float:
    """Return the recorded core time of a study's runs, without the runs of another plan."""
    excluded = pa.array([run.id for _, run in without.wanted] if without else [], pa.string())
    runs = results.runs.filter(pc.invert(pc.is_in(results.runs["id"], excluded)))
    return fsum(time.actual_s for time in compute_core_times(results.plan, runs))


def _write_study(file: Path, keys: dict[str, object]) -> None:
    with writing(file, hint="free the path, or work in another folder"):
        write_atomically(file, yaml_text(keys).encode())
