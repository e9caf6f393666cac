"""An architecture from outside the package goes through every use case once it is registered."""

from __future__ import annotations

import importlib
import sys

import pytest
import torch

from scaling import api
from scaling.architectures import Lenet5, registered, unregister
from scaling.architectures.registry import network_path, register
from scaling.errors import ConfigError
from scaling.models import build
from scaling.settings import ImageShape
from scaling.train import measure_speed
from scaling.train.measure_speed import EpochTime, TimingCase, benchmark_cases, measure_steps, network_time

STUDY = """\
study: toys
dataset: {type: synthetic, size: 300, test_size: 200, side: 8}
architectures: [{type: toy, filters: [1, 2, 3, 4, 6, 8], kernel: [2, 3]}]
recipe: {epochs: 2, batch_size: 50, precision: fp32}
seeds: 2
"""


@pytest.fixture
def toy():
    """The module that registers the architecture, imported for one test."""
    module = importlib.import_module("tests.toy_architecture")
    yield module
    unregister(module.Toy)
    del sys.modules["tests.toy_architecture"]


@pytest.fixture
def study(tmp_path):
    file = tmp_path / "toys.yaml"
    file.write_text(STUDY)
    return file


@pytest.fixture
def workspace(tmp_path):
    return api.Workspace(store=str(tmp_path / "store"), data=tmp_path, artifacts=tmp_path / "artifacts")


def test_plan_run_fit_and_report(toy, study, workspace):
    plan = api.plan(study, workspace)
    assert plan.new == 6 * 2 * 2
    rows = plan.rows()
    assert {row.label for row in rows} == {"toy, 2-pixel kernel", "toy, 3-pixel kernel"}
    assert all(row.memory_bytes > 0 and row.core_s > 0 for row in rows)
    assert rows[0].cell.layer_table().parameters == 1 * (4 + 1) + 10 * (1 * 3 * 3 + 1)

    outcome = api.run(study, workspace, in_process=True, quiet=True)
    assert (outcome.trained, outcome.failures) == (24, ())
    assert api.plan(study, workspace).new == 0
    runs = api.load_results(study, workspace).final_runs
    assert set(runs["architecture"].to_pylist()) == {"toy"}
    assert set(runs["depth"].to_pylist()) == {2}

    fits = api.fit(str(study), workspace)
    assert [fit.label for fit in fits] == ["toy, 2-pixel kernel", "toy, 3-pixel kernel"]
    assert all(fit.points.widths.tolist() == [1, 2, 3, 4, 6, 8] for fit in fits)

    report = api.report(study, workspace)
    assert "toy, 3-pixel kernel" in report.path.read_text()


def test_bench_measures_the_networks_that_the_architecture_names(toy, monkeypatch):
    monkeypatch.setattr(measure_speed, "_EPOCH_S", 0.01)
    monkeypatch.setattr(measure_speed, "_IMAGES", 500)
    measure_speed._synthetic_dataset.cache_clear()
    cases = [case for case in benchmark_cases() if case.architecture.type == "toy"]
    assert cases == [
        TimingCase(toy.Toy(filters=filters), channels, 8, precision)
        for channels in (1, 3)
        for precision in ("bf16", "fp32")
        for filters in (1, 2)
    ]
    time = network_time(cases[0], measure_steps(cases[0], EpochTime(0.0, 0.0)))
    measure_speed._synthetic_dataset.cache_clear()
    assert time.train_s > 0
    assert time.evaluate_s > 0
    assert cases[0].depth is None


def test_models_lists_its_catalogue(toy):
    (entry,) = [entry for entry in api.list_models() if entry.name == "toy"]
    assert entry.to_dict()["parameters"] == 2 * (9 + 1) + 3 * (2 * 3 * 3 + 1)


def test_replicas_depend_on_their_own_seed_alone(toy):
    spec, image = toy.Toy(filters=2), ImageShape(1, 8, 3)
    pixels = torch.randn(5, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    alone, together = build(spec, image, [7]), build(spec, image, [3, 7])
    assert torch.allclose(together(pixels)[1], alone(pixels)[0], atol=1e-6)


def test_an_unknown_type_is_answered_with_the_registered_ones(toy, study, workspace):
    study.write_text(STUDY.replace("type: toy", "type: toi"))
    with pytest.raises(ConfigError, match=r"architectures\[0\]\.type.*'lenet5', 'tree3', .*, 'toy'"):
        api.plan(study, workspace)


def test_an_unknown_key_is_answered_with_the_keys_of_the_architecture(toy, study, workspace):
    study.write_text(STUDY.replace("kernel:", "kernels:"))
    with pytest.raises(ConfigError, match=r"architectures\[0\]\.kernels: .*did you mean kernel\?"):
        api.plan(study, workspace)


def test_without_registration_the_type_is_unknown(study, workspace):
    with pytest.raises(ConfigError, match=r"architectures\[0\]\.type.*'lenet5', 'tree3', .*, got 'toy'"):
        api.plan(study, workspace)


def test_two_architectures_cannot_share_a_type():
    class Other(Lenet5):
        """Another network with the type of LeNet-5."""

    with pytest.raises(ValueError, match=r"Other\.type: 'lenet5' is registered for .*Lenet5; choose another"):
        register(Other, network="tests.toy_architecture:PackedToy")
    assert Lenet5 in registered()
    assert network_path(Lenet5(filters=1)) == "scaling.models.lenet5:PackedLenet5"
