"""``scaling classify``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from scaling import api
from scaling.cli.options import STORE, Also, Configs, Data, Json, Store, workspace
from scaling.cli.output import new_table, print_json, print_table, print_text
from scaling.cli.store_damage import with_damage


def classify(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE ...", help="Pictures, such as PNG files.", show_default=False),
    ],
    *,
    run: Annotated[
        str,
        typer.Option(
            metavar="RUN",
            help="Id of the run whose network classifies, or the first characters of the id.",
            show_default=False,
        ),
    ],
    config: Configs = [],
    store: Store = STORE,
    also: Also = [],
    data: Data = None,
    as_json: Json = False,
) -> int:
    """Classify pictures of any size with a stored network.

    For a network of digits, each picture shows one digit: dark on bright, or bright on dark. The exit code is
    2 if a picture was refused. The run's weights must be stored (store: {weights: all}).
    """
    result = api.classify(files, run, workspace(store, also, data), configs=config)
    if as_json:
        print_json(
            with_damage(
                {
                    "id": result.run.id,
                    "classes": [asdict(picture) | {"file": str(picture.file)} for picture in result.classes],
                    "refused": [asdict(picture) | {"file": str(picture.file)} for picture in result.refused],
                }
            )
        )
    elif result.classes:
        table = new_table("picture", "class", "probability", "second class", "probability", "margin")
        for picture in result.classes:
            table.add_row(
                str(picture.file),
                str(picture.label),
                f"{picture.probability:.4f}",
                str(picture.second_label),
                f"{picture.second_probability:.4f}",
                f"{picture.margin:.3g}",
            )
        print_table(table)
    for refused in result.refused:
        print_text(f"{refused.file}: {refused.reason}", to_stderr=True)
    return 2 if result.refused else 0
