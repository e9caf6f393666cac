"""Candidate widths: numbers of filters at which a curve of a study could get further networks."""

from __future__ import annotations

from collections.abc import Sequence

from scaling.config import Cell, Recipe, Study
from scaling.config.study_curves import StudyCurve, study_curves
from scaling.errors import UsageError
from scaling.fit.diagnosis.status import MIN_SPAN
from scaling.plan.memory import WORKER_BYTES, memory_bytes

_MAX_WIDTH_FACTOR = 4
"""Largest candidate width over the largest width of the study.

Beyond this factor, the proposal would rely on extrapolation.
"""


def extendable_curves(study: Study) -> list[StudyCurve]:
    """Return the curves of a study to which single networks can be added, in the order of its file.

    A classifier that is fitted in one go has no width, and thus no curve.

    Raises:
        UsageError: the study has several data sets, and no entry of ``architectures`` can have one of its
            own; or no architecture has a width.
    """
    datasets = list(dict.fromkeys(cell.dataset for cell in study.cells))
    if len(datasets) > 1:
        first, second = (dataset.setting_values() for dataset in datasets[:2])
        setting = next(name for name in ("type", *first) if first[name] != second.get(name))
        raise UsageError(
            f"{study.source}: dataset.{setting} has several values; runs can be proposed for one data set"
            f" only; set one with `overrides` dataset.{setting}=..."
        )
    curves = [curve for curve in study_curves(study) if curve.cells[0].architecture.has_widths]
    if not curves:
        raise UsageError(
            f"{study.source}: no architecture has a width, so no runs can be proposed; add a network to"
            " `architectures`"
        )
    return curves


def candidate_cells(curve: StudyCurve, *, widest: int, memory_limit: float) -> list[Cell]:
    """Return cells without seeds at round widths between and beyond the widths of a curve.

    Narrower widths are candidates only if the curve does not span a decade. There are no candidates if the
    cells of the curve differ in more than their width, for example in a learning rate given for each: then
    the setting of a new cell is unknown. Pilot runs would choose it.

    Args:
        curve: curve of the study.
        widest: number of filters of the curve's widest network, in the study as written.
        memory_limit: bytes that a pack and its worker may use.
    """
    limit = _MAX_WIDTH_FACTOR * widest
    if not differ_in_width_only(curve.cells, limit):
        return []
    present = {cell.architecture.filters for cell in curve.cells}
    lowest = min(*present, max(1, int(widest / MIN_SPAN)))
    cells = (
        curve.cells[0].with_filters(filters)
        for filters in round_widths(lowest, limit)
        if filters not in present and filters % curve.cells[0].architecture.filter_step == 0
    )
    return [cell for cell in cells if WORKER_BYTES + memory_bytes(cell) <= memory_limit]


def differ_in_width_only(cells: Sequence[Cell], filters: int) -> bool:
    """Return whether the cells of a curve would be the same cell if they had the same width.

    Then the settings of a further width are known. Pilot runs may choose its learning rate.

    Args:
        cells: cells of one curve.
        filters: this width.
    """
    return len({(cell.architecture.with_filters(filters), *_written_recipe(cell)) for cell in cells}) == 1


def _written_recipe(cell: Cell) -> tuple[Recipe, bool]:
    """Return the recipe in the study's file, and whether pilot runs choose its learning rate."""
    return (cell.pilots[0] if cell.pilots else cell).recipe, bool(cell.pilots)


def round_widths(lowest: int, highest: int) -> list[int]:
    """Return the widths 1, 2, 3, 4, 6, 8, 12 and so on: powers of two, and three times powers of two."""
    powers = [2**n for n in range(highest.bit_length())]
    return sorted(
        width for width in {*powers, *(3 * power for power in powers)} if lowest <= width <= highest
    )
