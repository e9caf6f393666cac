"""``scaling init``."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from scaling import api
from scaling.cli.options import STORE, Data, workspace
from scaling.cli.output import print_text


def init(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="YAML file to write.")] = Path("study.yaml"),
    *,
    dataset: Annotated[
        str, typer.Option(metavar="TYPE", help="Type of the data set, such as mnist or cifar10.")
    ] = "mnist5k",
    architecture: Annotated[
        str, typer.Option(metavar="TYPE,...", help="Types of the networks, such as lenet5,tree3,vgg.")
    ] = "lenet5,tree3",
    data: Data = None,
) -> None:
    """Write a commented study to begin with.

    Writes the JSON Schema beside it, with which editors complete and check the study.
    """
    names = [name.strip() for name in architecture.split(",") if name.strip()]
    new = api.init(path, workspace(STORE, [], data), dataset=dataset, architectures=names)
    kept = "" if new.schema_is_new else " (was there already)"
    print_text(f"{new.study}: a study with comments; {new.schema}: its schema, for editors{kept}")
    print_text(f"next: scaling plan {quote(str(new.study))}")
