"""Linear separability: planted sets, theorems of counting and of convex hulls, and both certificates."""

from __future__ import annotations

from itertools import product
from math import comb

import numpy as np
import pytest

from scaling.fit import separability
from scaling.fit.separability import TOLERANCE, Verdict, decide_separability


def check(images, labels):
    """Return the result after a check of its separator or its certificate by plain loops."""
    result = decide_separability(images, labels)
    classes = sorted(set(labels.tolist()))
    assert result.margin <= result.bound + 1e-9
    if result.verdict is Verdict.SEPARABLE:
        assert np.abs(result.weights).max() <= 1
        for image, label in zip(images, labels, strict=True):
            outputs = [w @ image + b for w, b in zip(result.weights, result.biases, strict=True)]
            own = outputs.pop(classes.index(label))
            assert all(own - other > result.margin - 1e-9 for other in outputs)
    else:
        assert result.verdict is Verdict.INSEPARABLE
        terms = result.certificate
        assert (terms.shares > 0).all()
        assert terms.shares.sum() == pytest.approx(1)
        for label, index in zip(classes, range(len(classes)), strict=True):
            total, weight = np.zeros(images.shape[1]), 0.0
            for image, rival, share in zip(terms.images, terms.rivals, terms.shares, strict=True):
                sign = (labels[image] == label) * 1.0 - (rival == index) * 1.0
                total, weight = total + sign * share * images[image], weight + sign * share
            assert np.abs(total).sum() <= TOLERANCE
            assert abs(weight) <= TOLERANCE
    return result


def test_labels_of_a_single_layer_with_a_margin_are_separable():
    rng = np.random.default_rng(0)
    images, weights, biases = rng.random((400, 6)), rng.uniform(-1, 1, (4, 6)), rng.uniform(-0.3, 0.3, 4)
    outputs = np.sort(images @ weights.T + biases, axis=1)
    clear = outputs[:, -1] - outputs[:, -2] > 0.1
    images = images[clear]
    labels = (images @ weights.T + biases).argmax(axis=1)
    result = check(images, labels)
    assert result.verdict is Verdict.SEPARABLE
    assert result.margin >= 0.1  # the layer itself has weights between -1 and 1


def test_the_same_image_in_two_classes_is_not_separable():
    rng = np.random.default_rng(1)
    images, labels = rng.random((30, 40)), np.arange(30) % 3
    assert check(images, labels).verdict is Verdict.SEPARABLE
    assert check(np.vstack([images, images[:1]]), np.append(labels, 1)).verdict is Verdict.INSEPARABLE


def test_exclusive_or_is_not_separable():
    corners = np.array([[0, 0], [1, 1], [0, 1], [1, 0]], float)
    result = check(corners, np.array([0, 0, 1, 1]))
    assert result.verdict is Verdict.INSEPARABLE
    # The only point that both diagonals have in common is their middle.
    assert result.certificate.shares == pytest.approx([0.25] * 4)


@pytest.mark.parametrize(("points", "inputs"), [(5, 1), (6, 2), (5, 3)])
def test_the_number_of_separable_dichotomies_is_that_of_the_counting_theorem(points, inputs):
    """Cover (1965): N points in general position have 2 sum_k (N-1 choose k), k up to the dimension."""
    images = np.random.default_rng(2).random((points, inputs))
    separable = sum(
        check(images, np.array([0, *labels])).verdict is Verdict.SEPARABLE
        for labels in product([0, 1], repeat=points - 1)
        if any(labels)
    )
    # A dichotomy and its opposite are separable together; that of a single class is left out here.
    assert 2 * (separable + 1) == 2 * sum(comb(points - 1, k) for k in range(inputs + 1))


@pytest.mark.parametrize("distance", [0.5, 0.01])
def test_the_margin_of_two_classes_is_the_distance_of_their_hulls(distance):
    """The 1-norm of the difference between the nearest corners of two boxes."""
    box = 0.2 * np.array(list(product([0, 1], repeat=3)))
    images = np.vstack([box, box + 0.2 + distance * np.array([0.5, 0.3, 0.2])])
    result = check(images, np.repeat([0, 1], 8))
    assert result.margin == pytest.approx(distance, abs=1e-9)
    assert result.bound == pytest.approx(distance, abs=1e-7)


def test_all_classes_can_be_separable_although_one_is_not_against_the_others():
    images, labels = np.array([[0.0], [0.5], [1.0]]), np.array([0, 1, 2])
    assert check(images, labels).verdict is Verdict.SEPARABLE
    verdicts = [check(images, (labels == label).astype(int)).verdict for label in range(3)]
    assert verdicts == [Verdict.SEPARABLE, Verdict.INSEPARABLE, Verdict.SEPARABLE]


@pytest.mark.parametrize("is_separable", [True, False])
def test_constraints_that_enter_later_change_nothing(monkeypatch, is_separable):
    rng = np.random.default_rng(3)
    images = rng.random((60, 3))
    labels = (images @ [1, 0.5, -1] > 0.3).astype(int)
    if not is_separable:
        labels[7] = 1 - labels[7]
    whole = check(images, labels)
    monkeypatch.setattr(separability, "_FIRST_CONSTRAINTS", 4)
    monkeypatch.setattr(separability, "_ADDED_CONSTRAINTS", 3)
    grown = check(images, labels)
    assert grown.verdict is whole.verdict is (Verdict.SEPARABLE if is_separable else Verdict.INSEPARABLE)
    if is_separable:
        assert grown.margin == pytest.approx(whole.margin, abs=1e-7)


def test_a_single_class_is_refused():
    with pytest.raises(ValueError, match="all images are of one class"):
        decide_separability(np.eye(3), np.zeros(3, int))
