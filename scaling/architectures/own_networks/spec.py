"""Networks whose code is the user's own: a factory in a file beside the study, or in an installed module.

The factory is called with keyword arguments: ``image`` (channels, height and width), ``classes``, ``filters``
and the settings of the entry that this module does not define.

A run's identity has the name of the factory, the hash of the code and all settings, and not the path of the
file. A specification that was read from a store has no code: nothing that a store holds is ever executed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, PrivateAttr, field_validator, model_validator

from scaling.architectures.base import Architecture
from scaling.architectures.description import Precision, SettingLabel, StepTimes
from scaling.architectures.layers import LayerTable
from scaling.architectures.own_networks.code import OwnCode, read_code
from scaling.architectures.own_networks.records import (
    COUNTS,
    TIMES,
    TRAINING,
    NetworkCounts,
    OwnNetworkError,
    ReplicaTraining,
    UnknownRecord,
    find_record,
    load_record,
)
from scaling.architectures.width_search import COST_SETTINGS
from scaling.errors import UsageError
from scaling.settings import ImageShape, NotInIdentity, Problem

_LEFT_OUT = {"type", "module", "factory", "code", *COST_SETTINGS}
"""Settings that a factory does not get."""
_COUNTING_RATE = 0.01
"""Learning rate of a network that is built to be counted."""
_EXAMPLE = "FILE.py:NAME or package.module:NAME, such as my_nets.py:SmallNet"


class OwnNetwork(Architecture):
    """A network whose code is the user's own."""

    model_config = ConfigDict(extra="allow")

    can_be_pruned: ClassVar[bool] = False
    precisions: ClassVar[tuple[Precision, ...]] = ("fp32",)
    title_setting: ClassVar[str | None] = "factory"
    required_settings: ClassVar[tuple[str, ...]] = ("module",)
    given_arguments: ClassVar[dict[str, str]] = dict.fromkeys(
        ("image", "classes"), "follows from the data set"
    )
    """Arguments of a factory that are no settings of the entry, and why."""
    setting_labels: ClassVar[dict[str, SettingLabel]] = {"code": SettingLabel(plural="code {:.8}")}

    module: Annotated[str, NotInIdentity()] = ""
    """File and name of the factory, ``FILE.py:NAME`` with a path relative to the study's file, or
    ``package.module:NAME`` of an installed module."""
    factory: Annotated[str, Field(pattern=r"^[^\W\d]\w*$")] = ""
    """Name of the factory, which is taken from ``module``."""
    code: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""
    """SHA-256 of the code, computed from the files. A study that gives the hash can be read, but not trained,
    without the files."""

    _source: OwnCode | None = PrivateAttr(None)

    @model_validator(mode="before")
    @classmethod
    def _derive_factory(cls, settings: Any) -> Any:
        if not isinstance(settings, dict) or "factory" in settings:
            return settings
        module = settings.get("module")
        if module is None:
            raise ValueError(f"module is missing; expected {_EXAMPLE}")
        location, colon, name = str(module).rpartition(":")
        is_named = colon and location.strip() and name.isidentifier()
        return {**settings, "factory": name if is_named else "_"}

    @field_validator("module")
    @classmethod
    def _check_module(cls, module: str) -> str:
        location, _, name = module.rpartition(":")
        if not location.strip() or not name.isidentifier():
            raise ValueError(f"expected {_EXAMPLE}, got {module!r}")
        return module

    @model_validator(mode="after")
    def _check_settings(self) -> OwnNetwork:
        for name, value in self._extra.items():
            if name in self.given_arguments:
                raise ValueError(f"{name} {self.given_arguments[name]}; leave it out")
            if not name.isidentifier():
                raise ValueError(f"{name!r} cannot be the name of an argument of {self.factory}")
            items = value if isinstance(value, list | tuple) else [value]
            if not all(item is None or isinstance(item, str | int | float) for item in items):
                raise ValueError(f"{name}: expected a number, text, true, false, null, or a list of them")
            if isinstance(value, list):
                self._extra[name] = tuple(value)
        return self

    @property
    def _extra(self) -> dict[str, Any]:
        return self.__pydantic_extra__ or {}

    @property
    def source(self) -> OwnCode | None:
        """Code of the network; None for a network from a store, and for one whose file is gone."""
        return self._source

    @property
    def missing_code(self) -> str:
        return "" if self._source else self.module or self.factory

    def setting_values(self) -> dict[str, Any]:
        return super().setting_values() | self._extra

    def arguments(self, image: ImageShape) -> dict[str, Any]:
        """Return the arguments of the factory."""
        settings = {name: value for name, value in self.setting_values().items() if name not in _LEFT_OUT}
        lists = {name: list(value) if isinstance(value, tuple) else value for name, value in settings.items()}
        shape = (image.channels, image.side, image.side)
        return {"image": shape, "classes": image.classes, **lists}

    def read_files(self, folder: Path) -> OwnNetwork | Problem:
        location = self.module.rpartition(":")[0]
        if not location:
            return Problem("module", f"is missing; expected {_EXAMPLE}")
        try:
            source = read_code(location, folder)
        except UsageError as error:
            return self if self.code else Problem("module", str(error))
        if self.code and source.sha256 != self.code:
            return Problem(
                "code", f"the code of {location} has changed: its hash is now {source.sha256}; remove code"
            )
        return self._copy({"code": source.sha256}, source=source)

    def with_code_of(self, others: Iterable[Architecture]) -> OwnNetwork:
        """Return this network with its code, if another network has it; otherwise the network itself."""
        for other in others:
            if isinstance(other, OwnNetwork) and other.source and self._is_made_by_factory_of(other):
                return self._copy({"module": other.module}, source=other.source)
        return self

    def _is_made_by_factory_of(self, other: OwnNetwork) -> bool:
        return (self.factory, self.code) == (other.factory, other.code)

    def with_filters(self, filters: int) -> OwnNetwork:
        return self._copy({"filters": filters} | dict.fromkeys(COST_SETTINGS))

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> OwnNetwork:
        return self._copy(update or {})

    def _with_costs_of_self(self, network: Any) -> Any:
        costs = {name: getattr(self, name) for name in COST_SETTINGS}
        return network._copy({name: cost for name, cost in costs.items() if cost})

    def _copy(self, update: Mapping[str, Any], *, source: OwnCode | None = None) -> OwnNetwork:
        """Return a validated copy with other values, which keeps the code."""
        given = {name: getattr(self, name) for name in self.model_fields_set - self._extra.keys()}
        values = {**given, **self._extra, **update}
        copy = self.model_validate(
            {name: value for name, value in values.items() if value is not None or name in self._extra}
        )
        copy._source = source or self._source
        return copy

    def problem(self, image: ImageShape) -> Problem | None:
        try:
            load_record(COUNTS, self, image)
            self.replica_training(image)
        except OwnNetworkError as error:
            return Problem("module", str(error))
        except UnknownRecord:  # a study can be read without torch and without the code
            return None
        return None

    def layer_table(self, image: ImageShape) -> LayerTable:
        """Return the layers that torch counts.

        Raises:
            OwnNetworkError: the code cannot be used.
            UnknownRecord: the counts are not in the cache, and the code or torch is not here.
        """
        return _table(image, self.counts(image))

    def known_layer_table(self, image: ImageShape) -> LayerTable | None:
        counts = find_record(COUNTS, self, image)
        return None if counts is None else _table(image, counts)

    def counts(self, image: ImageShape) -> NetworkCounts:
        """Return the counts of this network; see ``layer_table`` for errors."""
        return load_record(COUNTS, self, image)

    def replica_training(self, image: ImageShape) -> ReplicaTraining:
        """Return how the replicas of a pack are trained; see ``layer_table`` for errors."""
        return load_record(TRAINING, self, image)

    def hidden_numbers(self, image: ImageShape) -> int:
        counts = self.counts(image)
        return max(0, counts.saved_numbers - sum(layer.units for layer in counts.layers))

    def step_times(self, image: ImageShape) -> StepTimes | None:
        try:
            return load_record(TIMES, self, image)
        except UsageError:
            return None

    def training_note(self, image: ImageShape) -> str:
        try:
            training = self.replica_training(image)
        except UnknownRecord:
            return ""
        how = "as one fused network" if training.is_fused else f"one at a time ({training.reason})"
        return f"{self.factory}: the replicas of a pack train {how}"


