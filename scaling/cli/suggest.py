"""suggest."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from scaling import api
from scaling.cli.options import (
    STORE,
    Also,
    Budget,
    Config,
    Data,
    Json,
    Of,
    Overrides,
    Store,
    budget_s,
    console,
    workspace,
)
from scaling.durations import format_duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scaling.api import CurveSuggestion, Suggestion
    from scaling.config import Cell


def suggest(
    config: Config,
    *,
    target: Annotated[
        float,
        typer.Option(
            help="Half width of the 95 % interval: of an exponent as it is, else over the predicted error (0.02 is 2 %)."
        ),
    ],
    of: Of = "prediction@2x",
    budget: Budget = "",
    set_: Overrides = [],
    store: Store = STORE,
    also: Also = [],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Propose the next runs worth their cost, as a table and as the architectures to paste into the study."""
    aim = api.Target(half_width=target, quantity=of, budget_s=budget_s(budget))
    made = api.suggest(config, aim, workspace(store, also, data), overrides=set_)
    if as_json:
        print(json.dumps(_dict(made) | {"of": of, "target": target}, indent=2))
        return
    table = Table(title=f"{made.plan.study.name}: 95 % half width of {of}, wanted {target:g}")
    for heading in (
        "curve",
        "filters",
        "seeds now",
        "seeds proposed",
        "core time",
        "half width now",
        "expected",
    ):
        table.add_column(heading, justify="left" if heading == "curve" else "right")
    for curve in made.curves:
        widths = (f"{curve.proposal.half_width:.3g}", f"{curve.proposal.expected_half_width:.3g}")
        rows = [
            (str(cell.architecture.filters), str(cell.seeds), str(seeds), format_duration(cost_s))
            for cell, seeds, cost_s in _new(curve)
        ]
        for nth, row in enumerate(rows or [("–", "", "", "")]):
            table.add_row(escape(curve.label), *row, *(widths if nth == 0 else ()))
    console().print(table)
    if not made.core_s:
        print(
            "within the target: nothing to train"
            if made.is_reached
            else "nothing that would help is within the budget and the memory"
        )
        return
    if short := [curve.label for curve in made.curves if curve.proposal.expected_half_width > target]:
        print(f"still beyond the target after these runs: {', '.join(short)}")
    print(f"about {format_duration(made.core_s)} of one core; the study with these runs:")
    print()
    print(made.patch, end="")


def _new(curve: CurveSuggestion) -> Iterator[tuple[Cell, int, float]]:
    """Each cell that gets seeds, how many it has then, and their core time."""
    rows = zip(curve.candidates, curve.proposal.seeds, curve.proposal.costs_s, strict=True)
    return ((cell, seeds, cost_s) for cell, seeds, cost_s in rows if cost_s)


def _dict(made: Suggestion) -> dict[str, object]:
    return {
        "study": made.plan.study.name,
        "reached": made.is_reached,
        "core_s": made.core_s,
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
                    for cell, seeds, cost_s in _new(curve)
                ],
            }
            for curve in made.curves
        ],
        "patch": made.patch,
    }
