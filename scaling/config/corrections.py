"""Corrections of typical mistakes: what was probably meant by a name or a value that a study cannot have.

A short form such as ``optimizer: adam`` is answered with the full form, and never accepted: one setting has
one way of writing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from functools import cache
from typing import Any

from scaling.architectures import architecture_union, registered
from scaling.config.grid import SettingPath, dotted
from scaling.config.model_members import model_members
from scaling.config.pilots import Pilots
from scaling.config.pruning import PruningConfig
from scaling.config.recipe import Recipe
from scaling.config.study import Resources, StoreConfig, StudyFile
from scaling.datasets import AnyDataset
from scaling.settings import ConfigModel

_OTHER_NAMES = {
    "architectures": ("architecture", "arch", "models", "model", "networks", "network", "nets", "net"),
    "augmentation": ("augment", "aug", "augmentations", "transforms"),
    "batch_size": ("bs", "batch", "batchsize", "minibatch", "train_batch_size"),
    "crop": ("random_crop", "padding", "pad"),
    "dataset": ("data", "datasets", "task"),
    "epochs": ("n_epochs", "num_epochs", "max_epochs", "epoch"),
    "filters": ("width", "widths", "channels", "n_filters", "num_filters", "base_channels"),
    "flip": ("horizontal_flip", "random_flip", "hflip"),
    "hidden": ("hidden_units", "units", "hidden_size", "hidden_sizes", "hidden_layers"),
    "gpus": ("device", "devices", "cuda", "accelerator", "num_gpus", "n_gpus"),
    "kernel": ("kernel_size", "filter_size"),
    "learning_rate": ("lr", "learningrate", "eta", "base_lr", "max_lr", "rate"),
    "loss": ("criterion", "loss_fn", "objective"),
    "optimizer": ("optim", "opt", "optimiser"),
    "precision": ("dtype", "amp", "autocast"),
    "schedule": ("scheduler", "lr_schedule", "lr_scheduler", "sched"),
    "seeds": ("seed", "n_seeds", "num_seeds", "replicates", "repeats", "trials", "num_samples"),
    "study": ("name", "title", "experiment"),
    "train_images": ("train_size", "n_train", "num_train", "samples", "n_samples", "limit"),
    "type": ("name", "kind", "id"),
    "validation": ("val", "val_size", "valid", "validation_size", "val_images"),
    "weight_decay": ("wd", "l2", "decay"),
    "workers": ("n_workers", "num_workers", "jobs", "n_jobs", "cpus"),
}
"""Names of other tools for the settings of a study."""
_OTHER_VALUES = {
    "average": ("avg", "mean"),
    "bf16": ("bfloat16", "bf16-mixed", "bf16-true"),
    "constant": ("none", "fixed"),
    "cosine": ("cosine_annealing", "cosineannealing", "cosineannealinglr"),
    "cross_entropy": ("ce", "crossentropy", "nll", "crossentropyloss"),
    "fp32": ("float32", "single", "32", "full"),
    "mse": ("l2", "mean_squared_error", "mseloss"),
    "one_cycle": ("onecycle", "1cycle", "onecyclelr"),
    "step": ("steplr",),
}
"""Names of other tools for values of settings."""
_SURE = 0.8
"""Least similarity of two names if one of them is in another group."""
_LIST_TEXT = re.compile(r"\d+(?:\s*[,; ]\s*\d+)+")
_EXAMPLE_WIDTHS = [1, 2, 4, 8]
_SUFFIX = re.compile(r"\.\w+$")
_OWN_FILES = {".npz": "npz", ".parquet": "parquet"}
"""Types of data sets by the ending of their files."""
_FACTORY = re.compile(r"[^\s:]+:[^\W\d]\w*")
"""A user's own network, such as ``my_nets.py:SmallNet``."""


def similar_name(name: str, names: Iterable[str]) -> str:
    """Return the name that is probably meant; empty if none is."""
    names, lower = list(names), name.lower().replace("-", "_")
    others = {other: known for known in names for other in _OTHER_NAMES.get(known, ())}
    if lower in others:
        return others[lower]
    return next(iter(get_close_matches(lower, names, n=1)), "")