class OwnLightning(OwnNetwork):
    """A LightningModule of the user's own, with its own optimiser and loss, which trains one run at a time.

    The factory gets ``learning_rate`` as well, the one of the recipe.
    """

    given_arguments: ClassVar[dict[str, str]] = OwnNetwork.given_arguments | {
        "learning_rate": "is the one of the recipe"
    }
    trains_itself: ClassVar[bool] = True
    recipe_settings: ClassVar[frozenset[str] | None] = frozenset(
        {"learning_rate", "epochs", "batch_size", "input_range", "precision", "augmentation"}
    )

    type: Literal["lightning"] = "lightning"

    def arguments(self, image: ImageShape) -> dict[str, Any]:
        return {"learning_rate": _COUNTING_RATE, **super().arguments(image)}

    def replica_training(self, image: ImageShape) -> ReplicaTraining:
        reason = "it has its own optimiser and loss"
        return ReplicaTraining(is_fused=False, reason=reason, is_random=False)

    def training_note(self, image: ImageShape) -> str:
        return f"{self.factory}: each run trains by itself, with its own optimiser and loss"


class OwnModule(OwnNetwork):
    """A ``torch.nn.Module`` of the user's own, which a factory returns."""

    type: Literal["module"] = "module"


def _table(image: ImageShape, counts: NetworkCounts) -> LayerTable:
    return LayerTable(image, counts.layers, knows_links=False)
