"""``scaling separable``."""

from __future__ import annotations

from scaling import api
from scaling.cli.options import STORE, Also, Config, Data, Json, Overrides, Store, workspace
from scaling.cli.output import console, print_json
from scaling.cli.store_damage import with_damage


def separable(
    config: Config,
    *,
    set_: Overrides = [],
    store: Store = STORE,
    also: Also = [],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Decide whether a single layer can separate the training images.

    A linear program decides, for each class against all others and for all classes at once. If the study has
    a single layer and a store holds its runs, their training and test errors follow.
    """
    training_sets = api.separable(config, workspace(store, also, data), overrides=set_)
    if as_json:
        print_json(with_damage({"training_sets": [entry.to_dict() for entry in training_sets]}))
        return
    for training_set in training_sets:
        console().print(api.render_separability(training_set))
