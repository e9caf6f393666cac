"""Folders of figures, and writing figures into them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from scaling.api._load import is_external_table
from scaling.api._plan import plan
from scaling.api._workspace import Workspace
from scaling.config import StudySource
from scaling.files import writing

if TYPE_CHECKING:
    from analysis.figure_options import FigureOptions
    from analysis.report_figure import ReportFigure

OUT_HINT = "choose another `out`"
"""Next step where a folder of figures cannot be written."""


def figure_folder(
    config: StudySource, workspace: Workspace | None = None, *, overrides: Sequence[str] = ()
) -> Path:
    """Return the folder for the figures of a study or a table: ``artifacts/<name>/figures``."""
    workspace = workspace or Workspace()
    if isinstance(config, Path) and is_external_table(str(config)):
        return workspace.artifacts / config.stem / "figures"
    study = plan(config, workspace, overrides=overrides, trains=False).study
    return workspace.artifacts / study.name / "figures"


def save_figures(
    folder: Path, draw: Callable[[], Sequence[ReportFigure]], options: FigureOptions | None = None
) -> list[Path]:
    """Draw figures and write each one with its numbers.

    Args:
        folder: it is created if needed.
        draw: draws the figures.
        options: formats, width and font of the figures; by default those of a page.

    Raises:
        UsageError: the folder cannot be written.
    """
    from analysis.report_figure import draw_and_save

    with writing(folder, hint=OUT_HINT):
        return draw_and_save(folder, draw, options)
