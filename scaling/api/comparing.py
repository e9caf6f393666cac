"""Curves of a study against each other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from scaling.api.reading import tidy, trained
from scaling.api.settings import Settings
from scaling.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Group

    from analysis.comparison import Compared

FOLDER = "compare"


def compare(
    config: Path,
    settings: Settings | None = None,
    *,
    overrides: Sequence[str] = (),
    errors: Sequence[float] = (),
    out: Path | None = None,
) -> Compared:
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
    from analysis.comparison import write_comparison

    settings = settings or Settings()
    made, runs = trained(config, settings, overrides)
    if len(set(made.study.labels())) < 2:
        raise UsageError(f"{config}: has one curve alone, {made.study.labels()[0]}; add an entry to architectures, or a grid over a leaf of it")
    runs = runs.append_column("training_flops", tidy(runs)["training_flops"])
    runs = runs.append_column("core_s", pc.divide(runs["wall_s"], runs["replicas"].cast(pa.float64())))
    folder = out or settings.artifacts / made.study.name / FOLDER
    try:
        return write_comparison(runs=runs, epochs=settings.stores().epochs(runs["id"].to_pylist()), out=folder, errors=errors)
    except OSError as error:
        raise UsageError(f"{folder}: can't be written ({error.strerror or error}); choose another --out") from error


def comparison_text(made: Compared) -> Group:
    """The comparison as tables for the terminal."""
    from analysis.comparison_text import comparison_text

    return comparison_text(made)
