"""Seeds that cost nothing: a pack trains a whole block of seeds, although a study wants only some of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from scaling.plan.packs import Pack


@dataclass(frozen=True, kw_only=True)
class FreeSeeds:
    """Seeds that networks of one number of seeds could have at the same cost."""

    seeds: int
    """Number of seeds that the study wants of each network."""
    same_cost: int
    """Number of seeds that cost what these seeds cost."""
    networks: int
    """Number of networks."""

    @property
    def runs(self) -> int:
        """Number of runs that the networks would have in addition."""
        return (self.same_cost - self.seeds) * self.networks


def find_free_seeds(packs: Iterable[Pack]) -> list[FreeSeeds]:
    """Return the seeds that packs train and discard, by increasing numbers of seeds.

    Args:
        packs: packs that are still to be trained.
    """
    networks: Counter[tuple[int, int]] = Counter()
    for pack in packs:
        if pack.cell.is_pilot or pack.runs[0].pruning:
            continue
        end = (pack.runs[-1].seed // pack.size + 1) * pack.size
        if pack.cell.seeds < end:
            networks[pack.cell.seeds, end] += 1
    return [
        FreeSeeds(seeds=seeds, same_cost=end, networks=count)
        for (seeds, end), count in sorted(networks.items())
    ]
