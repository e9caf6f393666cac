"""Digits a second of networks on this machine, beside those of 1989."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from scaling.api._stored_network import load_stored_network
from scaling.api._workspace import Workspace
from scaling.architectures import Architecture, Lenet1, Lenet5Of1998, Zipcode1989
from scaling.datasets import Dataset, Mnist, Usps
from scaling.errors import StoreError

if TYPE_CHECKING:
    from scaling.train.measure_inference import InferenceCase

_HISTORIC: tuple[tuple[type[Architecture], Dataset], ...] = (
    (Zipcode1989, Usps()),
    (Lenet1, Mnist()),
    (Lenet5Of1998, Mnist()),
)
"""Architectures that are measured in their published size, with their data sets."""


@dataclass(frozen=True, kw_only=True)
class InferenceSpeed:
    """Digits a second of one network."""

    network: str
    """Name of the network, or of the run."""
    macs: int
    """Multiply-adds of one digit."""
    batch: int
    """Digits that are classified at once."""
    pictures_per_s: float
    """Digits a second from a picture to its class."""
    images_per_s: float
    """Digits a second from an image with a size-normalised digit to its class."""
    macs_per_s: float
    """Multiply-adds a second: of the network for measurements, of the processor at most for the DSP."""


_DSP_32C = InferenceSpeed(
    network="zip-code network of 1989 on an AT&T DSP-32C",
    macs=63_660,
    batch=1,
    pictures_per_s=10.0,
    images_per_s=30.0,
    macs_per_s=12.5e6,
)
"""Published speed of the network of 1989 (LeCun et al. 1989, Neural Comput. 1, 541)."""


@dataclass(frozen=True, kw_only=True)
class InferenceResult:
    """Measured speeds, and the published one."""

    measured: tuple[InferenceSpeed, ...]
    """Speeds on this machine, on one thread."""
    published: InferenceSpeed = _DSP_32C
    """Speed of 1989, on a digital signal processor."""


def bench_inference(
    run: str | None = None, workspace: Workspace | None = None, *, configs: Sequence[Path] = ()
) -> InferenceResult:
    """Measure digits a second on one thread: of a stored network, or of three historic networks.

    The historic networks have their published size and initial weights.

    Args:
        run: id of a run whose weights are stored, or its beginning.
        workspace: stores and folders.
        configs: YAML files of studies that describe the run's data set, if the data set is not a published
            one.

    Raises:
        StoreError: there is no such run, or its weights were not stored.
        DataError: the run's data set is not on this machine.
        UsageError: the run's data set is unknown.
    """
    workspace = workspace or Workspace()
    cases: Iterable[tuple[str, InferenceCase]] = (
        _historic_cases(workspace) if run is None else [_stored_case(run, workspace, configs)]
    )
    return InferenceResult(measured=tuple(speed for name, case in cases for speed in _measure(name, case)))


def _historic_cases(workspace: Workspace) -> Iterator[tuple[str, InferenceCase]]:
    import numpy as np

    from scaling.data.normalise import PixelMoments
    from scaling.train.measure_inference import InferenceCase

    half = np.array([0.5])  # inputs between -1 and 1
    for spec, dataset in _HISTORIC:
        network = spec.model_validate({"filters": spec.filter_step})
        image = dataset.info(workspace.data).image
        yield (
            network.type,
            InferenceCase(
                architecture=network,
                image=image,
                dataset=dataset,
                picture=image,
                moments=PixelMoments(mean=half, std=half),
            ),
        )


def _stored_case(run: str, workspace: Workspace, configs: Sequence[Path]) -> tuple[str, InferenceCase]:
    from scaling.data.normalise import PixelMoments
    from scaling.train.measure_inference import InferenceCase

    stored = load_stored_network(run, workspace, configs)
    return (
        f"{stored.run.architecture.type}, run {stored.run.id[:8]}",
        InferenceCase(
            architecture=stored.run.architecture,
            image=stored.loaded.info.image,
            dataset=stored.dataset,
            picture=stored.dataset.pictures.info(workspace.data).image,
            moments=PixelMoments.of_input(stored.loaded, stored.run.recipe.input_range),
            weights=stored.weights,
        ),
    )


def _measure(name: str, case: InferenceCase) -> Iterator[InferenceSpeed]:
    from scaling.train.measure_inference import measure_inference

    macs = case.architecture.layer_table(case.image).macs
    try:
        times = measure_inference(case)
    except StoreError as error:
        raise StoreError(f"{name}: {error}") from error
    for time in times:
        yield InferenceSpeed(
            network=name,
            macs=macs,
            batch=time.batch,
            pictures_per_s=1 / time.picture_s,
            images_per_s=1 / time.image_s,
            macs_per_s=macs / time.image_s,
        )
