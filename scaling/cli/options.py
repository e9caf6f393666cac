"""Options that several commands share, and the values that follow from them."""

from __future__ import annotations

from math import inf
from pathlib import Path
from typing import Annotated

import typer

from scaling.api._target import DEFAULT_QUANTITY
from scaling.api._workspace import DEFAULT_STORE, Workspace
from scaling.durations import parse_duration
from scaling.errors import UsageError, shorten

Config = Annotated[Path, typer.Argument(metavar="CONFIG", help="YAML file of a study.", show_default=False)]
Configs = Annotated[
    list[Path],
    typer.Option(
        "--config",
        metavar="CONFIG",
        help="Study in which to look up run ids, also of runs that are not trained yet; may be repeated.",
    ),
]
RunId = Annotated[
    str,
    typer.Argument(metavar="RUN", help="Id of a run, or the first characters of the id.", show_default=False),
]
Store = Annotated[
    str, typer.Option(envvar="SCALING_STORE", help="Store of the results: a folder or an object-store URI.")
]
Also = Annotated[
    list[str], typer.Option(metavar="STORE", help="Another store to read results from; may be repeated.")
]
Data = Annotated[
    Path | None,
    typer.Option(
        envvar="SCALING_DATA",
        help="Folder of the data sets; may be read-only.",
        show_default="the user's data folder",
    ),
]
Overrides = Annotated[
    list[str],
    typer.Option(
        "--set",
        metavar="PATH=VALUE",
        help="Override a setting of the study, such as recipe.epochs=5; may be repeated.",
    ),
]
Track = Annotated[
    list[str],
    typer.Option(
        metavar="TRACKER",
        help="Copy finished runs to a tracker: tensorboard, wandb, mlflow or trackio; may be repeated.",
    ),
]
Address = Annotated[
    str | None, typer.Option(help="Address of a running Ray cluster, such as 10.0.0.1:6379 or auto.")
]
InProcess = Annotated[
    bool, typer.Option("--in-process", help="Train one pack after the other in this process, without Ray.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Show no progress bar.")]
Quantity = Annotated[
    str,
    typer.Option(
        metavar="QUANTITY",
        help="Quantity whose interval counts: exponent, floor, or a prediction, such as prediction@2x, "
        "which is the error predicted at twice the largest size in the study.",
        show_default=DEFAULT_QUANTITY,
    ),
]
Budget = Annotated[
    str,
    typer.Option(
        metavar="TIME",
        help="Time on one core for runs beyond the study, such as 90s, 30m, 2h or 1d.",
        show_default="no limit",
    ),
]

STORE = DEFAULT_STORE
_MAX_DIGITS = 15
"""Largest number of digits of an integer. Python refuses to read integers of more than 4,300 digits."""


def workspace(store: str, also: list[str], data: Path | None) -> Workspace:
    """Return the workspace that the options describe."""
    stores = Workspace(store=store, also=tuple(also))
    return stores if data is None else Workspace(store=store, also=tuple(also), data=data)


def parse_numbers(text: str, option: str) -> list[float]:
    """Parse ``96,192`` as numbers above 0; an empty text has none.

    Raises:
        UsageError: the text is something else.
    """
    try:
        numbers = [float(part) for part in text.split(",")] if text else []
    except ValueError:
        numbers = [0.0]
    if not all(0 < number < inf for number in numbers):
        raise UsageError(
            f"{shorten(text)}: expected numbers above 0, separated by commas, such as 96,192", option=option
        )
    return numbers


def parse_integers(text: str, option: str) -> list[int]:
    """Parse ``1,2,5`` as integers above 0; an empty text has none.

    Raises:
        UsageError: the text is something else.
    """
    if text and not all(
        part.isdecimal() and len(part) <= _MAX_DIGITS and int(part) for part in text.split(",")
    ):
        raise UsageError(
            f"{shorten(text)}: expected integers above 0, separated by commas, such as 1,2,5", option=option
        )
    return [int(part) for part in text.split(",")] if text else []


def parse_budget(text: str) -> float:
    """Parse ``2h`` as seconds; an empty text is no limit.

    Raises:
        UsageError: the text is something else.
    """
    budget_s = parse_duration(text) if text else inf
    if budget_s is None:
        raise UsageError(
            f"{shorten(text)}: expected a number above 0 with the unit s, m, h or d, such as 30m or 2h",
            option="budget",
        )
    return budget_s
