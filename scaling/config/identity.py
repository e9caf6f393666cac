"""Runs and their ids.

A run id is a hash of canonical JSON (RFC 8785) of everything that the run's results depend on: the content of
the data, the network with all values resolved, the recipe, the seed and the order. The name of the study, the
pack, the machine and the store are not included.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cached_property
from hashlib import sha256
from typing import Annotated

from pydantic import Field, ValidationError

from scaling.architectures import AnyArchitecture
from scaling.config.pruning import Pruning
from scaling.config.recipe import Recipe
from scaling.errors import StoreError, upgrade_command
from scaling.settings import FROM_IDENTITY, ConfigModel, IdentityDefault, NonNegativeInt, PositiveInt

TRAINING_VERSION = 2
"""Version of the training code, raised when training changes its results. Then every id is new."""

SEEDS_PER_ORDER = 8
"""Number of seeds that share one minibatch order: seeds 8k to 8k+7 use order k."""

ID_DIGITS = 20
"""Number of hexadecimal digits of an id: 80 bits. Among a million runs, two ids agree with p = 4e-13."""


class Data(ConfigModel):
    """Data of a run: their content, and how much of it is used."""

    type: Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
    """Name of the data set, such as ``mnist``."""
    fingerprint: Annotated[str, Field(pattern=r"^[0-9a-f]+$")]
    """SHA-256 of the content in canonical order: 64 hexadecimal digits."""
    labels: Annotated[PositiveInt | None, IdentityDefault(None)] = None
    """Number of drawn classes; None means all classes of the data set."""
    labels_draw: Annotated[NonNegativeInt, IdentityDefault(0)] = 0
    """Random seed of the drawn classes; 0 where all classes are used."""
    train_images: Annotated[PositiveInt | None, IdentityDefault(None)] = None
    """Number of training images; None means all that are not held out for validation."""
    validation: Annotated[NonNegativeInt, IdentityDefault(0)] = 0
    """Number of training images held out for validation."""


class Run(ConfigModel):
    """One network, trained once. Runs with equal ids have results of the same distribution."""

    data: Data
    """Content of the data, and how much of it is used."""
    architecture: AnyArchitecture
    """Network, with all values resolved."""
    recipe: Recipe
    """Training recipe; of a pruned network, the recipe before the pruning."""
    seed: NonNegativeInt
    """Seed of the initial weights."""
    order: NonNegativeInt
    """Seed of the minibatch order and the augmentation."""
    training_version: int = TRAINING_VERSION
    """Version of the training code."""
    pruning: Annotated[Pruning | None, IdentityDefault(None)] = None
    """Rounds of deletion and retraining; None for a network that is not pruned."""

    @property
    def config_json(self) -> str:
        """Identity as canonical JSON. The id is the beginning of its SHA-256."""
        return self.identity

    @cached_property
    def id(self) -> str:
        """Content hash: 20 hexadecimal digits."""
        return sha256(self.config_json.encode()).hexdigest()[:ID_DIGITS]

    @property
    def last_recipe(self) -> Recipe:
        """Recipe of the last training: of a pruned network, the recipe of the retraining."""
        return self.pruning.recipe if self.pruning else self.recipe

    @property
    def parent(self) -> Run | None:
        """Run whose weights the training starts from; None for a network that starts from initial weights."""
        return self.model_copy(update={"pruning": self.pruning.previous}) if self.pruning else None

    @property
    def unpruned(self) -> Run:
        """Run of the network before all rounds of a pruning."""
        return self.model_copy(update={"pruning": None}) if self.pruning else self

    @classmethod
    def from_json(cls, config_json: str) -> Run:
        """Parse the identity of a run. A setting that the identity omits gets its ``IdentityDefault``.

        Args:
            config_json: identity, as ``Run.config_json`` gives it.

        Raises:
            StoreError: the text is damaged, or this version does not know a setting or its value.
        """
        try:
            return cls.model_validate(json.loads(config_json), context=FROM_IDENTITY)
        except (TypeError, RecursionError, UnicodeError, json.JSONDecodeError):
            raise StoreError(
                f"{str(config_json)[:40]!r}: is not the configuration of a run; find the damaged file with:"
                " scaling store verify"
            ) from None
        except ValidationError as error:
            first = error.errors()[0]
            run_id = sha256(config_json.encode()).hexdigest()[:ID_DIGITS]
            setting = ".".join(map(str, first["loc"]))
            raise StoreError(
                f"run {run_id}: this version cannot read {setting} ({first['msg']}); upgrade with:"
                f" {upgrade_command()}"
            ) from None


def flatten_settings(run: Run) -> dict[str, object]:
    """Return all settings of a run by their dotted paths, such as ``{"recipe.epochs": 8, ...}``.

    A network that is not pruned has no settings of a pruning.
    """

    def walk(prefix: str, config: ConfigModel) -> Iterator[tuple[str, object]]:
        for name, value in config.setting_values().items():
            if isinstance(value, ConfigModel):
                yield from walk(f"{prefix}{name}.", value)
            else:
                yield prefix + name, list(value) if isinstance(value, tuple) else value

    settings = dict(walk("", run))
    if run.pruning is None:
        del settings["pruning"]
    return settings
