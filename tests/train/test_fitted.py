"""Baselines: stored predictions equal scikit-learn's own on the same arrays."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC
from threadpoolctl import threadpool_info

from scaling.architectures import AnyArchitecture, Knn, LinearClassifier, Svm
from scaling.config import Cell, CellRun, Recipe
from scaling.datasets import Synthetic
from scaling.errors import UsageError
from scaling.models import baselines
from scaling.plan import Pack
from scaling.plan.packs import make_packs
from scaling.store import collect_provenance
from scaling.train import build_tables, train
from tests.train.tiny_packs import NOWHERE, loaded_dataset

DATA = Synthetic(size=400, test_size=200, side=8, noise=0.65, validation=60, train_images=300)
CASES = {
    "svm": (Svm(C=3.0), SVC(C=3.0)),
    "svm with a given kernel": (Svm(C=3.0, gamma=0.02), SVC(C=3.0, gamma=0.02)),
    "knn": (Knn(k=4), KNeighborsClassifier(n_neighbors=4)),
    "linear_classifier": (LinearClassifier(C=0.1), LogisticRegression(C=0.1, max_iter=2000)),
}
each_case = pytest.mark.parametrize(("spec", "estimator"), CASES.values(), ids=CASES)


def pack(spec: AnyArchitecture, dataset: Synthetic = DATA, **recipe: object) -> Pack:
    cell = Cell(dataset=dataset, info=dataset.info(NOWHERE), architecture=spec, recipe=Recipe(**recipe))
    (only,) = make_packs([CellRun(cell, cell.run(0))])
    return only


def arrays(dataset: Synthetic) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the training inputs and labels, and those of the test: pixels over 255, in fp32."""
    known = loaded_dataset(dataset)

    def inputs(images: np.ndarray) -> np.ndarray:
        return (images.reshape(len(images), -1) * np.float32(1 / 255)).astype(float)

    index = known.train_index
    return (
        inputs(known.train.images[index]),
        known.train.labels[index],
        inputs(known.test.images),
        known.test.labels,
    )


@each_case
def test_predictions_equal_those_of_scikit_learn(spec, estimator):
    train_inputs, train_labels, test_inputs, test_labels = arrays(DATA)
    estimator.fit(train_inputs, train_labels)
    expected = estimator.predict(test_inputs)
    result = train(pack(spec, input_range=(0, 1)), loaded_dataset(DATA))
    assert result.logits.shape == (1, 200, 10)
    np.testing.assert_array_equal(result.logits[0].argmax(1), expected)
    (metrics,) = result.history
    assert metrics.test_accuracy.item() == np.mean(expected == test_labels)
    assert metrics.train_accuracy.item() == estimator.score(train_inputs, train_labels)
    assert metrics.test_accuracy.item() > 0.25
    assert metrics.val_accuracy.item() > 0.25


def test_scores_keep_the_differences_of_scikit_learn():
    train_inputs, train_labels, test_inputs, _ = arrays(DATA)
    estimator = CASES["linear_classifier"][1].fit(train_inputs, train_labels)
    logits = train(pack(LinearClassifier(C=0.1), input_range=(0, 1)), loaded_dataset(DATA)).logits[0]
    expected = estimator.decision_function(test_inputs)
    expected -= expected.max(axis=1, keepdims=True)
    np.testing.assert_allclose(logits, expected, rtol=2**-10, atol=1e-5)  # one unit of float16


def test_the_margin_of_a_support_vector_machine_is_that_of_its_closest_decision():
    """Class 1 beats both others, by 2 and 0.5. In the second image, each class beats one: the first wins."""
    decisions = np.array([[-2.0, 3.0, 0.5], [1.0, -0.3, 0.7]])
    scores = baselines.scores_of_pairs(decisions)
    np.testing.assert_array_equal(scores[0], [-2, 0, -0.5])
    np.testing.assert_array_equal(scores[1], [0, -1, -baselines.CLOSEST_LEAD])
    assert (scores.astype(np.float16).argmax(axis=1) == [1, 0]).all()


def test_the_row_counts_what_the_fit_stored():
    train_inputs, train_labels, *_ = arrays(DATA)
    vectors = SVC(C=3.0).fit(train_inputs, train_labels).n_support_.sum()
    runs = {}
    for spec in (Svm(C=3.0), Knn(), LinearClassifier()):
        result = train(pack(spec, input_range=(0, 1)), loaded_dataset(DATA))
        tables = build_tables(result, loaded_dataset(DATA), collect_provenance())
        (runs[spec.type],) = tables["runs"].to_pylist()
        (epoch,) = tables["epochs"].to_pylist()
        assert epoch["test_loss"] == epoch["test_error"] == pytest.approx(runs[spec.type]["test_error"])
    assert runs["svm"]["parameters"] == vectors * 64 + 9 * vectors + 45
    assert runs["knn"]["macs"] == 300 * 64
    assert runs["linear_classifier"]["parameters"] == 10 * (64 + 1)
    assert {(row["replicas"], row["threads"], row["zero_gradients"]) for row in runs.values()} == {
        (1, 1, None)
    }


@pytest.mark.parametrize("spec", [Svm(), LinearClassifier()], ids=lambda spec: spec.type)
def test_two_classes_have_two_scores(spec):
    dataset = Synthetic(size=60, test_size=40, side=8, classes=2)
    result = train(pack(spec, dataset), loaded_dataset(dataset))
    assert result.logits.shape == (1, 40, 2)
    assert result.history[0].test_accuracy.item() > 0.8


def test_a_class_without_training_images_has_the_lowest_score():
    classifier = baselines.NeighboursClassifier(Knn(k=1), DATA.info(NOWHERE).image)
    inputs = np.eye(64)[:3]
    classifier.fit(inputs, np.array([2, 5, 7]))
    scores = classifier.scores(inputs)
    np.testing.assert_array_equal(scores.argmax(axis=1), [2, 5, 7])
    assert (np.delete(scores, [2, 5, 7], axis=1) < scores[:, [2, 5, 7]].min()).all()


def test_a_fit_uses_one_thread(monkeypatch):
    threads = []

    class Watched(KNeighborsClassifier):
        def fit(self, inputs: np.ndarray, labels: np.ndarray) -> None:
            threads.extend(pool["num_threads"] for pool in threadpool_info())
            super().fit(inputs, labels)

    monkeypatch.setattr("sklearn.neighbors.KNeighborsClassifier", Watched)
    train(pack(Knn()), loaded_dataset(DATA))
    assert set(threads) == {1}


def test_a_fit_that_does_not_converge_fails(monkeypatch):
    monkeypatch.setattr(baselines, "MAX_STEPS", 2)
    with pytest.raises(UsageError, match="has not converged after 2 steps; give a smaller C than 1"):
        train(pack(LinearClassifier()), loaded_dataset(DATA))


def test_more_neighbours_than_training_images_are_refused():
    with pytest.raises(UsageError, match="at most 300, the number of training images, got 301"):
        train(pack(Knn(k=301)), loaded_dataset(DATA))


def test_a_missing_scikit_learn_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(UsageError, match=r"pip install 'scaling-studies\[history\]'"):
        train(pack(Svm()), loaded_dataset(DATA))
