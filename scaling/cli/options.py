"""Options that several commands share, and the settings that follow from them."""

from __future__ import annotations

from math import inf
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from scaling.api._workspace import Workspace
from scaling.durations import parse_duration
from scaling.errors import UsageError

Config = Annotated[Path, typer.Argument(metavar="CONFIG", help="The study's YAML file.", show_default=False)]
Configs = Annotated[
    list[Path],
    typer.Option("--config", metavar="CONFIG", help="A study whose runs are known too; may be repeated."),
]
Store = Annotated[str, typer.Option(envvar="SCALING_STORE", help="Folder or URI where results live.")]
Also = Annotated[list[str], typer.Option(metavar="STORE", help="A further store to read; may be repeated.")]
Data = Annotated[
    Path | None,
    typer.Option(
        envvar="SCALING_DATA", help="Data folder; read-only is fine.", show_default="the user's data folder"
    ),
]
Overrides = Annotated[
    list[str],
    typer.Option(
        "--set", metavar="PATH=VALUE", help="Laid over the study, such as recipe.epochs=5; may be repeated."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress bar.")]
Of = Annotated[
    str,
    typer.Option(
        metavar="QUANTITY",
        help="What is to be known better: exponent, floor, or prediction@2x, the error at twice the widest network of the study as written.",
    ),
]
Budget = Annotated[
    str,
    typer.Option(
        metavar="TIME",
        help="Core time, such as 90s, 30m, 2h or 1d, for runs that the study does not ask for.",
        show_default="any",
    ),
]

STORE = Workspace().store


def workspace(store: str, also: list[str], data: Path | None) -> Workspace:
    """What the options say."""
    known = Workspace(store=store, also=tuple(also))
    return known if data is None else Workspace(store=store, also=tuple(also), data=data)


def console() -> Console:
    """For what is asked for; progress and errors go to stderr."""
    plain = Console()
    return plain if plain.is_terminal else Console(width=160)


def numbers(option: str, text: str) -> list[float]:
    """``96,192`` as numbers above 0; none for no text.

    Raises:
        UsageError: it is something else.
    """
    try:
        found = [float(part) for part in text.split(",")] if text else []
    except ValueError:
        found = [0.0]
    if not all(0 < number < inf for number in found):
        raise UsageError(f"{option} {text}: must be numbers above 0 with commas between them, such as 96,192")
    return found


def wholes(option: str, text: str) -> list[int]:
    """``1,2,5`` as whole numbers above 0; none for no text.

    Raises:
        UsageError: it is something else.
    """
    if text and not all(part.isdecimal() and int(part) for part in text.split(",")):
        raise UsageError(
            f"{option} {text}: must be whole numbers above 0 with commas between them, such as 1,2,5"
        )
    return [int(part) for part in text.split(",")] if text else []


def budget_s(text: str) -> float:
    """``2h`` in seconds; infinite for no text.

    Raises:
        UsageError: it is something else.
    """
    found = parse_duration(text) if text else inf
    if found is None:
        raise UsageError(f"--budget {text}: must be a number above 0 and s, m, h or d, such as 30m or 2h")
    return found
