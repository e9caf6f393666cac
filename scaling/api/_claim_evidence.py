"""Results of the use cases for the rules of the claims, each computed once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from scaling.api._compare import load_comparison
from scaling.api._fit import fit
from scaling.api._fit_options import FitOptions
from scaling.api._forecast import score
from scaling.api._history import history
from scaling.api._optimum import optimum
from scaling.api._prune import load_pruning
from scaling.api._results import load_trained
from scaling.api._separable import separable
from scaling.api._workspace import Workspace

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

_Result = TypeVar("_Result")


@dataclass
class StoredEvidence:
    """Results of the studies of a folder, from stored runs: ``analysis.claims.evidence.Evidence``."""

    studies: Path
    """Folder of the studies."""
    workspace: Workspace
    _results: dict[tuple[str, Study | None], Any] = field(default_factory=dict)

    def fits(self, study: Study) -> Sequence[Fit]:
        return self._once(
            "fits",
            study,
            lambda: fit(
                self._file(study),
                self.workspace,
                options=FitOptions(x=study.x),
                overrides=study.overrides,
            ),
        )

    def scores(self, study: Study) -> Sequence[ForecastScore]:
        return self._once(
            "scores", study, lambda: score(self._file(study), self.workspace, overrides=study.overrides)
        )

    def comparison(self, study: Study) -> StudyComparison:
        return self._once(
            "comparison",
            study,
            lambda: load_comparison(self._file(study), self.workspace, overrides=study.overrides)[1],
        )

    def optimum(self, study: Study) -> StudyOptimum:
        return self._once(
            "optimum", study, lambda: optimum(self._file(study), self.workspace, overrides=study.overrides)
        )

    def history(self, system: str | None = None) -> History:
        from analysis.published_systems import PUBLISHED_SYSTEMS

        if ("history", None) in self._results:
            system = None  # all systems are measured already
        systems = [other for other in PUBLISHED_SYSTEMS if system in (None, other.name)]
        return self._once(
            f"history {system}" if system else "history",
            None,
            lambda: history(self.studies / "history", self.workspace, systems=systems),
        )

    def separability(self, study: Study) -> TrainingSetSeparability:
        (training_set,) = self._once(
            "separability",
            study,
            lambda: separable(self._file(study), self.workspace, overrides=study.overrides),
        )
        return training_set

    def equal_training_error(self, study: Study) -> EqualTrainingError | None:
        return self._once("training error", study, lambda: self._compare_training_errors(study))

    def pruning(self, study: Study) -> StudyPruning:
        return self._once(
            "pruning",
            study,
            lambda: load_pruning(self._file(study), self.workspace, overrides=study.overrides),
        )

    def _compare_training_errors(self, study: Study) -> EqualTrainingError | None:
        from analysis.equal_training_error import compare_at_equal_training_error
        from analysis.run_groups import group_runs

        results = load_trained(self._file(study), self.workspace, overrides=study.overrides)
        grouped = group_runs(results.final_runs)
        epochs = self.workspace.stores().epochs(grouped.runs["id"].to_pylist())
        return compare_at_equal_training_error(grouped, grouped.select_epochs(epochs))

    def _file(self, study: Study) -> Path:
        return self.studies / study.path

    def _once(self, name: str, study: Study | None, compute: Callable[[], _Result]) -> _Result:
        key = name, study
        if key not in self._results:
            self._results[key] = compute()
        result: _Result = self._results[key]
        return result
