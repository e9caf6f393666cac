"""Decision by a linear program whether a labelled set is linearly separable.

A set is separable if there are weights w_k and biases b_k, one of each per class, with which each image x has
its largest output for its own class y: (w_y - w_k) x + b_y - b_k >= t for all other classes k, with a margin
t > 0. The linear program finds the largest t for weights between -1 and 1. Its dual is the least 1-norm of a
convex combination of the constraints in which the biases cancel. For two classes, both are the distance
between the convex hulls of the classes in the 1-norm. A margin of 0 thus has a certificate: for two classes,
a point that both hulls have in common (the lemma of Farkas).

Sources: Boyd & Vandenberghe, Convex Optimization (2004), sections 5.8 and 8.6. Solver: HiGHS, through SciPy

Set here: the verdict rests on the certificates, which are recomputed without the solver. A set is separable
if its separator has a margin above ``TOLERANCE``, and not separable if a convex combination proves that no
margin is above it. Constraints enter the program when they are violated, because few of them decide.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from jaxtyping import Float, Integer
from scipy.optimize import linprog
from scipy.sparse import csr_array, hstack

from scaling.errors import FitError

TOLERANCE = 1e-6
"""Largest margin, for inputs between 0 and 1, that counts as none."""

_SOLVER_TOLERANCE = 1e-9
_VIOLATION = 1e-8
"""Smallest violation of a constraint for which the program is solved again with that constraint."""
_FIRST_CONSTRAINTS, _ADDED_CONSTRAINTS = 4000, 2000
"""Number of constraints of the first program, and largest number that is added to the next one."""


class Verdict(Enum):
    """Answer to the question whether a set is linearly separable."""

    SEPARABLE = "separable"
    INSEPARABLE = "not separable"
    UNDECIDED = "undecided"


@dataclass(frozen=True, kw_only=True, eq=False)
class Certificate:
    """Convex combination of the constraints ``(w_y - w_k) x + b_y - b_k >= t``."""

    images: Integer[np.ndarray, " terms"]
    """Index of the image x of each term."""
    rivals: Integer[np.ndarray, " terms"]
    """Index of the class k of each term, in rising order of the labels."""
    shares: Float[np.ndarray, " terms"]
    """Share of each term; positive, with the sum 1."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Separability:
    """Verdict on one labelled set, with a separator and a certificate."""

    verdict: Verdict
    margin: float
    """Least margin of the separator on the set; no margin, if it is not above 0."""
    bound: float
    """Largest margin that the certificate permits to weights between -1 and 1."""
    weights: Float[np.ndarray, "classes inputs"]
    """Weights of the separator, between -1 and 1; the classes are in rising order of the labels."""
    biases: Float[np.ndarray, " classes"]
    certificate: Certificate
    images: int
    classes: int

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict as JSON values."""
        return {
            "verdict": self.verdict.value,
            "margin": self.margin,
            "bound": self.bound,
            "images": self.images,
            "classes": self.classes,
        }


def decide_separability(
    images: Float[np.ndarray, "images inputs"], labels: Integer[np.ndarray, " images"]
) -> Separability:
    """Decide whether images of two or more classes are linearly separable.

    Args:
        images: inputs between 0 and 1.
        labels: classes of the images. For one class against all others: whether an image is of the class.

    Raises:
        ValueError: all images are of one class.
        FitError: the solver fails.
    """
    constraints = _Constraints(images, labels)
    count = constraints.count
    active = np.unique(np.linspace(0, count - 1, min(count, _FIRST_CONSTRAINTS)).astype(np.int64))
    while True:
        result = constraints.solve(active)
        margins = constraints.margins(result.weights, result.biases)
        is_active = np.isin(np.arange(count), active)
        violation = np.where(is_active, 0.0, margins[active].min() - margins)
        worst = np.argsort(-violation, kind="stable")[:_ADDED_CONSTRAINTS]
        added = worst[violation[worst] > _VIOLATION]
        if not len(added) or result.bound <= TOLERANCE:
            return constraints.judge(result, margin=float(margins.min()))
        active = np.union1d(active, added)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Solution:
    weights: Float[np.ndarray, "classes inputs"]
    biases: Float[np.ndarray, " classes"]
    certificate: Certificate
    bound: float


class _Constraints:
    """Constraints of a labelled set: one for each image and each class that is not its own."""

    def __init__(
        self, images: Float[np.ndarray, "images inputs"], labels: Integer[np.ndarray, " images"]
    ) -> None:
        classes, own = np.unique(labels, return_inverse=True)
        if len(classes) < 2:
            raise ValueError("all images are of one class; give at least two classes")
        self.values, self.own, self.classes = images, own, len(classes)
        is_rival = np.arange(self.classes) != own[:, None]
        self.images, self.rivals = np.nonzero(is_rival)
        self.count = len(self.images)

    def margins(
        self, weights: Float[np.ndarray, "classes inputs"], biases: Float[np.ndarray, " classes"]
    ) -> Float[np.ndarray, " constraints"]:
        """Return how far the output of each image's class is above that of the rival."""
        outputs = self.values @ weights.T + biases
        return np.asarray(outputs[self.images, self.own[self.images]] - outputs[self.images, self.rivals])

    def solve(self, active: Integer[np.ndarray, " active"]) -> _Solution:
        """Maximise the margin under some of the constraints."""
        rows = self._rows(active)
        inputs = self.values.shape[1]
        weights = self.classes * inputs
        solution = linprog(
            np.append(np.zeros(rows.shape[1]), -1.0),
            A_ub=hstack([-rows, csr_array(np.ones((len(active), 1)))], format="csr"),
            b_ub=np.zeros(len(active)),
            # Outputs stay equal if the same number is added to all biases: the first bias is 0.
            bounds=[(-1, 1)] * weights + [(0, 0)] + [(None, None)] * self.classes,
            # Interior points with crossover: the same vertex as the simplex method, in a quarter of the time.
            method="highs-ipm",
            options={
                "primal_feasibility_tolerance": _SOLVER_TOLERANCE,
                "dual_feasibility_tolerance": _SOLVER_TOLERANCE,
            },
        )
        if solution.x is None:
            raise FitError(f"the linear program was not solved: {solution.message}")
        shares = np.maximum(-solution.ineqlin.marginals, 0)
        shares /= shares.sum()
        terms = np.flatnonzero(shares)
        certificate = Certificate(
            images=self.images[active[terms]], rivals=self.rivals[active[terms]], shares=shares[terms]
        )
        return _Solution(
            weights=np.clip(solution.x[:weights], -1, 1).reshape(self.classes, inputs),
            biases=solution.x[weights:-1],
            certificate=certificate,
            bound=self.bound(certificate),
        )

    def bound(self, certificate: Certificate) -> float:
        """Return the largest margin that a convex combination of constraints permits.

        A margin t is at most the same combination of the left sides: the sum over classes of the weights
        times their coefficients, and of the biases times theirs. Rounding leaves small coefficients of the
        biases. With a margin above 0, the outputs of two classes cross between their images, so two biases
        differ by at most twice the largest 1-norm of an image.
        """
        coefficients, bias_coefficients = (
            np.zeros((self.classes, self.values.shape[1])),
            np.zeros(self.classes),
        )
        own = self.own[certificate.images]
        terms = certificate.shares[:, None] * self.values[certificate.images]
        for classes, sign in ((own, 1), (certificate.rivals, -1)):
            np.add.at(coefficients, classes, sign * terms)
            np.add.at(bias_coefficients, classes, sign * certificate.shares)
        largest_bias = 2 * np.abs(self.values).sum(axis=1).max()
        return float(np.abs(coefficients).sum() + largest_bias * np.abs(bias_coefficients).sum())

    def judge(self, solution: _Solution, *, margin: float) -> Separability:
        """Return the verdict that follows from a separator's margin on all images and from a certificate."""
        verdict = Verdict.UNDECIDED
        if margin > TOLERANCE:
            verdict = Verdict.SEPARABLE
        elif solution.bound <= TOLERANCE:
            verdict = Verdict.INSEPARABLE
        return Separability(
            verdict=verdict,
            margin=margin,
            bound=solution.bound,
            weights=solution.weights,
            biases=solution.biases,
            certificate=solution.certificate,
            images=len(self.values),
            classes=self.classes,
        )

    def _rows(self, active: Integer[np.ndarray, " active"]) -> csr_array:
        """Return the coefficients of the weights, class by class, and then of the biases."""
        images, rivals = self.images[active], self.rivals[active]
        own, values, inputs = self.own[images], csr_array(self.values), self.values.shape[1]
        entries = values[images].tocoo()
        line, pixel = entries.coords
        n_weights, lines = self.classes * inputs, np.arange(len(active))
        row = np.concatenate([line, line, lines, lines])
        column = np.concatenate(
            [own[line] * inputs + pixel, rivals[line] * inputs + pixel, n_weights + own, n_weights + rivals]
        )
        ones = np.ones(len(active))
        value = np.concatenate([entries.data, -entries.data, ones, -ones])
        return csr_array((value, (row, column)), shape=(len(active), n_weights + self.classes))
