"""Captured steps: on the CPU, recorded operations stand for the kernels of a CUDA graph."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from scaling.config.recipe import Adam, AdamW, Affine, Augmentation, Cosine, Sgd, Step
from scaling.models.operations import reference_operations
from scaling.store import Checkpoints, open_store
from scaling.train import module, optimisers, train
from scaling.train.step_capture import WARM_UP_STEPS, CapturedStep, CudaCapture, make_capture
from tests.train.recorded_step import RecordedCapture
from tests.train.test_checkpoint import assert_same_bits, interrupt
from tests.train.tiny_packs import LENET, TREE, VGG, cell, few_images, loaded_dataset, pack

pytestmark = pytest.mark.simulation

RECIPES = {
    "sgd": (LENET, {"weight_decay": 1e-3}),
    "plain sgd, mse": (TREE, {"optimizer": Sgd(momentum=0, nesterov=False), "loss": "mse"}),
    "adam, cosine, augmented": (
        LENET,
        {
            "optimizer": Adam(),
            "learning_rate": 0.003,
            "weight_decay": 1e-3,
            "schedule": Cosine(),
            "augmentation": Augmentation(
                crop=2, flip=True, shift=1, affine=Affine(translation=1, scale=0.2, squeeze=0.2, shear=0.2)
            ),
        },
    ),
    "adamw, steps": (
        TREE,
        {"optimizer": AdamW(), "schedule": Step(every=1, factor=0.5), "weight_decay": 0.1},
    ),
    "batch norm": (VGG, {"learning_rate": 0.02}),
}


@pytest.fixture
def captures(monkeypatch) -> list[RecordedCapture]:
    """Let every training capture its steps by a recording, and return the captures.

    The optimiser computes with torch's operations, as on a GPU, because only these are recorded.
    """
    monkeypatch.setattr(optimisers, "supports", lambda parameter: False)
    made: list[RecordedCapture] = []
    modules: list[module.PackModule] = []
    create = module.PackModule.__init__

    def remember(self, *args, **kwargs):
        modules.append(self)
        create(self, *args, **kwargs)

    def changed():
        yield from modules[-1].state_dict().values()
        yield from (modules[-1].loss, modules[-1].correct, modules[-1].step_index)
        yield from modules[-1].state().optimiser.values()

    def make(device):
        made.append(RecordedCapture(changed))
        return made[-1]

    monkeypatch.setattr(module.PackModule, "__init__", remember)
    monkeypatch.setattr(module, "make_capture", make)
    return made


def trained(one_pack, checkpoints=None):
    """Train with torch's operations, as a GPU does: a recording lacks compiled kernels of the CPU."""
    with reference_operations():
        return train(one_pack, loaded_dataset(one_pack.cell.dataset), device="cpu", checkpoints=checkpoints)


@pytest.mark.parametrize(("architecture", "recipe"), RECIPES.values(), ids=RECIPES)
def test_a_replayed_step_reads_nothing_and_gives_the_bits_of_an_eager_one(architecture, recipe, request):
    """A number that Python put into the recorded step would be that of the fourth step in all others."""
    reference = cell(architecture, few_images(architecture), epochs=3, batch_size=25, **recipe)
    one_pack = pack(reference, seeds=range(2))
    eager = trained(one_pack)
    captures = request.getfixturevalue("captures")
    replayed = trained(one_pack)
    (capture,) = captures
    steps = 3 * len(loaded_dataset(reference.dataset).train.labels) // 25
    assert (capture.warm_ups, capture.captures) == (WARM_UP_STEPS, 1)
    assert capture.replays == steps - WARM_UP_STEPS
    assert_same_bits(replayed, eager)
    assert np.array_equal(replayed.diverged, eager.diverged)


def test_a_resumed_pack_captures_again_and_has_the_bits_of_an_uninterrupted_one(
    tmp_path, monkeypatch, captures
):
    one_pack = pack(cell(LENET, few_images(LENET), epochs=3, optimizer=Adam(), learning_rate=0.003))
    checkpoints = Checkpoints(open_store(tmp_path), one_pack.key)

    def sigterm_after(patch, *, steps):
        call = CapturedStep.__call__
        done = []

        def step(self):
            done.append(1)
            if len(done) == steps:
                signal.raise_signal(signal.SIGTERM)
            call(self)

        patch.setattr(CapturedStep, "__call__", step)

    with reference_operations():
        interrupt(monkeypatch, one_pack, checkpoints, sigterm_after, steps=6)
    resumed, whole = trained(one_pack, checkpoints), trained(one_pack)
    assert [capture.replays for capture in captures] == [6 - WARM_UP_STEPS, 6 - WARM_UP_STEPS, 9]
    assert_same_bits(resumed, whole)


