"""The GPU benchmark at toy sizes on the CPU, its time limits, and its record."""

from __future__ import annotations

import subprocess
import sys
from time import sleep

import pytest
import torch

from benchmarks import __main__ as command
from benchmarks import gpu, render
from benchmarks.gpu_convolutions import WAYS, operands
from benchmarks.gpu_equality import plain_losses, step_losses
from benchmarks.gpu_setup import TOY, Sizes, Skipped, make_setup, seconds_per_step
from benchmarks.measurement import Measurement
from benchmarks.results_file import read_results, replace_result, write_results
from scaling.architectures import Lenet5
from tests.benchmarks.planted_results import ENVIRONMENT, measurement

CPU = torch.device("cpu")


@pytest.mark.simulation
def test_without_a_gpu_all_parts_run_at_toy_sizes_and_nothing_is_recorded(capsys):
    assert gpu.measure(3) == []
    first, *lines = capsys.readouterr().out.splitlines()
    assert first == "No GPU: all parts run at toy sizes on the CPU, and nothing is recorded."
    for text in (
        "time, products of patches",
        "equal; at most 8",
        "share of the matrix-product rate",
        "2 packs at once",
        "vmap, eager",
        "one plain process",
        "8 networks, 1 epoch: wall time of the fit",
    ):
        assert any(text in line for line in lines), text
    assert not any("NO" in line or "failed" in line or "skipped" in line for line in lines)


@pytest.mark.simulation
def test_a_training_with_another_rate_is_not_called_equal():
    setup = make_setup(CPU, TOY, 100.0)
    network, recipe = Lenet5(filters=2), {"precision": "fp32", "learning_rate": 0.02}
    expected = plain_losses(setup, network, recipe | {"schedule": {"type": "constant"}})
    other = setup.make_module(
        network, TOY.oracle_replicas, **recipe | {"schedule": {"type": "constant"}, "learning_rate": 0.0201}
    )
    losses = step_losses(other, TOY.oracle_steps)
    assert (losses[0] - expected[0]).abs().max() < 1e-5
    assert (losses[1:] - expected[1:]).abs().max() > 1e-4


@pytest.mark.simulation
def test_steps_of_packs_that_take_turns_are_those_of_packs_alone():
    setup = make_setup(CPU, TOY, 100.0)
    together = [setup.make_module(Lenet5(filters=1), 2) for _ in range(2)]
    alone = setup.make_module(Lenet5(filters=1), 2)
    streams = [setup.new_stream() for _ in together]
    assert seconds_per_step(setup, together, streams) > 0
    assert seconds_per_step(setup, [alone]) > 0
    for module in together:
        for one, other in zip(module.networks.parameters(), alone.networks.parameters(), strict=True):
            assert torch.equal(one, other)


def test_all_ways_to_convolve_give_the_same_maps_and_gradients():
    x, filters = operands(CPU, Lenet5(filters=3), 2, torch.float64)
    first, *others = (
        (maps, *torch.autograd.grad(maps.square().sum(), (x, filters)))
        for maps in (way(x, filters) for way in WAYS.values())
    )
    for other in others:
        torch.testing.assert_close(other, first, rtol=1e-10, atol=1e-9)


def script(text: str) -> list[str]:
    return [sys.executable, "-S", "-c", text]


def print_results(*results) -> str:
    return "".join(f"print({gpu.encode(result)!r}, flush=True)\n" for result in results)


def test_results_of_a_part_are_read_from_its_output():
    measured, skipped = measurement("gpu", note="R=8"), Skipped("d1=96", "no time left")
    text = print_results(measured, skipped) + "print('a warning of a library')\nprint(3)\nprint('{}')\n"
    assert gpu.run_isolated(script(text), "speed", 60.0) == [measured, skipped]


def test_results_before_an_error_are_kept_and_the_error_is_named():
    measured = measurement("gpu")
    text = print_results(measured) + "raise ValueError('an illegal memory access')"
    *results, failure = gpu.run_isolated(script(text), "speed", 60.0)
    assert results == [measured]
    assert failure.reason.startswith("exit code 1: ")
    assert failure.reason.endswith("ValueError: an illegal memory access")


def test_results_before_the_time_limit_are_kept_and_the_part_may_report_its_end(monkeypatch, tmp_path):
    """The limit is reached when the part waits, not after a time, so that a busy machine changes nothing."""
    measured, end, waits = measurement("gpu"), Skipped("study", "3 networks trained"), tmp_path / "waits"
    limit_s = 0.25

    class Process(subprocess.Popen):
        def wait(self, timeout=None):
            if timeout != limit_s:
                return super().wait(timeout)
            while not waits.exists():
                sleep(0.01)
            raise subprocess.TimeoutExpired(self.args, timeout)

    monkeypatch.setattr(gpu.subprocess, "Popen", Process)
    text = (
        f"import time\ntry:\n {print_results(measured)} open({str(waits)!r}, 'w').close()\n time.sleep(60)\n"
        f"except KeyboardInterrupt:\n {print_results(end)}"
    )
    results = gpu.run_isolated(script(text), "study", limit_s)
    assert results == [measured, end, Skipped("study", "stopped after 0 s")]


def test_parts_for_which_no_time_is_left_are_skipped_and_the_others_get_what_is_left(monkeypatch, capsys):
    clock, asked = [0.0], []

    def run_isolated(command, name, seconds):
        asked.append((name, seconds))
        clock[0] += 150.0
        return [measurement("gpu"), Skipped(name, "a reason")]

    monkeypatch.setattr(gpu.torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(gpu.torch.cuda, "get_device_name", lambda: "A GPU")
    monkeypatch.setattr(gpu, "monotonic", lambda: clock[0])
    monkeypatch.setattr(gpu, "run_isolated", run_isolated)
    assert gpu.measure(2) == [measurement("gpu")] * 3
    assert asked == [("equality", 50), ("speed", 120), ("study", 110)]
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "A GPU: 440 s at most"
    late = ("packs_at_once", "convolutions", "rivals")
    assert lines[1:] == [f"{name}: skipped: no time left" for name in late]


def test_all_parts_together_have_the_time_that_they_may_take():
    assert sum(part.seconds for part in gpu.PARTS) <= gpu.TOTAL_S + 15
    assert gpu.TOTAL_S + 15 < 8 * 60
    assert Sizes().replicas[0] == 8


def test_an_empty_benchmark_leaves_the_record_as_it_is(monkeypatch, tmp_path):
    file = tmp_path / "benchmarks.json"
    monkeypatch.setattr(command, "import_module", lambda name: type("", (), {"measure": lambda rounds: []}))
    monkeypatch.setattr(command, "write_results", lambda results: write_results(results, file))
    monkeypatch.setattr(command.render, "write_tables", lambda results: None)
    monkeypatch.setattr(sys, "argv", ["benchmarks", "gpu"])
    command.main()
    assert not file.exists()


def test_the_record_and_the_table_name_the_gpu(tmp_path):
    from dataclasses import replace

    environment = replace(ENVIRONMENT, gpu="NVIDIA H200")
    results = replace_result({}, "gpu", measurements=[measurement("gpu")], environment=environment)
    write_results(results, tmp_path / "results.json")
    assert read_results(tmp_path / "results.json") == results
    assert "NVIDIA H200, torch" in render.gpu_table(results)
    assert render.gpu_table({}) == render.NO_GPU_MEASURED
    assert isinstance(results["gpu", "Anything"].measurements[0], Measurement)
