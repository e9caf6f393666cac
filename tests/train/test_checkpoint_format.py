"""Decoding of checkpoints: whatever a checkpoint holds, it is a possible state or refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from safetensors.torch import load, save
from torch import Tensor

from scaling.store import CheckpointError
from scaling.train.checkpoint import METRICS, StateBounds, TrainingState, decode_state, encode_state
from scaling.train.epoch_metrics import EpochMetrics

BOUNDS = StateBounds(epochs=3, steps_per_epoch=4, fractions=5)
R, KEY = 2, "pack"


def epoch(number: int) -> EpochMetrics:
    names = ("train_loss", "train_accuracy", "val_loss", "val_accuracy", "test_loss", "test_accuracy")
    metrics = {name: torch.rand(R, dtype=torch.float64) for name in names}
    fractions = torch.rand(R, BOUNDS.fractions)
    return EpochMetrics(number=number, lr_factor=0.5, wall_s=1.5, zero_gradients=fractions, **metrics)


def state(*, epochs: int = 2, step: int = 3, fractions: tuple[int, ...] = (0,)) -> TrainingState:
    return TrainingState(
        networks={"weights.c1": torch.rand(R, 3)},
        optimiser={"weights.c1.momentum": torch.rand(R, 3)},
        history=[epoch(number) for number in range(1, epochs + 1)],
        diverged=torch.zeros(R, dtype=torch.bool),
        step=step,
        loss=torch.rand(R),
        correct=torch.rand(R),
        zero_gradients=torch.rand(fractions),
        wall_s=3.5,
    )


def decode(tensors: dict[str, Tensor]) -> TrainingState:
    return decode_state(save(tensors), key=KEY, like=state(epochs=0), bounds=BOUNDS)


TENSORS = load(encode_state(state(), key=KEY))
FULL = (R, BOUNDS.fractions)
STATES = [state(), state(epochs=0, step=0), state(epochs=1, step=4, fractions=FULL)]


@pytest.mark.parametrize("whole", STATES, ids=["in an epoch", "at the start", "after the last step"])
def test_possible_state_is_decoded(whole: TrainingState) -> None:
    data = encode_state(whole, key=KEY)
    decoded = decode_state(data, key=KEY, like=state(epochs=0), bounds=BOUNDS)
    assert encode_state(decoded, key=KEY) == data


SHAPES: dict[str, Callable[[Tensor], Tensor]] = {
    "0-d": lambda tensor: torch.zeros((), dtype=tensor.dtype),
    "three values": lambda tensor: torch.zeros(3, dtype=tensor.dtype),
    "one row more": lambda tensor: torch.cat([tensor.reshape(-1, *tensor.shape[1:])] * 2),
    "one row less": lambda tensor: tensor.reshape(-1, *tensor.shape[1:])[1:],
    "one axis more": lambda tensor: tensor[None],
    "empty": lambda tensor: tensor.new_empty(0),
    "complex": lambda tensor: tensor.to(torch.complex64),
    "text": lambda tensor: torch.zeros(tensor.shape, dtype=torch.uint8),
    "half": lambda tensor: tensor.to(torch.float16),
}


@pytest.mark.parametrize("change", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("name", sorted(TENSORS.keys() - {"format", "key"}))
def test_tensor_of_another_shape_or_type_is_refused(name: str, change: Callable[[Tensor], Tensor]) -> None:
    """A metric may have less precision: it is only printed and stored."""
    changed = change(TENSORS[name]).contiguous()
    is_same = changed.shape == TENSORS[name].shape and (
        changed.dtype == TENSORS[name].dtype
        or (changed.dtype == torch.float16 and name.startswith(("history.", "zero_")))
    )
    is_same &= name != "history.number" or changed.dtype == torch.int64
    if is_same:
        decode(TENSORS | {name: changed})
        return
    with pytest.raises(CheckpointError):
        decode(TENSORS | {name: changed})


VALUES = {
    "negative step": {"step": torch.tensor(-5)},
    "step after the epoch": {"step": torch.tensor(5)},
    "fraction": {"step": torch.tensor(0.5)},
    "no number": {"step": torch.tensor(torch.nan)},
    "last step without its fractions": {"step": torch.tensor(4)},
    "fractions before the last step": {"zero_gradients": torch.rand(FULL)},
    "no time": {"wall_s": torch.tensor(torch.nan, dtype=torch.float64)},
    "infinite time": {"wall_s": torch.tensor(torch.inf, dtype=torch.float64)},
    "negative time": {"wall_s": torch.tensor(-1.0, dtype=torch.float64)},
    "epoch twice": {"history.number": torch.tensor([1, 1])},
    "epoch missing": {"history.number": torch.tensor([1, 3])},
    "another metric": {"history.rank": torch.zeros(2, R)},
    "more epochs than the training has": load(encode_state(state(epochs=3), key=KEY)),
    "another pack": load(encode_state(state(), key="other")),
    "another format": {"format": torch.tensor([1, 1])},
}


@pytest.mark.parametrize("change", VALUES.values(), ids=VALUES)
def test_impossible_value_is_refused(change: dict[str, Tensor]) -> None:
    with pytest.raises(CheckpointError):
        decode(TENSORS | change)


@pytest.mark.parametrize("name", sorted(TENSORS))
def test_missing_tensor_is_refused_unless_a_training_may_lack_it(name: str) -> None:
    rest = {other: value for other, value in TENSORS.items() if other != name}
    if name in ("history.val_loss", "history.val_accuracy", "history.zero_gradients"):
        metric = name.removeprefix("history.")
        assert metric in METRICS
        assert [getattr(row, metric) for row in decode(rest).history] == [None, None]
    else:
        with pytest.raises(CheckpointError):
            decode(rest)
