"""Ensembles of stored runs, as rows, as a table, and as text for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

import pyarrow as pa

from analysis.formatting import NO_VALUE, format_interval, format_status
from analysis.text_table import TextTable
from scaling.fit.ensemble import Ensemble, VotingRule


@dataclass(frozen=True, kw_only=True)
class EnsemblePool:
    """Runs from which the members of ensembles are drawn, and the errors of these ensembles."""

    selection: Mapping[str, str]
    """Columns and values that the runs share: ``{"group": "tree3", "filters": "6"}``."""
    filters: list[int]
    """Widths of the runs."""
    parameters: float
    """Mean number of parameters of a run."""
    macs: float
    """Mean number of multiply-adds of a run, in a forward pass of one image."""
    test_images: int
    dataset_title: str
    ensembles: tuple[Ensemble, ...]

    @property
    def curve(self) -> str:
        """Label without the filters."""
        return ", ".join(value for name, value in self.selection.items() if name != "filters") or "all"

    @property
    def label(self) -> str:
        """Values that the runs share, as text."""
        values = (
            f"filters {value}" if name == "filters" else value for name, value in self.selection.items()
        )
        return ", ".join(values) or "all"


def ensemble_rows(pools: Sequence[EnsemblePool]) -> list[dict[str, object]]:
    """Return one row for each pool, rule and number of members; parameters and MACs are sums over members."""
    return [
        {
            "label": pool.label,
            "curve": pool.curve,
            "filters": pool.filters[0] if len(pool.filters) == 1 else None,
            "rule": ensemble.rule.value,
            "members": ensemble.members,
            "error": ensemble.error.estimate,
            "low": ensemble.error.low,
            "high": ensemble.error.high,
            "ratio_to_single": ensemble.ratio_to_single.estimate,
            "ratio_to_single_low": ensemble.ratio_to_single.low,
            "ratio_to_single_high": ensemble.ratio_to_single.high,
            "parameters": round(pool.parameters * ensemble.members),
            "macs": round(pool.macs * ensemble.members),
            "runs": ensemble.runs,
            "combinations": ensemble.combinations,
            "status": ensemble.status.value,
            "reason": ensemble.reason,
        }
        for pool in pools
        for ensemble in pool.ensembles
    ]


def ensemble_table(pools: Sequence[EnsemblePool]) -> pa.Table:
    """Return the rows as a table, with null for numbers that do not exist."""
    rows = [
        {
            name: None if isinstance(value, float) and not isfinite(value) else value
            for name, value in row.items()
        }
        for row in ensemble_rows(pools)
    ]
    return pa.Table.from_pylist(rows)


def render_ensembles(pools: Sequence[EnsemblePool]) -> TextTable:
    """Return a table for the terminal, one row for each pool and number of members."""
    rows = []
    for pool in pools:
        by_mean, by_votes = (
            [ensemble for ensemble in pool.ensembles if ensemble.rule is rule] for rule in VotingRule
        )
        for mean, votes in zip(by_mean, by_votes, strict=True):
            rows.append(
                (
                    pool.label,
                    f"{mean.members} of {mean.runs}",
                    format_interval(mean.error, percent=True),
                    format_interval(mean.ratio_to_single) if mean.members > 1 else NO_VALUE,
                    format_interval(votes.error, percent=True),
                    f"{pool.parameters * mean.members:,.0f}",
                    f"{pool.macs * mean.members:,.0f}",
                    f"{mean.combinations:,}" + ("" if mean.is_exhaustive else " sampled"),
                    format_status(mean.status, mean.reason),
                )
            )
    columns = (
        "runs",
        "members",
        "error, mean prob.",
        "ratio to one",
        "error, votes",
        "parameters",
        "MACs",
        "combinations",
        "status",
    )
    return TextTable(
        title=f"Ensembles on the {pools[0].test_images:,} test images of {pools[0].dataset_title}",
        caption=(
            "Expected error over members drawn from the population of seeds, on this test set; jackknife 95 %"
            " intervals over runs. Ties between votes go to the higher mean probability."
        ),
        columns=columns,
        rows=tuple(rows),
        right=frozenset({"members", "parameters", "MACs", "combinations"}),
    )
