"""Curves of a study against each other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from scaling.api._report import page_context, tidy, trained, typed
from scaling.api._workspace import Workspace
from scaling.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Group

    from analysis.comparison_page import WrittenComparison

FOLDER = "compare"


def compare(
    config: Path,
    workspace: Workspace | None = None,
    *,
    overrides: Sequence[str] = (),
    errors: Sequence[float] = (),
    out: Path | None = None,
) -> WrittenComparison:
    """Set every curve of a study against every other: exponents, sizes at equal error, the best of each budget, and figures of it all.

    Args:
        config: the study's YAML file.
        overrides: such as ``recipe.epochs=5``.
        errors: at which networks are compared beside those that the data suggest.
        out: a folder; by default ``artifacts/<study>/compare``.

    Raises:
        StoreError: no run of the study is in a store.
        UsageError: it has one curve alone, or the folder can't be written.
    """
    from analysis.comparison import compare_curves
    from analysis.comparison_page import write_comparison

    workspace = workspace or Workspace()
    made, runs = trained(config, workspace, overrides)
    if len(set(made.study.curve_labels())) < 2:
        raise UsageError(
            f"{config}: has one curve alone, {made.study.curve_labels()[0]}; add an entry to architectures, or a grid over a leaf of it"
        )
    runs = runs.append_column("training_flops", tidy(runs)["training_flops"])
    runs = runs.append_column("core_s", pc.divide(runs["wall_s"], runs["replicas"].cast(pa.float64())))
    found = compare_curves(runs, workspace.stores().epochs(runs["id"].to_pylist()), errors=errors)
    folder = out or workspace.artifacts / made.study.name / FOLDER
    command = typed(
        "compare", config, workspace, overrides, out=out, errors=",".join(f"{error:g}" for error in errors)
    )
    try:
        return write_comparison(found, folder, context=page_context(made, command))
    except OSError as error:
        raise UsageError(
            f"{folder}: can't be written ({error.strerror or error}); choose another --out"
        ) from error


def comparison_text(made: WrittenComparison) -> Group:
    """The comparison as tables for the terminal."""
    from analysis.comparison_text import render_comparison

    return render_comparison(made.comparison)
