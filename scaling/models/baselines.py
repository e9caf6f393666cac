"""Classifiers of scikit-learn with the interface of ``scaling.models.FittedClassifier``.

Sources: see ``scaling.architectures.baselines``.
"""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from math import isqrt
from typing import Any, Generic, TypeVar

import numpy as np
from jaxtyping import Float, Integer
from numpy.typing import NDArray

from scaling.architectures import LayerTable
from scaling.architectures.baselines import SVM_CACHE_MIB, Baseline, Knn, LinearClassifier, Svm
from scaling.errors import UsageError
from scaling.settings import ImageShape

MAX_STEPS = 2000
"""Steps after which the optimiser of a logistic regression is given up."""
CLOSEST_LEAD = 2.0**-20
"""Least lead of the predicted class over another one, so that float16 can represent it."""

Spec = TypeVar("Spec", bound=Baseline)
Inputs = Float[np.ndarray, "images pixels"]
Scores = Float[np.ndarray, "images classes"]


class _Classifier(ABC, Generic[Spec]):
    """One estimator of scikit-learn, which fits and predicts on one thread."""

    def __init__(self, spec: Spec, image: ImageShape) -> None:
        spec.check_packages()
        self.spec, self.image = spec, image
        self.estimator = self._make_estimator()

    def fit(self, inputs: Inputs, labels: Integer[np.ndarray, " images"]) -> None:
        """Fit the estimator."""
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1):
            self.estimator.fit(inputs, labels)

    def scores(self, inputs: Inputs) -> Scores:
        """Return a score for each class; a class without a training image has the lowest."""
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1):
            known = self._scores(inputs)
        if known.ndim == 1:  # with two classes, scikit-learn returns the score of the second
            known = np.stack([np.zeros_like(known), known], axis=1)
        scores = np.full((len(inputs), self.image.classes), known.min() - 1)
        scores[:, self.estimator.classes_] = known
        return scores

    def layer_table(self) -> LayerTable:
        """Return the layers, with what the fit has stored."""
        return self.spec.fitted_layer_table(self.image, stored=self._stored_images())

    @abstractmethod
    def _make_estimator(self) -> Any:
        """Return an estimator that is not fitted."""

    def _scores(self, inputs: Inputs) -> NDArray[np.float64]:
        """Return the scores of the classes that the training images have."""
        return np.asarray(self.estimator.decision_function(inputs))

    def _stored_images(self) -> int:
        return 0


class SupportVectorClassifier(_Classifier[Svm]):
    """Support vector machines of all pairs of classes; the class with the most votes is predicted.

    The score of another class is minus the decision value that separates the predicted class from it, so that
    the margin of an image is the one of its closest decision.
    """

    def _make_estimator(self) -> Any:
        from sklearn.svm import SVC

        gamma = "scale" if self.spec.gamma is None else self.spec.gamma
        return SVC(C=self.spec.C, gamma=gamma, decision_function_shape="ovo", cache_size=SVM_CACHE_MIB)

    def _scores(self, inputs: Inputs) -> NDArray[np.float64]:
        decisions = super()._scores(inputs)
        return decisions if decisions.ndim == 1 else scores_of_pairs(decisions)

    def _stored_images(self) -> int:
        return int(self.estimator.n_support_.sum())


def scores_of_pairs(decisions: Float[np.ndarray, "images pairs"]) -> Scores:
    """Return the scores of all classes; a class that beats the predicted one is just below it.

    Args:
        decisions: decision values of the pairs (0, 1), (0, 2), ..., (1, 2), ...; above 0 for the first class.
    """
    images, pairs = decisions.shape
    classes = (1 + isqrt(1 + 8 * pairs)) // 2
    first, second = np.triu_indices(classes, 1)
    lead = np.zeros((images, classes, classes))
    lead[:, first, second], lead[:, second, first] = decisions, -decisions
    votes = np.zeros((images, classes, classes), np.bool_)
    votes[:, first, second], votes[:, second, first] = decisions > 0, decisions <= 0
    rows, predicted = np.arange(images), votes.sum(axis=2).argmax(axis=1)
    scores: NDArray[np.float64] = -np.maximum(lead[rows, predicted], CLOSEST_LEAD)
    scores[rows, predicted] = 0
    return scores


class NeighboursClassifier(_Classifier[Knn]):
    """Nearest neighbours. The score of a class is its share of the votes; the first class wins a tie."""

    def _make_estimator(self) -> Any:
        from sklearn.neighbors import KNeighborsClassifier

        return KNeighborsClassifier(n_neighbors=self.spec.k, algorithm="brute")

    def fit(self, inputs: Inputs, labels: Integer[np.ndarray, " images"]) -> None:
        if self.spec.k > len(labels):
            raise UsageError(
                f"knn: expected a k of at most {len(labels):,}, the number of training images, got"
                f" {self.spec.k:,}"
            )
        super().fit(inputs, labels)

    def _scores(self, inputs: Inputs) -> NDArray[np.float64]:
        return np.asarray(self.estimator.predict_proba(inputs))

    def _stored_images(self) -> int:
        return int(self.estimator.n_samples_fit_)


class LogisticRegressionClassifier(_Classifier[LinearClassifier]):
    """Multinomial logistic regression. Scores are logits."""

    def _make_estimator(self) -> Any:
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(C=self.spec.C, max_iter=MAX_STEPS)

    def fit(self, inputs: Inputs, labels: Integer[np.ndarray, " images"]) -> None:
        from sklearn.exceptions import ConvergenceWarning

        with warnings.catch_warnings():
            warnings.simplefilter("error", ConvergenceWarning)
            try:
                super().fit(inputs, labels)
            except ConvergenceWarning as warning:
                raise UsageError(
                    f"linear_classifier: has not converged after {MAX_STEPS:,} steps; give a smaller C than"
                    f" {self.spec.C:g}"
                ) from warning
