"""Run a study: train the missing runs, and keep every finished run.

Pilot runs come first. Their choices are read from the store, as every other command does, so that an
interruption loses no choice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from rich.console import Console

from scaling.api._plan import plan
from scaling.api._sweep import Sweep, SweepCounts, show_stage
from scaling.api._tracking import TrackingOutcome, Trackings
from scaling.api._watch import LawWatch
from scaling.api._workspace import Workspace
from scaling.config import StudySource
from scaling.durations import format_duration
from scaling.plan import Plan
from scaling.store import find_similar_store

if TYPE_CHECKING:
    from scaling.sweep.shared_ray import StartRay


@dataclass(frozen=True, kw_only=True)
class RunOutcome(SweepCounts):
    """Outcome of running a study."""

    plan: Plan
    """Plan at the start."""
    latest_plan: Plan
    """Latest plan, with the learning rates that were chosen meanwhile."""
    diverged: int
    """Number of the runs that this sweep trained and that diverged, without pilot runs."""
    wall_s: float
    """Wall time in seconds."""
    tracking: tuple[TrackingOutcome, ...] = ()
    """What each tracker has got."""

    def __repr__(self) -> str:
        counts = {
            "trained here": self.trained,
            "trained by others": self.trained_by_others,
            "missing": self.missing,
            "diverged": self.diverged,
        }
        shown = ", ".join(f"{number} {what}" for what, number in counts.items() if number)
        return (
            f"<Run of {self.plan.study.name}: {shown or 'nothing to train'}; {format_duration(self.wall_s)}>"
        )


@dataclass(frozen=True, kw_only=True)
class RunStart:
    """State of a study and its store before the first run is trained."""

    plan: Plan
    """Plan at the start, with at least one run to train."""
    store_is_new: bool
    """True if the store, in which the runs will be published, holds no runs."""
    similar_store: Path | None
    """Folder with runs whose name is similar to that of a new store; None if there is none."""


def run(
    config: StudySource,
    workspace: Workspace | None = None,
    *,
    overrides: Sequence[str] = (),
    address: str | None = None,
    in_process: bool = False,
    console: Console | None = None,
    quiet: bool = False,
    watch: bool = False,
    track: Sequence[str] = (),
    start_ray: StartRay | None = None,
    on_start: Callable[[RunStart], None] = lambda start: None,
) -> RunOutcome:
    """Train the runs of a study that no store has: first the pilot runs, then the runs that wait for them.

    Args:
        config: YAML file of the study, or its settings.
        workspace: stores and folders.
        overrides: changed settings, such as ``recipe.epochs=5``.
        address: address of a running Ray cluster; by default this machine trains (``resources.engine``).
        in_process: True to train without workers, one pack after the other.
        console: console for the progress display; by default stderr.
        quiet: True for no progress display.
        watch: True to fit the laws while runs finish, and to show them with the progress.
        track: names of trackers that get a copy of each finished run.
        start_ray: function of ``shared_ray``, which keeps Ray for several calls; by default, Ray ends here.
        on_start: called before the first run is trained; not called if no run is missing.

    Raises:
        ConfigError: the study is invalid; nothing was trained.
        DataError: a data set is missing or damaged; nothing was trained.
        StoreError: the store cannot be written; nothing was trained.
        SweepError: worker processes cannot start, or Ray has died.
        UsageError: Ray cannot start, the workers cannot see the store, or Ray has no room for a single trial;
            or an optional package that an architecture or a tracker needs is missing.
    """
    workspace, start_s = workspace or Workspace(), monotonic()
    trains_here = address is None  # the nodes of a cluster have memory of their own
    make_plan = partial(plan, config, workspace, overrides=overrides, trains=trains_here)
    console = console or Console(stderr=True)
    with show_stage("planning", console, quiet=quiet):
        first_plan = make_plan()
    trackings = Trackings(track, first_plan.study, workspace)
    sweep = Sweep.create(
        workspace,
        first_plan.study.resources,
        wall_s=first_plan.schedule.wall_s,
        address=address,
        in_process=in_process,
        console=console,
        quiet=quiet,
        trackings=trackings,
        start_ray=start_ray,
    )
    laws = LawWatch(config, workspace, overrides=overrides).fit if watch else None
    with trackings:
        sweep.remove_leftovers()
        sweep.write_test_sets(first_plan)
        counts, latest_plan = _train(sweep, first_plan, make_plan, on_start, laws)
        tracking = trackings.finish(latest_plan.study, _finished_ids(latest_plan, workspace) if track else ())
    return RunOutcome(
        **vars(SweepCounts.total(counts, pending=latest_plan.pending)),
        plan=first_plan,
        latest_plan=latest_plan,
        diverged=_count_diverged(latest_plan.final_ids - first_plan.done, workspace) if counts else 0,
        wall_s=monotonic() - start_s,
        tracking=tracking,
    )


def _train(
    sweep: Sweep,
    first_plan: Plan,
    make_plan: Callable[[], Plan],
    on_start: Callable[[RunStart], None],
    watch: Callable[[], Sequence[str]] | None,
) -> tuple[list[SweepCounts], Plan]:
    """Train the missing runs, planning again while others wait for them; return counts and latest plan."""
    plan = first_plan
    if not plan.packs:
        return [], plan
    for pack in plan.packs:
        pack.cell.architecture.check_packages()
    start = _describe_start(plan, sweep.workspace)  # before the check, which creates the store
    sweep.prepare()
    on_start(start)
    counts: list[SweepCounts] = []
    started_keys: set[str] = set()
    with sweep.training((*plan.packs, *plan.pending_packs), plan.study, plan.speed) as training:
        while packs := [pack for pack in plan.packs if pack.key not in started_keys]:
            for pack in packs:
                pack.cell.architecture.check_packages()
            if sweep.trackings:
                sweep.trackings.add_study(plan.study)  # its pilot runs may have chosen learning rates
            later = plan.pending_packs
            name = _phase_name(number=len(counts) + 1, is_last=not later)
            counts.append(training.train([packs], name=name, later=later, watch=watch))
            started_keys |= {pack.key for pack in packs}
            if not later:
                break
            plan = make_plan()
    return counts, plan


def _phase_name(*, number: int, is_last: bool) -> str:
    """Return the name of a phase: pilot runs come before the runs that wait for them."""
    if is_last:
        return "training" if number == 1 else f"training, {number} of {number}"
    return f"pilots, {number} of {number + 1}"


def _describe_start(plan: Plan, workspace: Workspace) -> RunStart:
    store = workspace.stores().first
    is_new = not store.has_runs
    return RunStart(
        plan=plan, store_is_new=is_new, similar_store=find_similar_store(store) if is_new else None
    )


def _finished_ids(plan: Plan, workspace: Workspace) -> Set[str]:
    """Return the ids of a study's finished runs, without its pilot runs."""
    return plan.final_ids & workspace.stores().ids()


def _count_diverged(ids: Set[str], workspace: Workspace) -> int:
    """Return how many of some runs are stored as diverged."""
    runs = workspace.stores().runs(["id", "diverged"])
    trained = pc.is_in(runs["id"], pa.array(list(ids), pa.string()))
    return int(pc.sum(runs.filter(trained)["diverged"]).as_py() or 0)
