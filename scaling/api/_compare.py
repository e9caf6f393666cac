"""Compare the curves of a study with each other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from scaling.api._figures import OUT_HINT
from scaling.api._page_context import page_context
from scaling.api._results import StudyResults, load_trained
from scaling.api._table import tidy_table
from scaling.api._workspace import Workspace
from scaling.config import StudySource
from scaling.errors import UsageError
from scaling.files import writing

if TYPE_CHECKING:
    from analysis.comparison import StudyComparison
    from analysis.comparison_page import WrittenComparison
    from analysis.figure_options import FigureOptions


def compare(
    config: StudySource,
    workspace: Workspace | None = None,
    *,
    overrides: Sequence[str] = (),
    errors: Sequence[float] = (),
    out: Path | None = None,
    command: str | None = None,
    figures: FigureOptions | None = None,
    tables: Sequence[str] = (),
) -> WrittenComparison:
    """Compare every curve of a study with every other, and write the figures and a page.

    The comparison covers the exponents, the sizes at equal error, and the best curve for each budget.

    Args:
        config: YAML file of the study, or its settings.
        workspace: stores and folders.
        overrides: changed settings, such as ``recipe.epochs=5``.
        errors: errors at which sizes are compared, beside the errors that the data suggest.
        out: folder of the page; by default ``artifacts/<study>/compare``.
        command: command line that makes the page again; the page shows it.
        figures: formats, width and font of the figures; by default those of a page.
        tables: formats of the tables beside .csv: ``tex`` and ``md``.

    Raises:
        StoreError: no store holds a run of the study.
        UsageError: the study has a single curve, there is no such format of tables, or the folder cannot be
            written.
    """
    from analysis.comparison_page import write_comparison
    from analysis.table_files import check_table_formats

    check_table_formats(tables)
    workspace = workspace or Workspace()
    results, comparison = load_comparison(config, workspace, overrides=overrides, errors=errors)
    folder = out or workspace.artifacts / results.plan.study.name / "compare"
    with writing(folder, hint=OUT_HINT):
        return write_comparison(
            comparison,
            folder,
            context=page_context(results, workspace, command=command),
            figures=figures,
            tables=tables,
        )


def load_comparison(
    config: StudySource,
    workspace: Workspace,
    *,
    overrides: Sequence[str] = (),
    errors: Sequence[float] = (),
) -> tuple[StudyResults, StudyComparison]:
    """Return the stored runs of a study, and the comparison of its curves.

    Args:
        config: YAML file of the study, or its settings.
        workspace: stores and folders.
        overrides: changed settings, such as ``recipe.epochs=5``.
        errors: errors at which sizes are compared, beside the errors that the data suggest.

    Raises:
        StoreError: no store holds a run of the study.
        UsageError: the study has a single curve, or an error is no fraction.
    """
    from analysis.comparison import compare_curves

    if not all(0 < error < 1 for error in errors):
        given = ",".join(f"{error:g}" for error in errors)
        raise UsageError(
            f"{given}: expected fractions of the test images, below 1, such as 0.3,0.25", option="for_error"
        )
    results = load_trained(config, workspace, overrides=overrides)
    study, runs = results.plan.study, results.final_runs
    labels = study.curve_labels()
    if len(set(labels)) < 2:
        raise UsageError(
            f"{config}: has one curve, {labels[0]}, and a comparison needs two; add an entry to"
            " architectures, or a grid over one of its settings"
        )
    runs = runs.append_column("training_flops", tidy_table(runs)["training_flops"])
    runs = runs.append_column("core_s", pc.divide(runs["wall_s"], runs["replicas"].cast(pa.float64())))
    epochs = workspace.stores().epochs(runs["id"].to_pylist())
    return results, compare_curves(runs, epochs, errors=errors)
