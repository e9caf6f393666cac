"""Errors of stored networks on shifted test images.

Set here: pixels that a shift moves in have the value 0, the background of the digits, and pixels that it
moves out are lost. Networks are evaluated as in training: in packs of one thread each, in the precision of
their recipe, with logits that are rounded to half precision. Without a shift, the errors are those of the
store if the kind of processor is the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float

from scaling.data import LoadedDataset
from scaling.datasets import Shift, shift_images
from scaling.errors import StoreError
from scaling.models.feature_maps import load_replicas
from scaling.plan import Pack
from scaling.plan.machine import cpu_count
from scaling.store import Reader
from scaling.train.device_data import load_on_device
from scaling.train.module import evaluate
from scaling.train.runtime import training_runtime


def measure_shifted_errors(
    packs: Sequence[Pack],
    datasets: Mapping[str, LoadedDataset],
    reader: Reader,
    *,
    shifts: Sequence[Shift],
) -> dict[str, Float[np.ndarray, " shifts"]]:
    """Return the test errors of runs for all shifts of the test images, by the ids of the runs.

    Args:
        packs: finished runs.
        datasets: data sets of the packs, by their fingerprints.
        reader: stores that have the weights of the runs.
        shifts: shifts.

    Raises:
        StoreError: weights are not stored, damaged, or those of another network.
    """
    stored = [[reader.weights(run.id) for run in pack.runs] for pack in packs]

    def measure(pack: Pack, weights: Sequence[bytes]) -> dict[str, Float[np.ndarray, " shifts"]]:
        errors = _measure_pack(pack, weights, datasets[pack.cell.info.fingerprint], shifts)
        return {run.id: errors_of_run for run, errors_of_run in zip(pack.runs, errors, strict=True)}

    with (
        training_runtime(),
        # The processor keeps its mode for denormals per thread.
        ThreadPoolExecutor(cpu_count(), initializer=torch.set_flush_denormal, initargs=(True,)) as threads,
    ):
        return {
            run: errors for by_run in threads.map(measure, packs, stored) for run, errors in by_run.items()
        }


def _measure_pack(
    pack: Pack, weights: Sequence[bytes], dataset: LoadedDataset, shifts: Sequence[Shift]
) -> Float[np.ndarray, "runs shifts"]:
    """Return the errors of a pack; a replica without a run has the weights of the first run."""
    slots = dict(zip(pack.slots, weights, strict=True))
    stored = [slots.get(slot, weights[0]) for slot in range(pack.size)]
    try:
        networks = load_replicas(pack.cell.architecture, dataset.info.image, stored)
    except StoreError as error:
        raise StoreError(f"a run of {pack.label}: {error}") from error
    split = load_on_device(dataset, torch.device("cpu")).test_split(pack.cell.recipe)
    errors = []
    for shift in shifts:
        images = torch.from_numpy(shift_images(dataset.test.images, shift))
        logits = evaluate(networks, replace(split, images=images), pack.cell.recipe).logits
        wrong = logits[pack.slots].numpy().argmax(axis=2) != dataset.test.labels
        errors.append(wrong.mean(axis=1))
    return np.stack(errors, axis=1)
