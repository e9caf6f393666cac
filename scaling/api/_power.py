"""Find the smallest differences between a study's curves that its seeds can show."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from scaling.api._results import load_trained
from scaling.api._workspace import Workspace
from scaling.config import StudySource
from scaling.errors import UsageError

if TYPE_CHECKING:
    from scaling.fit.detectable import DetectableDifference

_X = "filters"


def power(
    config: StudySource,
    workspace: Workspace | None = None,
    *,
    power: float = 0.8,
    overrides: Sequence[str] = (),
    on_progress: Callable[[int, int], None] | None = None,
) -> list[DetectableDifference]:
    """Return the smallest differences of exponents and errors that a study can show, for each pair of curves.

    Args:
        config: YAML file of the study, or its settings.
        workspace: stores and folders.
        power: share of such studies in which the difference is shown, from 0.5 to below 1.
        overrides: changed settings, such as ``recipe.epochs=5``.
        on_progress: receives the number of simulated curves, and the number of all, after each one.

    Raises:
        StoreError: no store holds a run of the study.
        UsageError: the study has a single curve with runs, or the power is out of range.
    """
    from analysis.laws import fit_laws
    from analysis.run_groups import group_runs
    from scaling.fit.detectable import detectable_differences

    workspace = workspace or Workspace()
    runs = load_trained(config, workspace, overrides=overrides).final_runs
    grouped = group_runs(runs)
    fits = fit_laws(grouped, workspace.stores().epochs(runs["id"].to_pylist()), x=_X).fits
    if len(fits) < 2:
        raise UsageError(
            f"{config}: has {len(fits)} curve with a law, and a difference needs two; add an entry to "
            "architectures, or train the study"
        )
    for fitted in fits:
        if fitted.points.replicate_dispersion is None:
            raise UsageError(
                f"{config}: {fitted.label} has one run at each size, so the scatter of its runs is unknown; "
                "train at least 2 seeds"
            )
    return detectable_differences(fits, power=power, on_progress=on_progress)
