"""The curves of a study, and other widths at which their networks could be trained."""

from __future__ import annotations

from dataclasses import dataclass

from scaling.config import Cell, Recipe, Study
from scaling.errors import UsageError
from scaling.fit.diagnosis.status import MIN_SPAN
from scaling.plan.memory import WORKER_BYTES, memory_bytes

_MAX_WIDTH_FACTOR = 4
"""Times the widest network of a study: beyond, its laws would be followed rather than tested."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """What of a study lies on one curve."""

    label: str
    cells: tuple[Cell, ...]
    """Each width once, with all seeds that the study has of it; by rising width."""

    @property
    def widest(self) -> int:
        return self.cells[-1].architecture.filters


def candidate_cells(curve: Curve, *, widest: int, memory_limit: float) -> list[Cell]:
    """Return cells without seeds at round widths between and beyond the widths of a curve.

    Narrower widths are proposed only if the curve does not span a decade. No width is proposed if the cells of the curve
    differ in more than their width, as with a learning rate given for each: the setting of a new cell is unknown then.
    Pilots would choose it.

    Args:
        curve: curve of the study.
        widest: number of filters of the curve's widest network, in the study as written.
        memory_limit: bytes that a pack and its worker may use.
    """
    shared = {
        (cell.architecture.with_filters(_MAX_WIDTH_FACTOR * widest), _written_recipe(cell))
        for cell in curve.cells
    }
    if len(shared) > 1:
        return []
    present = {cell.architecture.filters for cell in curve.cells}
    lowest = min(*present, max(1, int(widest / MIN_SPAN)))
    cells = (
        curve.cells[0].with_filters(filters)
        for filters in round_widths(lowest, _MAX_WIDTH_FACTOR * widest)
        if filters not in present
    )
    return [cell for cell in cells if WORKER_BYTES + memory_bytes(cell) <= memory_limit]


def _written_recipe(cell: Cell) -> tuple[Recipe, bool]:
    """What the file says of how it is trained."""
    return (cell.pilots[0] if cell.pilots else cell).recipe, bool(cell.pilots)


def curves(study: Study) -> list[Curve]:
    """The curves of a study, in the order of its file.

    Raises:
        UsageError: it is of several data sets, which no entry of ``architectures`` can tell apart.
    """
    kinds = list(dict.fromkeys(cell.dataset for cell in study.cells))
    if len(kinds) > 1:
        first, second = (kind.setting_values() for kind in kinds[:2])
        leaf = next(name for name in ("type", *first) if first[name] != second.get(name))
        way_out = f"take one value at a time, with --set dataset.{leaf}=..."
        raise UsageError(
            f"{study.source}: dataset.{leaf} is a grid, of which an architecture can't have a value of its own; {way_out}"
        )
    found: dict[str, dict[int, Cell]] = {}
    for cell, label in zip(study.cells, study.curve_labels(), strict=True):
        mine = found.setdefault(label, {})
        filters = cell.architecture.filters
        if filters not in mine or mine[filters].seeds < cell.seeds:
            mine[filters] = cell
    return [
        Curve(label=label, cells=tuple(mine[filters] for filters in sorted(mine)))
        for label, mine in found.items()
    ]


def round_widths(lowest: int, highest: int) -> list[int]:
    """1, 2, 3, 4, 6, 8, 12 and so on: powers of two, and three halves of them."""
    powers = [2**n for n in range(highest.bit_length())]
    return sorted(
        width for width in {*powers, *(3 * power for power in powers)} if lowest <= width <= highest
    )
