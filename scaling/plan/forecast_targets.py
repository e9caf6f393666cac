"""Targets of a forecast: the networks beyond the fitted widths of a curve, and how they are trained."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace

from scaling.config import Cell, Study
from scaling.config.cell_index import SEED_AND_ORDER
from scaling.config.overrides import Override
from scaling.config.recipe_merge import is_overridden
from scaling.config.study_curves import StudyCurve
from scaling.config.yaml_file import architecture_entries
from scaling.errors import UsageError
from scaling.plan.candidate_widths import differ_in_width_only
from scaling.plan.forecast import TargetCell

_REPLACED_SECTIONS = ("architectures", "seeds")
"""Sections of a study that the entries of the targets replace."""


def target_cell(curve: StudyCurve, filters: int) -> Cell:
    """Return the cell of a curve at a width, whether the study has the width or not.

    A new cell has as many seeds as the widest cell of the curve.

    Args:
        curve: curve of a study.
        filters: number of filters.

    Raises:
        UsageError: the curve does not determine the cell, or the architecture has no such network.
    """
    if present := next((cell for cell in curve.cells if cell.architecture.filters == filters), None):
        return present
    if not differ_in_width_only(curve.cells, filters):
        raise UsageError(
            f"{filters}: the networks of {curve.label} differ in more than their width, so the settings of "
            "another width are unknown; add this width to the study",
            option="at",
        )
    first = curve.cells[0]
    if filters % first.architecture.filter_step:
        raise UsageError(
            f"{filters}: the filters of {curve.label} are multiples of {first.architecture.filter_step}",
            option="at",
        )
    cell = first.with_filters(filters, seeds=curve.cells[-1].seeds)
    if problem := cell.architecture.problem(cell.info.image):
        raise UsageError(f"{filters}: {problem.text} ({curve.label})", option="at")
    return cell


def candidate_runs(cell: Cell) -> tuple[TargetCell, ...]:
    """Return the runs of a cell; with pilot runs, at each of the learning rates that they choose from.

    Args:
        cell: cell of a study, with or without a chosen learning rate.
    """
    if not cell.pilots:
        return (_target_cell(cell),)
    return tuple(
        _target_cell(
            replace(
                cell,
                recipe=cell.recipe.model_copy(update={"learning_rate": pilot.recipe.learning_rate}),
            ),
            pilot_ids=[pilot.run(seed).id for seed in range(pilot.seeds)],
        )
        for pilot in cell.pilots
    )


def _target_cell(cell: Cell, pilot_ids: Sequence[str] = ()) -> TargetCell:
    runs = [cell.run(seed) for seed in range(cell.seeds)]
    return TargetCell(
        learning_rate=cell.recipe.learning_rate,
        identity=re.sub(SEED_AND_ORDER, "", runs[0].config_json),
        run_ids=tuple(run.id for run in runs),
        pilot_ids=tuple(pilot_ids),
    )


def training_overrides(study: Study, targets: Sequence[Cell], overrides: Sequence[str]) -> tuple[str, ...]:
    """Return the overrides of a study with which its run trains the targets.

    Args:
        study: the study.
        targets: cells of the targets.
        overrides: overrides with which the study was loaded.

    Returns:
        The same overrides if the study has all targets; otherwise overrides by which it has only the targets.
    """
    own = {cell.key for cell in study.cells}
    if all(cell.key in own for cell in targets):
        return tuple(overrides)
    entries = architecture_entries(
        replace(cell, entry={**cell.entry, "filters": cell.architecture.filters}) for cell in targets
    )
    kept = [text for text in overrides if _is_used(Override.parse(text).parts, entries)]
    return (*kept, f"architectures={json.dumps(entries)}")


def _is_used(path: Sequence[str], entries: Sequence[dict[str, object]]) -> bool:
    """Return whether a study with these architectures uses an override of a path.

    A study refuses an override that no run uses. The entries contain what they need of it.
    """
    section, *setting = path
    if section in _REPLACED_SECTIONS:
        return False
    recipes = [entry.get("recipe", {}) for entry in entries]
    return (
        section != "recipe"
        or not setting
        or not all(
            isinstance(recipe, dict) and is_overridden(tuple(setting), base={}, override=recipe)
            for recipe in recipes
        )
    )
