"""The curves of a study, and other widths at which their networks could be trained."""

from __future__ import annotations

from dataclasses import dataclass

from scaling.config import Cell, Recipe, Study
from scaling.errors import UsageError
from scaling.fit.diagnosis.status import SPAN
from scaling.plan.memory import WORKER_BYTES, memory_bytes

FURTHEST = 4
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

    def further(self, widest: int, limit: float) -> list[Cell]:
        """Round widths between those of the curve and beyond, as cells without seeds.

        Narrower ones are among them only where the curve does not span a decade. There are none at all where its networks differ in more
        than their width, as with a learning rate that was given to each: nobody knows what a new one should have. Pilots would choose it.

        Args:
            widest: network of the curve in the study as it is written.
            limit: bytes that a pack and its worker may hold.
        """
        if (
            len({(cell.architecture.with_filters(FURTHEST * widest), _given(cell)) for cell in self.cells})
            > 1
        ):
            return []
        there = {cell.architecture.filters for cell in self.cells}
        lowest = min(*there, max(1, int(widest / SPAN)))
        found = (
            self.cells[0].with_filters(filters)
            for filters in round_widths(lowest, FURTHEST * widest)
            if filters not in there
        )
        return [cell for cell in found if WORKER_BYTES + memory_bytes(cell) <= limit]


def _given(cell: Cell) -> tuple[Recipe, bool]:
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
