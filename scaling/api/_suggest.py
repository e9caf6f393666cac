"""Suggest what to train next: the runs that narrow the interval of each curve most for their core time."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import fsum, inf, isfinite
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from scaling.api._load import CURVE_COLUMN
from scaling.api._results import StudyResults, load_trained, untrained
from scaling.api._status import compute_core_times
from scaling.api._target import Target
from scaling.api._workspace import Workspace
from scaling.config import Cell, CellRun, StudySource
from scaling.config.yaml_file import architecture_entries, yaml_text
from scaling.errors import FitError, TableError, UsageError
from scaling.plan import Plan
from scaling.plan.packs import make_packs
from scaling.plan.sweep_schedule import memory_limit
from scaling.plan.time_estimate import pack_seconds

if TYPE_CHECKING:
    from scaling.config.study_curves import StudyCurve
    from scaling.fit import BlockDesign, CandidateSize, Fit, Proposal, Quantity


@dataclass(frozen=True, kw_only=True)
class CurveSuggestion:
    """Runs to train next on one curve."""

    label: str
    candidates: tuple[Cell, ...]
    """Cells that can be trained, by increasing width, with the seeds that the study has of each."""
    proposal: Proposal
    diverged: tuple[Cell, ...]
    """Cells of the study of which every run diverged."""
    time_ratio: float
    """Actual over estimated time of the curve's finished packs, by which all estimates are multiplied."""

    @property
    def cells(self) -> list[Cell]:
        """Cells of the study with the proposed runs, by increasing width."""
        extended = [
            replace(cell, seeds=seeds)
            for cell, seeds in zip(self.candidates, self.proposal.seeds, strict=True)
            if seeds
        ]
        return sorted([*extended, *self.diverged], key=_width)

    @property
    def core_s(self) -> float:
        """Estimated core time of the proposed runs, in seconds."""
        return fsum(self.proposal.costs_s)

    @property
    def has_law(self) -> bool:
        """False if the curve has too few widths or seeds for a law: the runs that one needs come first."""
        return isfinite(self.proposal.half_width)


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """Runs to train next in a study."""

    plan: Plan
    """Plan of the study as it is."""
    curves: tuple[CurveSuggestion, ...]

    @property
    def cells(self) -> list[Cell]:
        """Cells of the study with the proposed runs, curve by curve."""
        return [cell for curve in self.curves for cell in curve.cells]

    @property
    def core_s(self) -> float:
        """Estimated core time of the proposed runs, in seconds."""
        return fsum(curve.core_s for curve in self.curves)

    @property
    def is_reached(self) -> bool:
        """True if every curve has a testable law whose interval is within the target."""
        return not self.core_s and all(
            curve.proposal.half_width <= curve.proposal.target for curve in self.curves
        )

    @property
    def patch(self) -> str:
        """YAML of the study's ``architectures`` with the proposed runs."""
        return yaml_text({"architectures": architecture_entries(self.cells)})


def suggest(
    config: StudySource, target: Target, workspace: Workspace | None = None, *, overrides: Sequence[str] = ()
) -> Suggestion:
    """Propose further runs for a study of which all runs are trained.

    Args:
        config: YAML file of the study, or its settings.
        target: required precision, and the budget.
        workspace: stores and folders.
        overrides: changed settings, such as ``recipe.epochs=5``.

    Raises:
        UsageError: some runs of the study are not trained yet, or the study has several data sets.
        FitError: a curve has no law to plan from; the message says what to train first.
    """
    from scaling.plan.candidate_widths import extendable_curves

    results = load_trained(config, workspace or Workspace(), overrides=overrides)
    plan = results.plan
    if missing := plan.new + plan.pending:
        total = len(plan.wanted) + plan.pending
        raise untrained(f"{config}: {missing} of {total} runs are not trained yet", config, UsageError)
    return suggest_runs(results, target, widest=[curve.widest for curve in extendable_curves(plan.study)])


def suggest_runs(
    results: StudyResults,
    target: Target,
    *,
    widest: Sequence[int],
    used_s: float = 0.0,
    round_s: float = inf,
) -> Suggestion:
    """Propose further runs for a study of which all runs are trained.

    Args:
        results: plan and runs of the study.
        target: required precision, and the budget.
        widest: number of filters of the widest network of each curve, in the study as written.
        used_s: core time of the budget that is used already, in seconds.
        round_s: core time after which no more runs are added to this proposal, in seconds.
    """
    from scaling.fit import propose_runs
    from scaling.plan.candidate_widths import extendable_curves

    runs, time_ratios = label_runs(results), _compute_time_ratios(results)
    try:
        fits = fit_curves(runs)
    except FitError:
        fits = {}  # the first runs of a law are proposed, or the reason is found curve by curve
    designs = [
        _design_curve(
            results.plan,
            curve,
            fit=fits.get(curve.label),
            runs_by_width=_count_runs(runs, curve.label),
            target=target,
            widest=widest_filters,
            time_ratio=time_ratios[curve.label],
        )
        for curve, widest_filters in zip(extendable_curves(results.plan.study), widest, strict=True)
    ]
    proposals = propose_runs(
        [curve.design for curve in designs], budget_s=target.budget_s - used_s, stop_after_s=round_s
    )
    suggestions = [
        CurveSuggestion(
            label=curve.label,
            candidates=curve.candidates,
            proposal=proposal,
            diverged=curve.diverged,
            time_ratio=curve.time_ratio,
        )
        for curve, proposal in zip(designs, proposals, strict=True)
    ]
    return Suggestion(plan=results.plan, curves=tuple(suggestions))


