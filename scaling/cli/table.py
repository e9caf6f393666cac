"""``scaling table``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scaling import api
from scaling.cli.options import STORE, Also, Config, Data, Overrides, Store, workspace
from scaling.cli.output import count, print_text


def table(
    config: Config,
    *,
    out: Annotated[
        Path, typer.Option(metavar="FILE", help="File to write: .parquet or .csv.", show_default=False)
    ],
    set_: Overrides = [],
    store: Store = STORE,
    also: Also = [],
    data: Data = None,
) -> None:
    """Write the runs of a study as one tidy table.

    The table has one row for each run, and one column for each setting and result. Pilot runs are left out.
    """
    study_table = api.table(config, workspace(store, also, data), overrides=set_)
    rows = api.write_table(study_table.runs, out)
    pilots, pending = study_table.pilots, study_table.pending
    print_text(
        f"{out}: {count(rows, 'run')}"
        + (f"; without {count(pilots, 'pilot')}, which chose the learning rates" if pilots else "")
        + (f"; {count(pending, 'run')} waiting for pilots" if pending else "")
    )
