"""What a run is, and the id that follows from it.

The id hashes canonical JSON (RFC 8785) of all that a run's numbers depend on: the data's content, the resolved network, the recipe, the seed
and the order. No study, pack, machine or store is in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cached_property
from hashlib import sha256
from typing import Annotated

from pydantic import ValidationError

from scaling.architectures import AnyArchitecture
from scaling.config.recipe import Recipe
from scaling.errors import StoreError
from scaling.settings import FROM_IDENTITY, ConfigModel, IdentityDefault, NonNegativeInt, PositiveInt

TRAINING_VERSION = 2
"""Raised when training changes its numbers: then every run is a new one."""

SEEDS_PER_ORDER = 8
"""Order k shuffles for seeds 8k to 8k+7, so that neither is ever counted twice."""

DRAWN = r'"(?:order|seed)":\d+,'
"""In an identity's JSON, the leaves that tell the runs of a cell apart; no other leaf has one of these names."""

ID_DIGITS = 20
"""Hexadecimal digits of an id: 80 bits, so among a million runs two share one with a probability of 4e-13."""


class Data(ConfigModel):
    """The data of a run: which content, and how much of it."""

    type: str
    fingerprint: str
    train_images: Annotated[PositiveInt | None, IdentityDefault(None)] = None
    validation: Annotated[NonNegativeInt, IdentityDefault(0)] = 0


class Run(ConfigModel):
    """One network, trained once. Equal ids mean equal distributions of every result."""

    data: Data
    architecture: AnyArchitecture
    recipe: Recipe
    seed: NonNegativeInt
    order: NonNegativeInt
    training_version: int = TRAINING_VERSION

    @property
    def config_json(self) -> str:
        """Canonical JSON of the identity; its SHA-256 begins with the id."""
        return self.identity

    @cached_property
    def id(self) -> str:
        return sha256(self.config_json.encode()).hexdigest()[:ID_DIGITS]

    @classmethod
    def from_json(cls, config_json: str) -> Run:
        """The run that an identity names; what it omits has its frozen value.

        Raises:
            StoreError: this version doesn't know a leaf or a value of it.
        """
        try:
            return cls.model_validate(json.loads(config_json), context=FROM_IDENTITY)
        except ValidationError as error:
            problem, name = error.errors()[0], sha256(config_json.encode()).hexdigest()[:ID_DIGITS]
            where = ".".join(map(str, problem["loc"]))
            raise StoreError(
                f"run {name}: its {where} can't be read by this version ({problem['msg']}); upgrade scaling"
            ) from None


def flatten_settings(run: Run) -> dict[str, object]:
    """Every leaf of a run by its dotted path, defaults included: ``{"recipe.epochs": 8, ...}``."""

    def walk(prefix: str, group: ConfigModel) -> Iterator[tuple[str, object]]:
        for name, value in group.setting_values().items():
            if isinstance(value, ConfigModel):
                yield from walk(f"{prefix}{name}.", value)
            else:
                yield prefix + name, list(value) if isinstance(value, tuple) else value

    return dict(walk("", run))