def label_runs(results: StudyResults) -> pa.Table:
    """Return the final runs of a study with the label of their curve along the width."""
    study, runs = results.plan.study, results.final_runs
    cell_labels = {cell.key: label for cell, label in zip(study.cells, study.curve_labels(), strict=True)}
    run_labels = {run.id: cell_labels[cell.key] for cell, run in study.final_runs()}
    labels = pa.array([run_labels[run_id] for run_id in runs["id"].to_pylist()], pa.string())
    return runs.append_column(CURVE_COLUMN, labels)


def fit_curves(runs: pa.Table) -> dict[str, Fit]:
    """Return the fit of each curve by its label.

    Args:
        runs: runs as ``label_runs`` returns them.

    Raises:
        FitError: no curve can be fitted; the message says what to train first.
    """
    from scaling.fit import fit_table
    from scaling.fit.quantity import TRAIN_FIRST

    try:
        fits = fit_table(runs, by=(CURVE_COLUMN,))
    except (FitError, TableError) as error:  # for example, no run has an error because all diverged
        raise FitError(f"{error}; {TRAIN_FIRST}") from None
    return {fit.group[CURVE_COLUMN]: fit for fit in fits}


def _compute_time_ratios(results: StudyResults) -> dict[str, float]:
    """Return actual over estimated time by the label of the curve.

    An estimate depends on the speed of a machine and does not include other load on the machine.
    """
    estimated: defaultdict[str, float] = defaultdict(float)
    actual: defaultdict[str, float] = defaultdict(float)
    core_times = compute_core_times(results.plan, results.runs)
    for row, time in zip(results.plan.rows(), core_times, strict=True):
        estimated[row.label] += time.estimated_s
        actual[row.label] += time.actual_s
    return {
        label: actual[label] / estimated_s if estimated_s and actual[label] else 1.0
        for label, estimated_s in estimated.items()
    }


@dataclass(frozen=True, kw_only=True)
class _CurveDesign:
    """Design of one curve, before runs are proposed."""

    label: str
    candidates: tuple[Cell, ...]
    design: BlockDesign
    diverged: tuple[Cell, ...]
    time_ratio: float


def _design_curve(
    plan: Plan,
    curve: StudyCurve,
    *,
    fit: Fit | None,
    runs_by_width: Mapping[int, int],
    target: Target,
    widest: int,
    time_ratio: float,
) -> _CurveDesign:
    from scaling.fit import CandidateSize, Quantity
    from scaling.plan.candidate_widths import candidate_cells

    fitted = [cell for cell in curve.cells if _width(cell) in runs_by_width]
    new = candidate_cells(curve, widest=widest, memory_limit=memory_limit(plan.study.resources))
    candidates = tuple(sorted([*fitted, *new], key=_width))
    # A block of seeds has the same cost for any of its seeds.
    blocks = [make_packs([CellRun(cell, cell.run(0))])[0] for cell in candidates]
    sizes = [
        CandidateSize(
            x=float(_width(cell)),
            existing_seeds=cell.seeds,
            block_size=block.size,
            block_cost_s=time_ratio * pack_seconds(block, plan.speed),
            setup_cost_s=time_ratio * _pilots_s(cell, plan),
        )
        for cell, block in zip(candidates, blocks, strict=True)
    ]
    return _CurveDesign(
        label=curve.label,
        candidates=candidates,
        design=_choose_design(
            curve.label,
            fit,
            sizes,
            runs=[runs_by_width.get(_width(cell), 0) for cell in candidates],
            quantity=Quantity.parse(target.quantity, float(widest)),
            target=target.half_width,
        ),
        diverged=tuple(cell for cell in curve.cells if _width(cell) not in runs_by_width),
        time_ratio=time_ratio,
    )


def _choose_design(
    label: str,
    fit: Fit | None,
    sizes: Sequence[CandidateSize],
    *,
    runs: Sequence[int],
    quantity: Quantity,
    target: float,
) -> BlockDesign:
    """Return the design from the curve's law, or that of its first runs if they are too few for a law.

    Raises:
        FitError: the runs can test a law, and have none from which more can be planned.
    """
    from scaling.fit import FirstDesign, SequentialDesign
    from scaling.fit.quantity import TRAIN_FIRST

    try:
        if fit is None:
            raise FitError(f"{label}: has no law to plan from; {TRAIN_FIRST}")
        return SequentialDesign(fit, quantity, target=target, sizes=sizes)
    except FitError:
        first = FirstDesign(label, sizes, runs, target=target)
        if first.is_testable:
            raise
        return first


def _count_runs(runs: pa.Table, label: str) -> dict[int, int]:
    """Return the number of runs of a curve with an error, by width."""
    is_counted = pc.and_(pc.equal(runs[CURVE_COLUMN], label), pc.is_finite(runs["test_error"]))
    return Counter(runs.filter(pc.fill_null(is_counted, False))["filters"].to_pylist())


def _pilots_s(cell: Cell, plan: Plan) -> float:
    """Return the estimated core time of the pilot runs that a cell still needs, in seconds."""
    if not cell.pending:
        return 0.0
    pilots = [CellRun(pilot, pilot.run(seed)) for pilot in cell.pilots for seed in range(pilot.seeds)]
    return fsum(pack_seconds(pack, plan.speed) for pack in make_packs(pilots))


def _width(cell: Cell) -> int:
    return cell.architecture.filters
