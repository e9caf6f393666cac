"""Ensembles of stored runs, as rows and as a table for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import pyarrow as pa
from rich.markup import escape
from rich.table import Table

from analysis.formatting import format_interval
from analysis.laws_text import COLORS
from scaling.fit import Interval
from scaling.fit.ensemble import Ensemble, VotingRule


@dataclass(frozen=True, kw_only=True)
class EnsemblePool:
    """Runs that members are drawn from, and what their ensembles err."""

    group: dict[str, str]
    """What they have in common: ``{"group": "tree3", "filters": "6"}``."""
    filters: list[int]
    """All that occur."""
    parameters: float
    """Of one run, on average."""
    macs: float
    """Of a forward pass of one image through one run, on average."""
    images: int
    """Test images."""
    title: str
    """The data set."""
    ensembles: tuple[Ensemble, ...]

    @property
    def curve(self) -> str:
        """The label without the filters, which a curve lies along."""
        return ", ".join(value for name, value in self.group.items() if name != "filters") or "all"

    @property
    def label(self) -> str:
        return (
            ", ".join(
                f"filters {value}" if name == "filters" else value for name, value in self.group.items()
            )
            or "all"
        )


def ensemble_rows(pools: Sequence[EnsemblePool]) -> list[dict[str, object]]:
    """One a pool, rule and number of members; the totals are those of all members together."""
    return [
        {
            "label": pool.label,
            "curve": pool.curve,
            "filters": pool.filters[0] if len(pool.filters) == 1 else None,
            "rule": each.rule.value,
            "members": each.members,
            "error": each.error.estimate,
            "low": each.error.low,
            "high": each.error.high,
            "ratio_to_single": each.ratio_to_single.estimate,
            "ratio_to_single_low": each.ratio_to_single.low,
            "ratio_to_single_high": each.ratio_to_single.high,
            "parameters": round(pool.parameters * each.members),
            "macs": round(pool.macs * each.members),
            "runs": each.runs,
            "combinations": each.combinations,
            "status": each.status.value,
            "reason": each.reason,
        }
        for pool in pools
        for each in pool.ensembles
    ]


def ensemble_table(pools: Sequence[EnsemblePool]) -> pa.Table:
    """The same, for a file; what is not known is empty."""
    found = [
        {
            name: None if isinstance(value, float) and not isfinite(value) else value
            for name, value in row.items()
        }
        for row in ensemble_rows(pools)
    ]
    return pa.Table.from_pylist(found)


def render_ensembles(pools: Sequence[EnsemblePool]) -> Table:
    """For the terminal."""
    table = Table(
        title=f"ensembles on the {pools[0].images:,} test images of {pools[0].title}",
        caption="expected error over draws of members from the population of seeds, on this test set, with 95 % intervals jackknifed over "
        "runs; equal votes go to the higher mean probability",
    )
    for name in (
        "runs",
        "members",
        "by mean probability",
        "over one",
        "by votes",
        "parameters",
        "MACs",
        "choices",
        "status",
    ):
        table.add_column(
            name,
            justify="right" if name in ("members", "parameters", "MACs", "choices") else "left",
            no_wrap=name != "status",
        )
    for pool in pools:
        by_mean, by_votes = ([each for each in pool.ensembles if each.rule is rule] for rule in VotingRule)
        for mean, votes in zip(by_mean, by_votes, strict=True):
            status = f"[{COLORS[mean.status]}]{mean.status}[/]" + (
                f": {escape(mean.reason)}" if mean.reason else ""
            )
            table.add_row(
                escape(pool.label),
                f"{mean.members} of {mean.runs}",
                escape(_told(mean.error, unit=0.01) + " %"),
                escape(_told(mean.ratio_to_single)) if mean.members > 1 else "–",
                escape(_told(votes.error, unit=0.01) + " %"),
                f"{pool.parameters * mean.members:,.0f}",
                f"{pool.macs * mean.members:,.0f}",
                f"{mean.combinations:,}" + ("" if mean.is_exhaustive else " drawn"),
                status,
            )
    return table


def _told(value: Interval, *, unit: float = 1.0) -> str:
    return format_interval(value, unit=unit) if isfinite(value.high) else f"{value.estimate / unit:.3g}"
