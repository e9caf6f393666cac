"""Text of a first study: a commented YAML file that can be planned and run as it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from shlex import quote
from textwrap import fill
from typing import TypeVar

from scaling.architectures import Architecture, is_fitted, registered
from scaling.config.model_members import model_members
from scaling.config.pilots import Pilots
from scaling.datasets import AnyDataset, Dataset, DatasetInfo
from scaling.errors import UsageError

_Choice = TypeVar("_Choice")

SCHEMA_FILE = "study.schema.json"
"""Name of the schema that the study's first line names, in the study's folder."""

_WIDTHS = (1, 2, 3, 4, 6, 8, 12)
"""Widths of each network: enough to tell whether the error falls to zero or to a floor."""
_VALIDATION_SHARE = 10
"""Training images for each validation image of a pilot run, if the data set has few images."""

_HEAD = """\
# yaml-language-server: $schema={schema}
# A scaling study: how the test error of networks falls as they get more filters.
#
#   scaling plan {file}      what would be trained, and how long it takes
#   scaling run {file}       train it; an interrupted run continues where it was
#   scaling report {file}    scaling laws with intervals, figures, one HTML page
#
# `scaling schema --markdown` prints all keys. An editor with a YAML language server completes them.
study: {study}

{other_datasets}
dataset:
  type: {dataset}
  # train_images: [1000, 2000, 4000]    # any setting may be a list, which is an axis of the grid

{other_architectures}
# `filters` is the width, the x of a scaling law: six widths or more, over a factor of ten, can test a law.
architectures:
"""
_ENTRY = """\
  - type: {name}
    filters: {filters}
"""
_OWN_RECIPE = """\
    # recipe: {epochs: 16}    # merged over the recipe below, for this network alone
"""
_RECIPE = """
recipe:
  epochs: 8
  learning_rate: auto    # pilot runs choose the rate of each network; or give a number, such as 0.05
  # optimizer: {type: adam}
  # schedule: {type: cosine}
"""
_PILOTS = """
# Pilot runs hold out these training images, and never see the test images.
pilots: {{validation: {validation}}}
"""
_SEEDS = """
# Seeds 0 to 7 of each network. Narrow networks train in blocks of eight seeds: fewer would save no time.
seeds: 8
"""


def first_study(file: Path, *, dataset: str, architectures: Sequence[str], data: Path) -> str:
    """Return the text of a study.

    Args:
        file: file that the text is for; the study gets its name.
        dataset: type of the data set, which must need no other settings.
        architectures: types of the networks.
        data: the data folder.

    Raises:
        UsageError: a type is unknown or needs more settings, or a network cannot process the images.
    """
    datasets, networks = _complete_datasets(), {_type(spec): spec for spec in registered()}
    chosen = _choose(dataset, datasets, option="dataset")()
    info = chosen.info(data)
    if repeated := [name for i, name in enumerate(architectures) if name in architectures[:i]]:
        raise UsageError(f"{repeated[0]}: is named twice; name each type once", option="architecture")
    specs = [_choose(name, networks, option="architecture") for name in architectures]
    entries = [_entry(spec, info) for spec in specs]
    others = [name for name in networks if name not in architectures]
    text = _HEAD.format(
        schema=SCHEMA_FILE,
        file=quote(str(file)),
        study=_study_name(file),
        other_datasets=_comment("data sets", [name for name in datasets if name != dataset]),
        other_architectures=_comment("networks", others),
        dataset=dataset,
    )
    text += "".join(entries)
    if not all(map(is_fitted, architectures)):
        text += _OWN_RECIPE
        validation = min(Pilots().validation, info.train_images // _VALIDATION_SHARE)
        text += _RECIPE + _PILOTS.format(validation=validation) + _SEEDS
    return text


def _comment(noun: str, names: Sequence[str]) -> str:
    """Return the other choices as a comment, wrapped."""
    return fill(f"# Other {noun}: {', '.join(names)}.", width=100, subsequent_indent="#   ")


def _complete_datasets() -> dict[str, type[Dataset]]:
    """Return the data sets that need no setting but their type."""
    models = [model for model in model_members(AnyDataset) if issubclass(model, Dataset)]
    return {
        _type(model): model
        for model in models
        if not any(field.is_required() for field in model.model_fields.values())
    }


def _entry(spec: type[Architecture], info: DatasetInfo) -> str:
    name = _type(spec)
    widths = [width * spec.filter_step for width in _WIDTHS] if spec.has_widths else [1]
    needed = {
        name
        for name, field in spec.model_fields.items()
        if field.is_required() and name not in ("type", "filters")
    }.union(spec.required_settings)
    if needed:
        raise UsageError(
            f"{name}: also needs {', '.join(sorted(needed))}; write its entry by hand", option="architecture"
        )
    problem = spec.model_validate({"filters": widths[0]}).problem(info.image)
    if problem:
        raise UsageError(
            f"{name}: {problem.field}: {problem.text}, and the images of {info.title} are"
            f" {info.image.side}x{info.image.side}; choose another network or data set",
            option="architecture",
        )
    if not spec.has_widths:
        return f"  - {{type: {name}, filters: 1}}    # has one size\n"
    return _ENTRY.format(name=name, filters=widths)


def _choose(name: str, choices: dict[str, _Choice], *, option: str) -> _Choice:
    if name not in choices:
        close = get_close_matches(name.lower(), choices, n=1)
        hint = f"did you mean {close[0]}? " if close else ""
        if option == "dataset" and name in {
            str(m.model_fields["type"].default) for m in model_members(AnyDataset)
        }:
            raise UsageError(
                f"{name}: needs the path or the name of the data; `scaling data check PATH` prints its line",
                option=option,
            )
        raise UsageError(f"{name}: no such type; {hint}expected one of {', '.join(choices)}", option=option)
    return choices[name]


def _study_name(file: Path) -> str:
    """Return a name that a study may have, after the file."""
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", file.stem).lstrip("_.-")
    return name or "study"


def _type(model: type[Architecture] | type[Dataset]) -> str:
    return str(model.model_fields["type"].default)
