"""``scaling report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scaling import api
from scaling.cli.options import STORE, Also, Config, Data, Json, Overrides, Store, workspace
from scaling.cli.output import console, print_json, print_text
from scaling.cli.page_context import context_dict, print_context
from scaling.cli.reproduce import reproduce_command
from scaling.cli.store_damage import with_damage


def report(
    config: Config,
    *,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Folder to write.", show_default="artifacts/<study>"),
    ] = None,
    set_: Overrides = [],
    store: Store = STORE,
    also: Also = [],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Write the figures and the HTML page of a study; print its laws."""
    command = reproduce_command("report", config, store=store, also=also, overrides=set_, out=out)
    page = api.report(config, workspace(store, also, data), overrides=set_, out=out, command=command)
    figures = page.path.parent / "figures"
    if as_json:
        laws = [fitted.to_dict() for fitted in page.fits]
        joint_laws = [fitted.to_dict() for fitted in page.joint_fits]
        forecasts = [scored.to_dict() for scored in page.forecasts]
        files = {"report": str(page.path), "figures": str(figures)}
        fits = {"fits": laws, "joint_fits": joint_laws, "forecasts": forecasts}
        print_json(with_damage({**files, **context_dict(page.context), **fits}))
        return
    console().print(api.render_laws(page.fits) if page.fits else "\n".join(page.findings))
    if any(fitted.law for fitted in page.joint_fits):
        console().print(api.render_joint_laws(page.joint_fits))
    print_context(page.context)
    print_text(f"report:  {page.path}")
    print_text(f"figures: {figures}")
