"""A ratio compares the epochs of a training with the estimate of the same training."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from benchmarks import step_estimates
from benchmarks.step_estimates import (
    Case,
    Ratio,
    actual_relative_to_estimate,
    historic_cases,
    modern_cases,
)
from scaling.architectures import Net5, registered
from scaling.architectures.history.base import PublishedArchitecture
from scaling.config import Recipe
from scaling.config.recipe import Sgd
from scaling.plan.time_estimate import EVALUATION_BATCH, training_seconds
from tests.plan.example_speed import curve, speed

EPOCH_S, STEP_S = 0.5, 0.25


@pytest.fixture
def case(monkeypatch):
    """A case of 40 images, 10 in a batch."""
    monkeypatch.setattr(step_estimates, "_IMAGES", 40)
    monkeypatch.setattr(step_estimates, "_TEST_IMAGES", 20)
    recipe = Recipe(batch_size=10, precision="fp32", optimizer=Sgd(momentum=0.0, nesterov=False))
    return Case(name="net5", image=(16, 1), architecture=Net5(filters=2), recipe=recipe)


def test_the_ratio_is_that_of_the_median_epoch_after_the_first(case):
    """The epochs end after 9, 10 and 13 seconds; the estimate of an epoch is half a second and its steps."""
    machine_speed = speed(curve((100, STEP_S, 1e-12, 1e-12)), epoch_s=EPOCH_S)
    steps = round(step_estimates._EPOCH_S / (EPOCH_S + 4 * STEP_S) * 4)
    clock = iter([9.0, 10.0, 13.0])
    ratio = actual_relative_to_estimate(case, machine_speed, lambda: next(clock))
    assert ratio == pytest.approx(2.0 / (EPOCH_S + steps * STEP_S * case_scale(case)), rel=1e-6)


def test_the_change_of_the_machine_is_that_of_the_reference_before_and_after(case, monkeypatch):
    ratios = iter([1.2, 3.0, 1.8])
    monkeypatch.setattr(step_estimates, "actual_relative_to_estimate", lambda *_: next(ratios))
    ratio = step_estimates.ratio_beside_reference(case, speed())
    assert ratio == (3.0, 1.5)


def test_the_change_of_the_machine_is_divided_out(monkeypatch):
    """The reference takes the usual time for two cases, and twice that for the third one."""
    ratios = {"a": Ratio(1.2, 1.1), "b": Ratio(1.5, 1.1), "c": Ratio(2.4, 2.2)}
    cases = [Case(name=name, image=(16, 1), architecture=Net5(filters=2)) for name in ratios]
    monkeypatch.setattr(step_estimates, "modern_cases", lambda: cases)
    monkeypatch.setattr(step_estimates, "historic_cases", lambda: [])
    monkeypatch.setattr(step_estimates, "ratio_beside_reference", lambda case, _: ratios[case.name])
    monkeypatch.setattr(step_estimates, "ProcessPoolExecutor", lambda *_, **__: ThreadPoolExecutor(2))
    values = {(row.case, row.quantity[:16]): row.value for row in step_estimates.measure(2)}
    assert [values[name, "time of an epoch"] for name in "abc"] == pytest.approx([1.2, 1.5, 1.2])
    counts = [row.value for row in step_estimates.measure(2) if row.quantity.startswith("estimates within")]
    assert counts == [1, 2]


def case_scale(case: Case) -> float:
    """Return the network's multiply-adds over those of the only point, to which a step is proportional."""
    return case.cell(10, epochs=1).layer_table().macs / 100


def test_a_case_trains_a_subset_of_its_images_for_some_epochs(case):
    cell = case.cell(30, epochs=5)
    assert (cell.dataset.train_size(cell.info), cell.recipe.epochs, cell.info.test_images) == (30, 5, 20)
    assert training_seconds(cell, 8, speed()) > 0


def test_the_cases_cover_batch_sizes_optimisers_pooling_depths_and_all_historic_networks():
    cases = [*modern_cases(), *historic_cases()]
    names = [case.name for case in cases]
    assert len(set(names)) == len(names)
    assert {case.recipe.batch_size for case in cases} >= {1, 10, 100, 1000}
    assert {case.recipe.optimizer.type for case in cases} == {"sgd", "adam", "adamw"}
    assert {case.architecture.timing_variant for case in cases} == {
        "", "general", "small kernel", "one convolution", "tanh", "many branches"
    }  # fmt: skip
    depths = {case.architecture.depth for case in cases if case.architecture.type == "vgg"}
    assert depths == {6, 8, 11, 13, 16}
    types = {case.architecture.type for case in cases}
    published = {
        spec.model_fields["type"].default for spec in registered() if issubclass(spec, PublishedArchitecture)
    }
    assert types >= published - {"lenet1_teaching"}  # which no config trains
    assert step_estimates._TEST_IMAGES >= EVALUATION_BATCH
