"""Fitting: from a study, a store or anyone's table to laws, and what they foretell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from math import isfinite
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from scaling.api._load import CURVE, anyones, having, is_file, own, unfinished, where, wrong_images
from scaling.api._workspace import Workspace
from scaling.errors import FitError, TableError, UsageError

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table as RichTable

    from scaling.fit import Fit, Prediction

BESIDE = ("power", "floor")
"""Forms that are always fitted, because the verdict is between them."""
FORMS = {
    "auto": BESIDE,
    "power": BESIDE,
    "floor": BESIDE,
    "broken": (*BESIDE, "broken"),
    "m4": (*BESIDE, "m4"),
}
"""What is fitted."""
LENGTHS = ("epochs", "recipe.epochs")
"""Columns along which training is meant to be unfinished."""


def laws_text(fits: Iterable[Fit]) -> Group:
    """The laws as a table for the terminal."""
    from analysis.laws_text import render_laws

    return render_laws(fits)


def predict(fit: Fit, sizes: Sequence[float | int]) -> list[Prediction]:
    """What the laws of a fit say at sizes that may not have been trained.

    Raises:
        UsageError: a size that no law has.
    """
    from scaling.fit import predict

    return predict(fit, sizes)


def further(
    fit: Fit, fits: Sequence[Fit], *, sizes: Sequence[float | int] = (), errors: Sequence[float | int] = ()
) -> dict[str, Any]:
    """What a fit says beyond its laws, for JSON: ``predictions``, ``reach``, ``profiles``, and ``beside`` the other groups."""
    from scaling.fit import choose_common_form, compare_laws, size_for_error
    from scaling.fit.diagnosis.profile import profile_laws

    others = [
        (other, form) for other in fits if other is not fit and (form := choose_common_form(fit, other))
    ]
    return {
        "predictions": [made.to_dict() for made in predict(fit, sizes)],
        "reach": [
            {"form": form, "error": error, **asdict(size_for_error(fit, error, form=form))}
            for form in fit.laws
            for error in errors
        ],
        "profiles": [one.to_dict() for one in profile_laws(fit)],
        "beside": [compare_laws(fit, other, form=form).to_dict() for other, form in others],
    }


def finite(value: Any) -> Any:
    """JSON has neither infinity nor NaN: null in their place."""
    if isinstance(value, dict):
        return {name: finite(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [finite(inner) for inner in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def reach_text(fits: Iterable[Fit], errors: Sequence[float | int]) -> RichTable:
    """The sizes that laws need for some errors, as a table for the terminal."""
    from analysis.laws_text import render_sizes_for_error

    return render_sizes_for_error(fits, errors)


def predictions_text(fits: Iterable[Fit], sizes: Sequence[float | int]) -> RichTable:
    """What laws foretell, as a table for the terminal."""
    from analysis.laws_text import render_predictions

    return render_predictions(fits, sizes)


def fit_source(
    source: str,
    workspace: Workspace | None = None,
    *,
    x: str = "filters",
    y: str = "test_error",
    by: Sequence[str] | None = None,
    form: str = "auto",
    holdout: int = 3,
    overrides: Sequence[str] = (),
    population: bool = False,
    counts: tuple[str, str] | None = None,
    best: tuple[str, str] | None = None,
    std: str | None = None,
) -> list[Fit]:
    """Fit laws to the points of a study, a store, or any .parquet or .csv.

    Args:
        x, y, by: columns; of a study and a store those of ``tidy``, so that any leaf of the configuration is one.
        by: their values tell curves apart; by default the curves of the report, and ``architecture`` where a table of someone else has it.
        form: ``auto`` for a power law with and without a floor side by side; ``power`` or ``floor`` to show one of them, though the verdict
            is between both; ``broken`` or ``m4`` for that form beside both.
        holdout: up to how many of the widest networks a law is tested on.
        overrides: laid over a study, such as ``recipe.epochs=5``.
        population: count the test images as a sample too; the runs' predictions must be stored.
        counts: of a table of someone else, the columns of wrong ones and of all that were tested, which give ``test_error``.
        std: a column of the standard deviations of y, where these are known.
        best: a column, such as ``learning_rate``, of which only the best value at each size counts, and the validation column that says so.

    Raises:
        TableError: the table can't be fitted as asked.
        StoreError: no run is stored.
        FitError: the data can't say.
    """
    from scaling.fit import FitOptions, fit_table, select_best
    from scaling.fit.diagnosis.convergence import flag_unconverged

    if form not in FORMS:
        raise TableError(f"--form {form}: must be one of {', '.join(FORMS)}")
    foreign, workspace = is_file(source), where(source, workspace or Workspace())
    notes: list[str] = []
    if std and (counts or population):
        raise UsageError(
            f"--std {std}: standard deviations that are stated leave nothing for --errors or --population to tell; leave one out"
        )
    if counts and y != "test_error":
        raise UsageError(
            f"--errors {counts[0]}: gives test_error, which is what is fitted then; leave out --y {y}"
        )
    if foreign:
        table = anyones(source, overrides, counts)
        by = ["architecture"] if by is None and "architecture" in table.column_names else by or []
    else:
        if counts:
            raise UsageError(
                f"--errors {counts[0]}: the runs of a study or a store have test_error already; leave it out"
            )
        by = by or ([CURVE] if best is None else ["architecture"])
        table, notes = own(
            source, workspace, overrides, x=x, wanted={x, y, *by, *(best or ()), *([std] if std else [])}
        )
        table, lacking = having(table, x)
        notes = [*notes, *lacking]
    if best:
        over, validation = best
        if validation == y or re.search("(^|[^a-z])test", validation.lower()):
            raise UsageError(
                f"--best-over {over}: the least of many {validation} is small by chance; name a --validation column"
            )
        table, chosen = select_best(table, over, x=x, by=by, validation=validation)
        notes = [*notes, *chosen]
    wrong = None
    if population:
        if foreign:
            raise UsageError(
                f"--population: {source} doesn't say which images its runs err on; name a study or a store that keeps predictions"
            )
        if y != "test_error":
            raise UsageError(
                f"--population: counts images that are erred on, so y must be test_error, not {y}"
            )
        table = table.filter(pc.is_finite(table[y]))
        wrong = wrong_images(workspace, table)
    fits = fit_table(
        table,
        FitOptions(forms=FORMS[form], holdout=holdout),
        x=x,
        y=y,
        by=tuple(by),
        misclassified=wrong,
        std=std,
        notes=notes,
    )
    if not foreign and y == "test_error" and x not in LENGTHS:
        fits = flag_unconverged(fits, unfinished(workspace, table, x=x, by=by))
    return _shown(fits, form)


def _shown(fits: Sequence[Fit], form: str) -> list[Fit]:
    """Only the law that was asked for, if it was one of those that are always fitted."""
    if form not in BESIDE:
        return list(fits)
    shown = [replace(fit, laws={name: law for name, law in fit.laws.items() if name == form}) for fit in fits]
    if not any(fit.laws for fit in shown):
        raise FitError(f"--form {form}: no group has such a law; --form auto shows what there is, and why")
    return shown