def test_the_gradients_of_the_last_step_are_counted_after_its_replay(captures):
    result = trained(pack(cell(TREE, few_images(TREE), epochs=3), seeds=range(2)))
    assert captures[0].replays > 0
    fractions = [epoch.zero_gradients for epoch in result.history]
    assert all(part.shape == (8, 4) for part in fractions)


class FailingCapture(RecordedCapture):
    """Capture that fails as that of a CUDA graph does: the end of the capture fails, too."""

    def __init__(self, reason: Exception) -> None:
        super().__init__(lambda: iter(()))
        self.reason = reason

    def capture(self, step):
        try:
            raise self.reason
        finally:
            raise RuntimeError("operation failed due to a previous error during capture")


def test_a_step_that_cannot_be_captured_keeps_running():
    steps: list[int] = []
    step = CapturedStep(lambda: steps.append(1), FailingCapture(RuntimeError("a copy from the host")))
    for _ in range(WARM_UP_STEPS):
        step()
    with pytest.warns(RuntimeWarning, match="not captured as a CUDA graph and takes longer: a copy from the"):
        step()
    step()
    assert len(steps) == WARM_UP_STEPS + 2
    assert not step.is_captured


def test_a_capture_without_enough_memory_is_an_error_of_memory():
    """The worker then splits the pack."""
    step = CapturedStep(lambda: None, FailingCapture(torch.OutOfMemoryError("CUDA out of memory")))
    for _ in range(WARM_UP_STEPS):
        step()
    with pytest.raises(torch.OutOfMemoryError):
        step()


def test_a_released_step_is_captured_again():
    capture = RecordedCapture(lambda: iter(()))
    total = torch.zeros(1)
    step = CapturedStep(lambda: total.add_(1), capture)
    for _ in range(2):
        for _ in range(WARM_UP_STEPS + 1):
            step()
        assert step.is_captured
        step.release()
        assert not step.is_captured
    assert (capture.captures, capture.replays, total.item()) == (2, 2, 2 * (WARM_UP_STEPS + 1) + 2)


class FakeCuda:
    """Streams and graphs that write down what happens; the current stream is a name."""

    def __init__(self, error: Exception | None = None) -> None:
        self.current, self.events, self.error = "default", [], error

    def Stream(self):
        return FakeStream(self, "side")

    def current_stream(self):
        return FakeStream(self, self.current)

    @contextmanager
    def stream(self, stream):
        before, self.current = self.current, stream.name
        try:
            yield
        finally:
            self.current = before

    def CUDAGraph(self):
        replay = lambda: self.events.append(f"replay on {self.current}")  # noqa: E731
        return SimpleNamespace(replay=replay)

    @contextmanager
    def graph(self, graph, *, stream):
        """Leave the stream of a capture that failed as the current one, as torch does."""
        before, self.current = self.current, stream.name
        self.events.append("begin")
        yield
        self.events.append("end")
        if self.error:
            raise self.error
        self.current = before


@dataclass
class FakeStream:
    cuda: FakeCuda
    name: str

    def wait_stream(self, other: FakeStream) -> None:
        self.cuda.events.append(f"{self.name} waits for {other.name}")


def captured_on(cuda: FakeCuda, monkeypatch) -> CapturedStep:
    for name in ("Stream", "current_stream", "stream", "CUDAGraph", "graph"):
        monkeypatch.setattr(torch.cuda, name, getattr(cuda, name))
    return CapturedStep(lambda: cuda.events.append(f"step on {cuda.current}"), CudaCapture())


def test_warm_up_and_capture_have_one_stream_and_replays_follow_the_current_one(monkeypatch):
    cuda = FakeCuda()
    step = captured_on(cuda, monkeypatch)
    for _ in range(WARM_UP_STEPS + 2):
        step()
    warm_up = ["side waits for default", "step on side", "default waits for side"]
    capture = ["begin", "step on side", "end"]
    assert cuda.events == warm_up * WARM_UP_STEPS + capture + ["replay on default"] * 2
    assert cuda.current == "default"


def test_after_a_capture_that_failed_steps_run_on_the_current_stream(monkeypatch):
    cuda = FakeCuda(RuntimeError("operation not permitted when stream is capturing"))
    step = captured_on(cuda, monkeypatch)
    for _ in range(WARM_UP_STEPS):
        step()
    with pytest.warns(RuntimeWarning, match="not permitted when stream is capturing"):
        step()
    step()
    assert cuda.events[-2:] == ["step on default"] * 2
    assert cuda.current == "default"


def test_nothing_is_captured_on_a_cpu():
    assert make_capture(torch.device("cpu")) is None
