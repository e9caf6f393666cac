"""Published systems beside the networks that rebuild them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from scaling.api._figures import OUT_HINT, save_figures
from scaling.api._reject import reject
from scaling.api._results import StudyResults, load_results
from scaling.api._workspace import Workspace
from scaling.errors import StoreError, UsageError
from scaling.files import write_atomically, writing

if TYPE_CHECKING:
    from analysis.history import History, RebuiltNetwork
    from analysis.published_system import PublishedSystem, Rebuild
    from analysis.rejection import StudyRejection
    from scaling.fit import Interval

HISTORY_STUDIES = Path("configs") / "history"
"""Folder with the studies of the published systems, in a checkout."""


def history(
    studies: Path = HISTORY_STUDIES,
    workspace: Workspace | None = None,
    *,
    systems: Sequence[PublishedSystem] | None = None,
) -> History:
    """Return published systems, each with the mean errors of the networks that rebuild it.

    Args:
        studies: folder with the studies that the systems name.
        workspace: stores and folders.
        systems: the systems; by default those of ``analysis.published_systems``.

    Raises:
        ConfigError: a study is missing or invalid.
        StoreError: a store cannot be read.
        UsageError: a study has no network of the type that a system names, or several.
    """
    from analysis.history import History, HistoryRow
    from analysis.published_systems import PUBLISHED_SYSTEMS

    workspace = workspace or Workspace()

    @cache
    def load(study: str) -> StudyResults:
        return load_results(studies / study, workspace)

    @cache
    def load_rejection(study: str) -> StudyRejection | None:
        try:
            return reject(studies / study, workspace)
        except StoreError:
            return None  # without runs or without predictions

    rows: list[HistoryRow] = []
    for system in PUBLISHED_SYSTEMS if systems is None else systems:
        networks = [
            _measure(
                rebuild,
                load(rebuild.study),
                studies / rebuild.study,
                rejection=None if system.rejected is None else load_rejection(rebuild.study),
            )
            for rebuild in system.rebuilds
        ]
        rows += [HistoryRow(system=system, network=network) for network in networks or (None,)]
    return History(rows=tuple(rows))


def _measure(
    rebuild: Rebuild, results: StudyResults, source: Path, *, rejection: StudyRejection | None
) -> RebuiltNetwork:
    from analysis.history import measure_rebuild

    cells = [cell for cell in results.plan.study.cells if cell.architecture.type == rebuild.architecture]
    if len(cells) != 1:
        raise UsageError(
            f"{source}: expected one network of the type {rebuild.architecture}, got {len(cells)}; "
            "a rebuild of a published system is one network"
        )
    (cell,) = cells
    ids = [] if cell.pending else [cell.run(seed).id for seed in range(cell.seeds)]
    runs = results.runs.filter(pc.is_in(results.runs["id"], pa.array(ids, pa.string())))
    return measure_rebuild(rebuild, cell=cell, runs=runs, rejected=_rejected(rejection, rebuild.architecture))


def _rejected(rejection: StudyRejection | None, architecture: str) -> Interval | None:
    """Return the rejected share of the study's network; None if it is not known or does not exist."""
    cells = rejection.cells if rejection else ()
    shares = [cell.rejection.required.share for cell in cells if cell.architecture == architecture]
    return next((share for share in shares if isfinite(share.estimate)), None)


def write_history(history: History, folder: Path) -> list[Path]:
    """Write ``history.md``, and its figure with its numbers as .svg, .png and .csv.

    Args:
        history: the systems.
        folder: folder for the page; its subfolder ``figures`` gets the figure.

    Raises:
        UsageError: the folder cannot be written.
    """
    from analysis.history_figure import draw_history
    from analysis.history_page import history_page

    page = folder / "history.md"
    with writing(page, hint=OUT_HINT):
        write_atomically(page, history_page(history).encode())
    return [page, *save_figures(folder / "figures", lambda: [draw_history(history)])]
