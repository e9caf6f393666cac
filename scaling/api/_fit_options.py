"""Options of a fit: which columns, which curves and which forms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scaling.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class FitOptions:
    """Columns, forms and held-out sizes of a fit."""

    x: str = "filters"
    """Column of the size, such as ``parameters`` or ``macs``."""
    y: str = "test_error"
    """Column of the error."""
    by: Sequence[str] | None = None
    """Columns whose values separate the curves; None for the default of the source."""
    form: str = "auto"
    """Form to show: ``auto``, ``power``, ``floor``, ``broken`` or ``m4``.

    ``auto`` is a power law with and without a floor, side by side. ``power`` or ``floor`` shows one of them,
    and the verdict still compares both. ``broken`` or ``m4`` adds this form to both.
    """
    holdout: int = 3
    """Largest number of widest networks that a law is tested on."""
    std: str | None = None
    """Column of known standard deviations of y; None if they are estimated from the replicates."""


@dataclass(frozen=True, kw_only=True)
class CountColumns:
    """Columns of an external table that give ``test_error`` as a fraction of counts."""

    error_counts: str
    """Column of the number of misclassified test images."""
    image_counts: str
    """Column of the number of test images."""


@dataclass(frozen=True, kw_only=True)
class BestOver:
    """Columns of which only the best combination of values at each size counts, such as ``learning_rate``."""

    columns: Sequence[str]
    validation: str = "val_error"
    """Column of the validation error that chooses the best values."""


@dataclass(frozen=True, kw_only=True)
class RowOptions:
    """Which rows of a table are runs."""

    where: Sequence[str] = ()
    """Conditions ``COLUMN=VALUE``; several values of one column are alternatives."""
    last_of: str | None = None
    """Column of an external table that counts the steps of a run; the last row of each run is kept."""
    run: Sequence[str] = ()
    """Columns that tell the runs apart, with the sizes and the curves; empty to find them."""
    wide: bool = False
    """True for an external table with one column for each run."""
    accuracy: str | None = None
    """Column of an external table with an accuracy; 1 - accuracy is fitted."""

    def conditions(self) -> dict[str, list[str]]:
        """Return the permitted values of each column.

        Raises:
            UsageError: a condition has no equals sign.
        """
        values: dict[str, list[str]] = {}
        for condition in self.where:
            name, separator, value = condition.partition("=")
            if not separator or not name:
                raise UsageError(f"{condition}: expected COLUMN=VALUE, such as lr=0.1", option="where")
            values.setdefault(name, []).append(value)
        return values


@dataclass(frozen=True, kw_only=True)
class JointOptions:
    """Columns, loss and held-out sizes of a joint law of two sizes."""

    x: tuple[str, str]
    """Columns of the sizes N and D, such as ``filters`` and ``train_images``."""
    y: str = "test_error"
    """Column of the error."""
    by: Sequence[str] | None = None
    """Columns whose values separate the groups; None for the default of the source."""
    holdout: int = 3
    """Largest number of largest values, of each size, that a law is tested on."""
    std: str | None = None
    """Column of known standard deviations of y; None if they are estimated from the replicates."""
    loss: str = "quasi"
    """``quasi`` for the quasi-likelihood; ``huber-log`` for Huber's loss of the logarithms."""
    cost: str | None = None
    """Column with the cost of a run, such as ``training_flops``, for the compute-optimal frontier."""
