"""Forecasts: what the laws of a study predict for networks that no store has yet.

A forecast is written before its networks are trained, and never changes: its file is named by its hash. It
names the runs that it will be compared with, so that a later change of the study changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from scaling.errors import StoreError, upgrade_command
from scaling.fit import Interval


class _Record(BaseModel):
    """Base class of the records. JSON has no infinite numbers, so a file holds them as text."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class TargetCell(_Record):
    """The runs of one size that a forecast will be compared with, at one learning rate."""

    learning_rate: float
    """Learning rate of the runs."""
    identity: str
    """Configuration of the runs without seed and order, as canonical JSON."""
    run_ids: tuple[str, ...]
    """Ids of the runs, by seed."""
    pilot_ids: tuple[str, ...] = ()
    """Ids of the pilot runs at this learning rate; empty if the study gives the learning rate."""


class TargetForecast(_Record):
    """Forecast of the error at one size."""

    filters: int
    """Number of filters of the networks."""
    extrapolation: float
    """Number of filters over that of the widest fitted network."""
    mean: Interval
    """Mean error over all seeds: the law with the uncertainty of its parameters."""
    means_of_runs: Annotated[tuple[Interval, ...], Field(min_length=1)]
    """Mean error of 1, 2, ... new runs, up to the study's number of seeds: the uncertainty of the law and the
    scatter of the mean."""
    cells: Annotated[tuple[TargetCell, ...], Field(min_length=1)]
    """The runs. With several learning rates, pilot runs will choose which of them count."""

    @property
    def new_run(self) -> Interval:
        """Error of one new run."""
        return self.means_of_runs[0]


class CurveForecast(_Record):
    """Law of one curve, and what it predicts."""

    label: str
    """Label of the curve."""
    x: str
    """Column of the size."""
    y: str
    """Column of the error."""
    estimand: str
    """What the law describes."""
    verdict: str
    """Choice between the forms."""
    form: str
    """Name of the form that the verdict names."""
    formula: str
    status: str
    """Status of the law."""
    reason: str
    """Reasons why the law is not usable without caution."""
    parameters: dict[str, Interval]
    """Parameters of the law by name."""
    fitted_sizes: tuple[float, ...]
    """Sizes that the law was fitted to, rising."""
    run_ids: tuple[str, ...]
    """Ids of the runs that the law was fitted to, sorted."""
    targets: Annotated[tuple[TargetForecast, ...], Field(min_length=1)]
    """Forecasts by size, rising."""


class Forecast(_Record):
    """Forecast of a study. The id of a forecast is the hash of its file."""

    schema_version: Literal[1] = 1
    """Version of the file's fields."""
    study: str
    """Name of the study."""
    created_at: AwareDatetime
    """Time at which the forecast was complete."""
    commit: str | None
    """Commit of this software; None outside a checkout."""
    dirty: bool | None
    """True if the software differs from the commit."""
    versions: dict[str, str | None]
    """Versions of Python and of the libraries."""
    host: str
    """Name of the machine."""
    overrides: tuple[str, ...]
    """Changed settings of the study."""
    training_overrides: tuple[str, ...]
    """Changed settings of the study with which the targets are trained."""
    curves: Annotated[tuple[CurveForecast, ...], Field(min_length=1)]
    """Forecasts of the curves, in the order of the study."""

    def encode(self) -> bytes:
        """Return the content of the forecast's file."""
        return self.model_dump_json(indent=1).encode() + b"\n"

    @classmethod
    def decode(cls, data: bytes, name: str) -> Forecast:
        """Parse the content of a forecast's file.

        Args:
            data: content of the file.
            name: id of the forecast, for messages.

        Raises:
            StoreError: this version does not know a field or its value.
        """
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(map(str, first["loc"])) or "it"
            raise StoreError(
                f"forecast {name}: this version cannot read {field} ({first['msg']}); upgrade with:"
                f" {upgrade_command()}"
            ) from None


def decode_forecasts(contents: Mapping[str, bytes], study: str) -> dict[str, Forecast]:
    """Return the forecasts of a study by their ids, the oldest first.

    Args:
        contents: contents of files by the ids of the forecasts.
        study: name of the study.

    Raises:
        StoreError: this version cannot read a forecast.
    """
    decoded = {name: Forecast.decode(data, name) for name, data in contents.items()}
    ordered: list[tuple[datetime, str]] = sorted(
        (forecast.created_at, name) for name, forecast in decoded.items() if forecast.study == study
    )
    return {name: decoded[name] for _, name in ordered}
