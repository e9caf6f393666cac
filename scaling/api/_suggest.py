"""What to train next: the runs that narrow what is wanted of each curve's law the most for their core time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import fsum, inf
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from scaling.api._load import CURVE
from scaling.api._plan import timings
from scaling.api._report import trained
from scaling.api._workspace import Workspace
from scaling.config import Cell
from scaling.config.yaml_file import architecture_entries, yaml_text
from scaling.errors import FitError, TableError, UsageError
from scaling.plan import Plan
from scaling.plan.packs import make_packs
from scaling.plan.schedule import memory_limit
from scaling.plan.time_estimate import pack_seconds

if TYPE_CHECKING:
    from scaling.fit import Fit, Proposal, SequentialDesign
    from scaling.plan.candidate_widths import Curve


@dataclass(frozen=True, kw_only=True)
class Target:
    """What is wanted of every curve of a study.

    Raises:
        UsageError: it can't be wanted.
    """

    target: float
    """Half width of a 95 % interval: of an exponent as it is, otherwise over the predicted error, so that 0.02 is 2 %."""
    of: str = "prediction@2x"
    """``exponent``, ``floor``, or ``prediction@2x``: the error at twice (or any times) the widest network of the study as it is written."""
    budget_s: float = inf
    """Core time for all runs that the study does not ask for as it is written."""

    def __post_init__(self) -> None:
        from scaling.fit import Quantity

        Quantity.parse(self.of, 1.0)
        if not 0 < self.target < inf:
            raise UsageError(
                f"the half width of {self.of} that is wanted must be above 0, such as 0.02, not {self.target:g}"
            )


@dataclass(frozen=True, kw_only=True)
class CurveSuggestion:
    """What to train next, on one curve."""

    label: str
    sizes: tuple[Cell, ...]
    """That can be trained, with the seeds that the study has of them; by rising width."""
    proposal: Proposal
    diverged: tuple[Cell, ...]
    """Widths of the study at which no run came to an error."""
    pace: float
    """What its packs have taken over what was estimated, and are taken to go on taking."""

    @property
    def cells(self) -> list[Cell]:
        """Of the study with what is proposed; by rising width."""
        grown = [
            replace(cell, seeds=seeds)
            for cell, seeds in zip(self.sizes, self.proposal.seeds, strict=True)
            if seeds
        ]
        return sorted([*grown, *self.diverged], key=_width)

    @property
    def core_s(self) -> float:
        """One core's time for what is proposed, as estimated."""
        return fsum(self.proposal.costs_s)


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """What to train next, of a study."""

    plan: Plan
    """Of the study as it is."""
    curves: tuple[CurveSuggestion, ...]

    @property
    def cells(self) -> list[Cell]:
        """Of the study with what is proposed, curve by curve."""
        return [cell for curve in self.curves for cell in curve.cells]

    @property
    def core_s(self) -> float:
        """One core's time for what is proposed, as estimated."""
        return fsum(curve.core_s for curve in self.curves)

    @property
    def reached(self) -> bool:
        """Whether every interval is within the target, of a law that can be tested."""
        return not self.core_s and all(
            curve.proposal.half_width <= curve.proposal.target for curve in self.curves
        )

    @property
    def patch(self) -> str:
        """The ``architectures`` with which the study has what is proposed, as YAML."""
        return yaml_text({"architectures": architecture_entries(self.cells)})


def suggest(
    config: Path, aim: Target, workspace: Workspace | None = None, *, overrides: Sequence[str] = ()
) -> Suggestion:
    """Propose runs for a study that has been trained as it is written.

    Args:
        config: the study's YAML file.
        aim: what is wanted, and for how much.
        overrides: such as ``recipe.epochs=5``.

    Raises:
        UsageError: some of its runs are not trained yet, or a curve can't grow by itself.
        FitError: a curve has no law to plan from; the message says what to train first.
    """
    from scaling.plan.candidate_widths import curves

    made, runs = trained(config, workspace or Workspace(), overrides)
    if left := made.new + made.pending:
        raise UsageError(
            f"{config}: {left} of {len(made.wanted) + made.pending} runs are not trained yet; first: scaling run {config}"
        )
    return weigh(made, runs, aim, widest=[curve.widest for curve in curves(made.study)])


