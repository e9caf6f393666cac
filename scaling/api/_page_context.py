"""Facts about a study that its pages show beside the runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scaling.api._results import StudyResults
from scaling.api._workspace import Workspace
from scaling.store import count_damage

if TYPE_CHECKING:
    from analysis.html_page import PageContext


def page_context(results: StudyResults, workspace: Workspace, *, command: str | None) -> PageContext:
    """Return the facts.

    Args:
        results: plan and runs of the study.
        workspace: stores and folders.
        command: command line that makes the page again; the page shows it.
    """
    from analysis.html_page import PageContext

    return PageContext(
        study=results.plan.study.name,
        command=command,
        partial=results.partial,
        core_s=results.core_s,
        dataset_titles=results.dataset_titles,
        damage=count_damage(workspace.stores().damage),
    )