def similar_value(value: Any, values: Sequence[Any]) -> str:
    """Return the value that is probably meant by a text; empty if none is."""
    texts, lower = [text for text in values if isinstance(text, str)], str(value).lower()
    others = {other: known for known in texts for other in _OTHER_VALUES.get(known, ())}
    if lower in others:
        return others[lower]
    return next(iter(get_close_matches(lower, texts, n=1)), "")


def similar_setting(path: SettingPath, permitted: Iterable[str]) -> str:
    """Return the setting that is probably meant by an unknown key.

    Args:
        path: path of the key in the file.
        permitted: keys that its group may have.

    Returns:
        A permitted key, or the dotted path of a setting of another group; empty if none is similar.
    """
    name, permitted = str(path[-1]), list(permitted)
    lower = name.lower().replace("-", "_")
    if any(lower in _OTHER_NAMES.get(key, ()) for key in permitted):
        return similar_name(name, permitted)
    places = {key: _beside(path, place) for key, place in _places().items()}
    elsewhere = {key: place for key, place in places.items() if place != dotted(path)}
    known = next((key for key in _OTHER_NAMES if lower in _OTHER_NAMES[key] and key in elsewhere), lower)
    if known in elsewhere and known not in permitted:
        return elsewhere[known]
    if similar := similar_name(name, permitted):
        return similar
    close = get_close_matches(lower, elsewhere, n=1, cutoff=_SURE)
    return elsewhere[close[0]] if close else ""


def setting_named(name: str) -> str:
    """Return the dotted path of the setting that a name probably means; empty if none is."""
    return similar_setting((name,), StudyFile.model_fields)


def _beside(path: SettingPath, place: SettingPath) -> str:
    """Return the dotted path of a setting, in the entry of ``architectures`` that a path is in."""
    if path[:1] == ("architectures",) and len(path) > 1:
        if place[:1] == ("recipe",):
            place = (*path[:2], *place)
        elif place[:1] == ("architectures",):
            place = (*path[:2], *place[2:])
    return dotted(place)


@cache
def _places() -> dict[str, SettingPath]:
    """Return the path of each setting by its last name; of several, the one that is asked for most."""
    places: dict[str, SettingPath] = {name: (name,) for name in StudyFile.model_fields}
    sections: list[tuple[SettingPath, Iterable[type[ConfigModel]]]] = [
        (("recipe",), [Recipe]),
        (("architectures", 0), registered()),
        (("dataset",), model_members(AnyDataset)),
        (("pilots",), [Pilots]),
        (("resources",), [Resources]),
        (("store",), [StoreConfig]),
        (("pruning",), [PruningConfig]),
    ]
    for group, models in sections:
        for path in _settings_of(group, models):
            places.setdefault(str(path[-1]), path)
    del places["type"]  # many groups have one
    return places


def _settings_of(group: SettingPath, models: Iterable[type[ConfigModel]]) -> Iterator[SettingPath]:
    """Yield the settings of a group, then those of its groups."""
    models = list(models)
    for model in models:
        yield from ((*group, name) for name in model.model_fields)
    for model in models:
        for name, field in model.model_fields.items():
            if inner := model_members(field.annotation):
                yield from _settings_of((*group, name), inner)


def corrected_value(path: SettingPath, given: Any, models: Sequence[type[ConfigModel]], expected: str) -> str:
    """Return how a value of a wrong type is written, such as ``; write optimizer: {type: adam}``.

    Args:
        path: path of the setting in its group.
        given: value in the file.
        models: models that the setting may have.
        expected: what was expected, in words.

    Returns:
        The text to append to a message; empty if there is no good guess.
    """
    name = str(path[-1]) if path else ""
    models = models or _section_models(path)
    if own := own_form(path, given):
        return f"; write {own if len(path) > 1 else f'{name}: {own}'}"
    if isinstance(given, str) and path[:1] == ("dataset",) and _SUFFIX.search(given):
        return ""
    if isinstance(given, str) and models and "type" in models[0].model_fields:
        types = [str(model.model_fields["type"].default) for model in models]
        return f"; write {_full_form(path, similar_value(given, types) or types[0])}"
    if path == ("architectures",) and (given is None or isinstance(given, dict)):
        return f"; begin each entry with a dash, as in - {_example_entry(given or {})}"
    if name == "seeds" and isinstance(given, list):
        return f"; seeds: {max(1, len(given))} trains the seeds 0 to {max(1, len(given)) - 1}"
    if isinstance(given, float) and given.is_integer() and "integer" in expected:
        return f"; write {int(given)}"
    if isinstance(given, str) and re.search("integer|number", expected):
        return _corrected_number(given, is_grid="list" in expected)
    return ""


