"""Baselines: the counts of what a fit stores, and the settings that have no meaning for them."""

from __future__ import annotations

import sys

import pytest

from scaling.architectures import (
    Knn,
    LinearClassifier,
    Net1,
    Svm,
    has_seeds,
    has_widths,
    is_fitted,
    registered,
)
from scaling.architectures.description import CIFAR10_IMAGE, MNIST_IMAGE
from scaling.errors import UsageError

BASELINES = [Svm(), Knn(), LinearClassifier()]
each = pytest.mark.parametrize("spec", BASELINES, ids=lambda spec: spec.type)


def test_a_linear_classifier_has_the_published_parameters():
    table = LinearClassifier().layer_table(MNIST_IMAGE)
    assert table.parameters == table.connections == 10 * (28 * 28 + 1) == 7_850
    assert table.macs == 10 * 28 * 28


def test_a_support_vector_machine_stores_vectors_and_their_coefficients_in_nine_machines():
    table = Svm().fitted_layer_table(CIFAR10_IMAGE, stored=7)
    assert table.parameters == 7 * 3 * 32 * 32 + 9 * 7 + 45
    assert table.macs == 7 * 3 * 32 * 32 + 9 * 7


def test_neighbours_store_the_training_images():
    table = Knn(k=5).fitted_layer_table(MNIST_IMAGE, stored=60_000)
    assert table.parameters == table.macs == 60_000 * 28 * 28


@each
def test_a_baseline_has_no_width(spec):
    assert spec.filters == spec.filters_total(MNIST_IMAGE) == 1
    assert spec.problem(MNIST_IMAGE) is None
    wide = spec.model_copy(update={"filters": 2})
    assert wide.problem(MNIST_IMAGE).text == f"expected 1, because {spec.type} has no filters, got 2"
    assert spec.cost_problem(MNIST_IMAGE, {"macs"}).field == "macs"


@each
def test_time_and_memory_grow_with_the_images(spec):
    few, many = ({"trained": trained, "scored": 100} for trained in (1_000, 2_000))
    profile = spec.fit_profile
    assert 0 < profile.seconds(MNIST_IMAGE, **few) < profile.seconds(MNIST_IMAGE, **many)
    assert 0 < profile.memory_bytes(MNIST_IMAGE, **few) < profile.memory_bytes(MNIST_IMAGE, **many)


def test_only_baselines_are_fitted_in_one_go():
    types = [spec.model_fields["type"].default for spec in registered()]
    assert {name for name in types if is_fitted(name)} == {spec.type for spec in BASELINES}
    assert not is_fitted("unknown")


def test_only_baselines_have_no_seeds_and_only_a_single_layer_has_no_widths_either():
    types = {spec.model_fields["type"].default: spec for spec in registered()}
    assert {name for name in types if not has_seeds(name)} == {spec.type for spec in BASELINES}
    assert {types[name] for name in types if not has_widths(name)} == {*map(type, BASELINES), Net1}
    assert has_seeds("unknown")
    assert has_widths("unknown")


@each
def test_a_missing_scikit_learn_is_named_with_its_extra(spec, monkeypatch):
    spec.check_packages()
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(UsageError, match=rf"^{spec.type}: .*pip install 'scaling-studies\[history\]'"):
        spec.check_packages()
