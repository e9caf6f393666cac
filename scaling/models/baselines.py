"""Classifiers of scikit-learn with the interface of ``scaling.models.FittedClassifier``.

Sources: see ``scaling.architectures.baselines``.
"""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
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
    """Support vector machines of all pairs of classes.

    The score of a class is its number of votes, plus less than half a vote from the decision values, which
    breaks ties.
    """

    def _make_estimator(self) -> Any:
        from sklearn.svm import SVC

        gamma = "scale" if self.spec.gamma is None else self.spec.gamma
        return SVC(C=self.spec.C, gamma=gamma, break_ties=True, cache_size=SVM_CACHE_MIB)

    def _stored_images(self) -> int:
        return int(self.estimator.n_support_.sum())


class NeighboursClassifier(_Classifier[Knn]):
    """Nearest neighbours. The score of a class is its share of the votes; the first class wins a tie."""

    def _make_estimator(self) -> Any:
        from sklearn.neighbors import KNeighborsClassifier

        return KNeighborsClassifier(n_neighbors=self.spec.k, algorithm="brute")

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