def own_form(path: SettingPath, given: Any) -> str:
    """Return how the user's own data or code is written, for a path or a factory in the place of a type.

    Args:
        path: path of a setting in a study's file.
        given: value in the file.

    Returns:
        A section or an entry, such as ``{type: npz, path: mine.npz}``; empty if the value names neither.
    """
    if not isinstance(given, str) or not path:
        return ""
    if path[0] == "architectures" and _FACTORY.fullmatch(given):
        return f"{{type: module, module: {given}, filters: {_EXAMPLE_WIDTHS}}}"
    if path[0] == "dataset" and len(path) <= 2:
        suffix = _SUFFIX.search(given)
        kind = _OWN_FILES.get(suffix[0].lower() if suffix else "")
        if kind or (not suffix and "/" in given):
            return f"{{type: {kind or 'imagefolder'}, path: {given}}}"
    return ""


def own_network_form(path: SettingPath, given: Any, types: Sequence[str]) -> str:
    """Return how a network of the user's own is written, for an architecture that is similar to no known one.

    Args:
        path: path of the type in a study's file.
        given: type in the file.
        types: known types.

    Returns:
        An entry of ``architectures``; empty if the type is misspelt or not that of an architecture.
    """
    if path[0] != "architectures" or not isinstance(given, str) or not given.isidentifier():
        return ""
    misspelt = get_close_matches(given.lower(), types, cutoff=_SURE)
    return "" if misspelt else f"{{type: module, module: FILE.py:{given}, filters: {_EXAMPLE_WIDTHS}}}"


def _corrected_number(given: str, *, is_grid: bool) -> str:
    try:
        float(given)
    except ValueError:
        if _LIST_TEXT.fullmatch(given.strip()):
            return f"; write [{', '.join(re.findall('[0-9]+', given))}]"
        return f"; write a list such as {_EXAMPLE_WIDTHS}" if is_grid and re.search(r"\d", given) else ""
    return "; leave out the quotation marks"


def misplaced_type(given: Any, types: Sequence[str]) -> str:
    """Return how a mapping without a type is written, if another key has the type as its value."""
    for key, value in given.items() if isinstance(given, dict) else ():
        if isinstance(value, str) and key in _OTHER_NAMES["type"] and (kind := similar_value(value, types)):
            return f"write type: {kind} in the place of {key}: {value}; "
        if key in types:
            return f"write type: {key}; "
    return ""


def _section_models(path: SettingPath) -> list[type[ConfigModel]]:
    """Return the models of a section of a study's file, which are not in the annotation of its key."""
    if path == ("dataset",):
        return model_members(AnyDataset)
    if len(path) == 2 and path[0] == "architectures":
        return model_members(architecture_union())
    return []


def _full_form(path: SettingPath, kind: str) -> str:
    if path[0] == "architectures" and len(path) == 2:
        return _entry(kind)
    return f"{{type: {kind}}}" if isinstance(path[-1], int) else f"{path[-1]}: {{type: {kind}}}"


def _example_entry(given: dict[Any, Any]) -> str:
    """Return an entry of ``architectures`` like a mapping that was given in place of the list."""
    types = [str(spec.model_fields["type"].default) for spec in registered()]
    named = [kind for kind in (given.get("type"), *given) if kind in types]
    return _entry(named[0] if named else types[0])


def _entry(kind: str) -> str:
    return f"{{type: {kind}, filters: {_EXAMPLE_WIDTHS}}}"
