"""``scaling score``."""

from __future__ import annotations

from scaling import api
from scaling.cli.options import STORE, Also, Config, Data, Json, Overrides, Store, workspace
from scaling.cli.output import console, print_json, print_text
from scaling.cli.reproduce import reproduce_command
from scaling.cli.store_damage import with_damage


def score(
    config: Config,
    *,
    set_: Overrides = [],
    store: Store = STORE,
    also: Also = [],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Compare forecasts with the runs that were trained after them.

    Prints hits and misses, and the commands that train the networks of open forecasts.
    """
    scores = api.score(config, workspace(store, also, data), overrides=set_)
    commands = {
        scored.id: reproduce_command(
            "run", config, store=store, also=also, overrides=scored.forecast.training_overrides
        )
        for scored in scores
        if scored.is_open
    }
    if as_json:
        rows = [scored.to_dict() | {"train": commands.get(scored.id)} for scored in scores]
        print_json(with_damage({"forecasts": rows}))
        return
    console().print(api.render_scores(scores))
    for command in dict.fromkeys(commands.values()):
        print_text(f"train what is open with: {command}")
