"""``scaling suggest``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from scaling import api
from scaling.api._target import DEFAULT_QUANTITY
from scaling.cli.options import (
    STORE,
    Also,
    Budget,
    Config,
    Data,
    Json,
    Overrides,
    Quantity,
    Store,
    parse_budget,
    workspace,
)
from scaling.cli.output import new_table, print_json, print_table, print_text
from scaling.cli.store_damage import with_damage
from scaling.durations import format_duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.table import Table

    from scaling.api import CurveSuggestion, Suggestion
    from scaling.config import Cell


def suggest(
    config: Config,
    *,
    until: Annotated[
        float,
        typer.Option(
            metavar="HALF-WIDTH",
            help="Half width of the 95 % interval: absolute for an exponent, otherwise relative to the "
            "predicted error (0.02 is 2 %).",
        ),
    ],
    quantity: Quantity = DEFAULT_QUANTITY,
    budget: Budget = "",
    set_: Overrides = [],
    store: Store = STORE,
    also: Also = [],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Propose the runs that narrow an interval at the lowest cost.

    Prints a table, and the architectures as YAML to paste into the study.
    """
    target = api.Target(half_width=until, quantity=quantity, budget_s=parse_budget(budget))
    suggestion = api.suggest(config, target, workspace(store, also, data), overrides=set_)
    if as_json:
        print_json(with_damage(_suggestion_dict(suggestion) | {"quantity": quantity, "target": until}))
        return
    print_table(_table(suggestion, target))
    if not suggestion.core_s:
        print_text(
            "every interval is within the target: nothing to train"
            if suggestion.is_reached
            else "no run that would help is within the budget and the memory"
        )
        return
    if first := [curve.label for curve in suggestion.curves if not curve.has_law]:
        print_text(
            f"too few widths or seeds for a law of {', '.join(first)}: the runs that a law needs come first;"
            " ask again when they are trained"
        )
    short = [
        curve.label
        for curve in suggestion.curves
        if curve.has_law and curve.proposal.expected_half_width > until
    ]
    if short:
        print_text(f"not within the target even with these runs: {', '.join(short)}")
    print_text(f"about {format_duration(suggestion.core_s)} of core time; the study with these runs:")
    print_text()
    print_text(suggestion.patch, end="")


def _table(suggestion: Suggestion, target: api.Target) -> Table:
    table = new_table(
        *("curve", "filters", "seeds now", "seeds proposed", "core time", "half width now", "expected"),
        title=f"{suggestion.plan.study.name}: 95 % half width of {target.quantity}, "
        f"target {target.half_width:g}",
    )
    for curve in suggestion.curves:
        widths = (curve.proposal.half_width, curve.proposal.expected_half_width)
        half_widths = [f"{width:.3g}" if curve.has_law else "no law yet" for width in widths]
        rows = [
            (str(cell.architecture.filters), str(cell.seeds), str(seeds), format_duration(cost_s))
            for cell, seeds, cost_s in _proposed(curve)
        ]
        for index, row in enumerate(rows or [("–", "", "", "")]):
            table.add_row(curve.label, *row, *(half_widths if index == 0 else ()))
    return table


def _proposed(curve: CurveSuggestion) -> Iterator[tuple[Cell, int, float]]:
    """Return each cell that gets more seeds, its number of seeds then, and the core time of the new runs."""
    rows = zip(curve.candidates, curve.proposal.seeds, curve.proposal.costs_s, strict=True)
    return ((cell, seeds, cost_s) for cell, seeds, cost_s in rows if cost_s)


def _suggestion_dict(suggestion: Suggestion) -> dict[str, object]:
    return {
        "study": suggestion.plan.study.name,
        "reached": suggestion.is_reached,
        "core_s": suggestion.core_s,
        "curves": [
            {
                "label": curve.label,
                "half_width": curve.proposal.half_width,
                "expected": curve.proposal.expected_half_width,
                "core_s": curve.core_s,
                "runs": [
                    {
                        "filters": cell.architecture.filters,
                        "seeds_now": cell.seeds,
                        "seeds": seeds,
                        "core_s": cost_s,
                    }
                    for cell, seeds, cost_s in _proposed(curve)
                ],
            }
            for curve in suggestion.curves
        ],
        "patch": suggestion.patch,
    }
