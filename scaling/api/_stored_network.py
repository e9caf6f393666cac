"""A network from the store, with the data set that it was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaling.api._plan import plan
from scaling.api._stored_runs import find_run, planned_runs, stored_runs
from scaling.api._workspace import Workspace
from scaling.architectures import OwnNetwork
from scaling.config import Run
from scaling.datasets import PUBLISHED_DATASETS, TORCHVISION_SETS, AnyDataset, Dataset, TorchvisionDataset
from scaling.errors import UsageError

if TYPE_CHECKING:
    from scaling.data import LoadedDataset


@dataclass(frozen=True, kw_only=True, eq=False)
class StoredNetwork:
    """A trained network, and what its use needs."""

    run: Run
    weights: bytes
    """Weights, as safetensors."""
    dataset: Dataset
    """Specification of its data set."""
    loaded: LoadedDataset
    """Images and moments of its data set."""


def load_stored_network(run: str, workspace: Workspace, configs: Sequence[Path]) -> StoredNetwork:
    """Load the weights and the data set of a run.

    Args:
        run: id of the run, or its beginning.
        workspace: stores and folders.
        configs: YAML files of studies that describe the run's data set, if the data set is not a published
            one.

    Raises:
        StoreError: there is no such run, or its weights were not stored.
        DataError: the data set is not on this machine.
        UsageError: the run is not of a network, or the data set is unknown.
    """
    from scaling.data import load

    stored = find_run(run, stored_runs(workspace) | planned_runs(workspace, configs), workspace=workspace)
    if stored.architecture.fit_profile:
        raise UsageError(
            f"run {stored.id}: {stored.architecture.type} is fitted in one go, and its weights are not kept;"
            " name a run of a network"
        )
    stored = _with_code(stored, workspace, configs)
    weights = workspace.stores().weights(stored.id)
    dataset = _find_dataset(stored, workspace, configs)
    loaded = load(dataset, folder=workspace.data, download=False)
    return StoredNetwork(run=stored, weights=weights, dataset=dataset, loaded=loaded)


def _with_code(run: Run, workspace: Workspace, configs: Sequence[Path]) -> Run:
    """Return a run whose network has its code, if a study names the code, also with other settings."""
    network = run.architecture
    if not isinstance(network, OwnNetwork) or network.source:
        return run
    cells = (cell for config in configs for cell in plan(config, workspace, trains=False).study.cells)
    found = network.with_code_of(cell.architecture for cell in cells)
    if configs and not found.source:
        raise UsageError(
            f"run {run.id}: no study that `config` names has the code of {network.factory} that trained it"
            f" (SHA-256 {network.code:.8}...); its file has changed, or another study has it"
        )
    return run.model_copy(update={"architecture": found})


def _find_dataset(run: Run, workspace: Workspace, configs: Sequence[Path]) -> AnyDataset:
    classes: dict[str, Any] = {"labels": run.data.labels, "labels_draw": run.data.labels_draw}
    published: list[AnyDataset] = [kind(**classes) for kind in PUBLISHED_DATASETS.values()]
    published += [
        TorchvisionDataset(name=name, split=split, **classes)
        for (name, split), entry in TORCHVISION_SETS.items()
        if entry.content_type == run.data.type
    ]
    cells = (cell for config in configs for cell in plan(config, workspace, trains=False).study.cells)
    for dataset in (*published, *(cell.dataset for cell in cells)):
        if dataset.info(workspace.data).fingerprint == run.data.fingerprint:
            return dataset
    raise UsageError(
        f"run {run.id}: its data set ({run.data.type}) is not a published one; name a study that describes"
        " it with `config`"
    )
