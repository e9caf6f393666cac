"""Results of the use cases that the rules of the claims read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from analysis.claims.claim import Study
    from analysis.comparison import StudyComparison
    from analysis.equal_training_error import EqualTrainingError
    from analysis.history import History
    from analysis.optimum import StudyOptimum
    from analysis.pruning import StudyPruning
    from analysis.separability import TrainingSetSeparability
    from scaling.fit import Fit
    from scaling.plan.forecast_score import ForecastScore


class Evidence(Protocol):
    """Source of the results: each method is a use case of ``scaling.api``, by the study."""

    def fits(self, study: Study) -> Sequence[Fit]:
        """Return the laws of the curves."""

    def scores(self, study: Study) -> Sequence[ForecastScore]:
        """Return the scores of the forecasts."""

    def comparison(self, study: Study) -> StudyComparison:
        """Return the comparison of the curves."""

    def optimum(self, study: Study) -> StudyOptimum:
        """Return the optima along the ratio of widths."""

    def history(self, system: str | None = None) -> History:
        """Return the published systems with their rebuilds, at least the system of a name."""

    def separability(self, study: Study) -> TrainingSetSeparability:
        """Return whether a single layer can separate the training images."""

    def equal_training_error(self, study: Study) -> EqualTrainingError | None:
        """Return the networks at a common training error; None if the runs have no such level."""

    def pruning(self, study: Study) -> StudyPruning:
        """Return the pruned networks."""