def weigh(
    made: Plan,
    runs: pa.Table,
    aim: Target,
    *,
    widest: Sequence[int],
    used_s: float = 0.0,
    at_once_s: float = inf,
) -> Suggestion:
    """Propose runs for a plan of which all is done.

    Args:
        made: the study.
        runs: its rows, without those of pilots.
        aim: what is wanted.
        widest: network of each curve, of the study as it is written.
        used_s: of the budget.
        at_once_s: where so much is proposed, it is time to look again.
    """
    from scaling.fit import propose_runs
    from scaling.plan.candidate_widths import curves

    fits, paces, found = _fits(made, runs), _paces(made, runs), curves(made.study)
    growing = [
        _growing(made, curve, fits[curve.label], aim, most, paces[curve.label])
        for curve, most in zip(found, widest, strict=True)
    ]
    proposals = propose_runs(
        [each.design for each in growing], budget_s=aim.budget_s - used_s, stop_after_s=at_once_s
    )
    suggested = [
        CurveSuggestion(
            label=each.label, sizes=each.sizes, proposal=proposal, diverged=each.diverged, pace=each.pace
        )
        for each, proposal in zip(growing, proposals, strict=True)
    ]
    return Suggestion(plan=made, curves=tuple(suggested))


def _fits(made: Plan, runs: pa.Table) -> dict[str, Fit]:
    """By the label of the curve."""
    from scaling.fit import fit_table
    from scaling.fit.quantity import TRAIN_FIRST

    of_cell = {
        id(cell): label for cell, label in zip(made.study.cells, made.study.curve_labels(), strict=True)
    }
    of_run = {run.id: of_cell[id(cell)] for cell, run in made.study.final_runs()}
    table = runs.append_column(
        CURVE, pa.array([of_run[run_id] for run_id in runs["id"].to_pylist()], pa.string())
    )
    try:
        return {fit.group[CURVE]: fit for fit in fit_table(table, by=(CURVE,))}
    except (FitError, TableError) as error:  # no run has an error, say, because all diverged
        raise FitError(f"{error}; {TRAIN_FIRST}") from None


def _paces(made: Plan, runs: pa.Table) -> dict[str, float]:
    """Actual over estimated time, by the label of the curve: an estimate knows a machine's speed, but not what else it has to do."""
    estimated: defaultdict[str, float] = defaultdict(float)
    actual: defaultdict[str, float] = defaultdict(float)
    for row, timing in zip(made.rows(), timings(made, runs), strict=True):
        estimated[row.label] += timing.estimated_s
        actual[row.label] += timing.actual_s
    return {
        label: actual[label] / estimated_s if estimated_s and actual[label] else 1.0
        for label, estimated_s in estimated.items()
    }


@dataclass(frozen=True, kw_only=True)
class _Growing:
    """A curve with its design."""

    label: str
    sizes: tuple[Cell, ...]
    design: SequentialDesign
    diverged: tuple[Cell, ...]
    pace: float


def _growing(made: Plan, curve: Curve, fit: Fit, aim: Target, widest: int, pace: float) -> _Growing:
    from scaling.fit import CandidateSize, Quantity, SequentialDesign

    seen = set(fit.points.widths.tolist())
    own = [cell for cell in curve.cells if _width(cell) in seen]
    sizes = tuple(sorted([*own, *curve.further(widest, memory_limit(made.study.resources))], key=_width))
    blocks = [
        make_packs([(cell, cell.run(0))])[0] for cell in sizes
    ]  # whichever seeds of a block are wanted, it costs the same
    options = [
        CandidateSize(
            x=float(_width(cell)),
            existing_seeds=cell.seeds,
            block_size=block.size,
            block_cost_s=pace * pack_seconds(block, made.speed),
            setup_cost_s=pace * _pilots_s(cell, made),
        )
        for cell, block in zip(sizes, blocks, strict=True)
    ]
    design = SequentialDesign(fit, Quantity.parse(aim.of, float(widest)), target=aim.target, sizes=options)
    diverged = tuple(cell for cell in curve.cells if _width(cell) not in seen)
    return _Growing(label=curve.label, sizes=sizes, design=design, diverged=diverged, pace=pace)


def _pilots_s(cell: Cell, made: Plan) -> float:
    """Core time of what chooses its learning rate, if that is still to be chosen."""
    pilots = [
        (pilot, pilot.run(seed)) for pilot in cell.pilots if cell.pending for seed in range(pilot.seeds)
    ]
    return fsum(pack_seconds(each, made.speed) for each in make_packs(pilots))


def _width(cell: Cell) -> int:
    return cell.architecture.filters
