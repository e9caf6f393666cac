"""Published systems beside their rebuilds: errors, intervals, recipes and counts."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan, nan
from typing import Any

import pyarrow as pa

from analysis.formatting import NO_VALUE, format_interval
from analysis.means import mean_errors
from analysis.published_system import PublishedSystem, Rebuild
from analysis.run_groups import group_runs
from analysis.text_table import TextTable
from scaling.architectures import setting_labels
from scaling.config import Cell
from scaling.config.labels import setting_label
from scaling.config.pilots import AUTO
from scaling.config.recipe import Augmentation, Sgd
from scaling.fit import Interval

NOT_TRAINED = "not trained"
"""Text of the error of a network that has no runs in the store."""
NO_STUDY = "no study"
"""Text of the error of a system that no study rebuilds."""
CAPTION = (
    "Measured errors are means over seeds on this test set, with Student's 95 % intervals over runs; a fit"
    " without random numbers has one run. A published error belongs to one trained network, and is rounded"
    " to its last digit. Differences are in percentage points: measured minus published."
)
"""Sentences on the numbers of the table."""
FIGURE_CAPTION = (
    "Published test errors by year of publication, and mean test errors of the rebuilt networks over seeds,"
    " with Student's 95 % intervals over runs; a point of a fit without random numbers is one run, without an"
    " interval. A line joins the errors of one system."
)
"""Caption of the figure."""


@dataclass(frozen=True, kw_only=True)
class MeasuredError:
    """Mean test error of the runs of one network."""

    error: Interval
    """Mean over seeds; with NaN as limits for a single run."""
    errors: tuple[float, ...]
    """Test error of each run."""
    parameters: int

    @property
    def runs(self) -> int:
        """Number of runs in the mean."""
        return len(self.errors)

    @classmethod
    def from_runs(cls, runs: pa.Table) -> MeasuredError | None:
        """Return the mean of the runs of one cell; None if no run has a test error.

        Args:
            runs: rows of the store's table ``runs``.
        """
        if not len(runs):
            return None
        groups = group_runs(runs)
        cells = mean_errors(groups).to_pylist()
        if not cells:
            return None
        (cell,) = cells
        low, high = (nan if cell[name] is None else cell[name] for name in ("low_error", "high_error"))
        return cls(
            error=Interval(estimate=cell["mean_error"], low=low, high=high),
            errors=tuple(groups.runs["test_error"].to_pylist()),
            parameters=cell["parameters"],
        )


@dataclass(frozen=True, kw_only=True)
class RebuiltNetwork:
    """A rebuild of a system, as its study describes it, with what the store holds of it."""

    rebuild: Rebuild
    cell: Cell
    measured: MeasuredError | None
    """None without finished runs."""
    diverged: int
    """Number of runs without a test error, which the mean does not include."""
    rejected: Interval | None = None
    """Share of images that has to be rejected for an error of 1 %; None if it is not known."""

    @property
    def data(self) -> str:
        """Data set with the numbers of its training and test images."""
        info = self.cell.info
        used = self.cell.dataset.train_size(info)
        return f"{info.title}, {used:,} and {info.test_images:,} images"

    @property
    def recipe(self) -> str:
        """Settings of the recipe; of a network that is fitted in one go, its own settings."""
        return _describe_fit(self.cell) if self._is_fitted else _describe_recipe(self.cell)

    @property
    def parameters(self) -> int | None:
        """Number of parameters; None if only a fit can tell."""
        if self.measured:
            return self.measured.parameters
        return None if self._is_fitted else self.cell.layer_table().parameters

    @property
    def _is_fitted(self) -> bool:
        return self.cell.architecture.fit_profile is not None


def _describe_fit(cell: Cell) -> str:
    """Return the settings of a network that scikit-learn fits in one go."""
    names = [name for name in setting_labels() if name in cell.entry]
    own = (setting_label(f"architecture.{name}", cell.entry[name]) for name in names)
    return ", ".join(["scikit-learn", *own])


def _describe_recipe(cell: Cell) -> str:
    """Return the settings of a recipe that publications name."""
    recipe, optimizer = cell.recipe, cell.recipe.optimizer
    momentum = optimizer.momentum if isinstance(optimizer, Sgd) else 0
    settings: dict[str, Any] = {
        "epochs": recipe.epochs,
        "batch_size": recipe.batch_size,
        "loss": recipe.loss,
        "optimizer.type": optimizer.type,
        **({"optimizer.momentum": momentum} if momentum else {}),
        "schedule.type": recipe.schedule.type,
        "learning_rate": AUTO if cell.pending else recipe.learning_rate,
    }
    labels = [setting_label(f"recipe.{name}", value) for name, value in settings.items()]
    distorted = ["distorted images"] if recipe.augmentation != Augmentation() else []
    return ", ".join([*labels, *distorted]).replace("_", " ")


@dataclass(frozen=True, kw_only=True)
class HistoryRow:
    """Row of the table: a system with one of its rebuilds, or without any."""

    system: PublishedSystem
    network: RebuiltNetwork | None

    @property
    def measured(self) -> MeasuredError | None:
        return self.network.measured if self.network else None

    @property
    def difference(self) -> Interval | None:
        """Mean error minus published error, with the interval of the mean; None if one is missing."""
        if self.measured is None or self.system.error is None:
            return None
        error, published = self.measured.error, self.system.error
        return Interval(
            estimate=error.estimate - published, low=error.low - published, high=error.high - published
        )

    @property
    def why(self) -> str:
        """Sentences on what differs between the rebuild and the publication."""
        differences = self.network.rebuild.differences if self.network else ""
        return " ".join(text for text in (self.system.remark, differences) if text)

    @property
    def published_text(self) -> str:
        """Published error in percent."""
        if not self.system.percent:
            return NO_VALUE
        return f"{'about ' if self.system.rounded else ''}{self.system.percent} %"

    @property
    def measured_text(self) -> str:
        """Mean error with its interval, or the reason why there is none."""
        if self.network is None:
            return NO_STUDY
        if self.measured is None:
            return f"all {self.network.diverged} runs diverged" if self.network.diverged else NOT_TRAINED
        return format_interval(self.measured.error, percent=True)

    @property
    def difference_text(self) -> str:
        """Difference of the errors in percentage points."""
        if self.difference is None:
            return NO_VALUE
        if self.system.rounded:
            return f"about {100 * self.difference.estimate:+.1f}"
        return format_difference(self.difference)

    @property
    def runs_text(self) -> str:
        """Number of runs in the mean, and of diverged runs beside it."""
        if self.measured is None or self.network is None:
            return NO_VALUE
        left_out = f" ({self.network.diverged} diverged)" if self.network.diverged else ""
        return f"{self.measured.runs}{left_out}"

    @property
    def data_text(self) -> str:
        """Data of the publication, and the data of the rebuild if they differ."""
        if self.network is None or self.network.data == self.system.data:
            return self.system.data
        return f"published: {self.system.data}; here: {self.network.data}"

    @property
    def parameters_text(self) -> str:
        """Number of parameters, and the published number if it differs."""
        own, published = self.network and self.network.parameters, self.system.parameters
        if own is None:
            return published or NO_VALUE
        return f"{own:,}" if published in ("", f"{own:,}") else f"{own:,} (published: {published})"

    def to_dict(self) -> dict[str, Any]:
        """Return the row as JSON values."""
        error = self.measured and self.measured.error
        network = self.network
        return {
            "system": self.system.name,
            "year": self.system.year,
            "source": self.system.source,
            "published_data": self.system.data,
            "published_error": self.system.error,
            "published_is_rounded": self.system.rounded,
            "published_parameters": self.system.parameters,
            "study": network and network.rebuild.study,
            "architecture": network and network.rebuild.architecture,
            "era": network and network.rebuild.era.value,
            "data": network and network.data,
            "recipe": network and network.recipe,
            "parameters": network and network.parameters,
            "error": error and error.estimate,
            "error_low": error and _finite(error.low),
            "error_high": error and _finite(error.high),
            "rejected": network and network.rejected and _finite(network.rejected.estimate),
            "rejected_low": network and network.rejected and _finite(network.rejected.low),
            "rejected_high": network and network.rejected and _finite(network.rejected.high),
            "runs": self.measured.runs if self.measured else 0,
            "diverged": network.diverged if network else 0,
            "why": self.why,
        }


@dataclass(frozen=True, kw_only=True)
class History:
    """The table of published systems and their rebuilds."""

    rows: tuple[HistoryRow, ...]

    def table(self) -> pa.Table:
        """Return one row for each rebuild, with null for numbers that do not exist.

        Fractions have six digits, because the last digits depend on the machine.
        """
        rows = [row.to_dict() for row in self.rows]
        return pa.Table.from_pylist(
            [
                {
                    name: float(f"{value:.6g}") if isinstance(value, float) else value
                    for name, value in row.items()
                }
                for row in rows
            ]
        )


def format_difference(difference: Interval) -> str:
    """Return a difference of two errors in percentage points."""
    limits = (difference.estimate, difference.low, difference.high)
    estimate, low, high = (100 * number for number in limits)
    return f"{estimate:+.2f}" if isnan(low) else f"{estimate:+.2f} [{low:+.2f}, {high:+.2f}]"


def measure_rebuild(
    rebuild: Rebuild, *, cell: Cell, runs: pa.Table, rejected: Interval | None = None
) -> RebuiltNetwork:
    """Return a rebuild with the mean error of its runs.

    Args:
        rebuild: the rebuild.
        cell: its cell in the study.
        runs: rows of the store's table ``runs``, of this cell alone.
        rejected: share of images that has to be rejected for an error of 1 %.
    """
    measured = MeasuredError.from_runs(runs)
    return RebuiltNetwork(
        rebuild=rebuild,
        cell=cell,
        measured=measured,
        diverged=len(runs) - (measured.runs if measured else 0),
        rejected=rejected,
    )


def render_history(history: History) -> TextTable:
    """Return a table for the terminal, one row for each rebuild."""
    columns = ("system", "year", "published", "measured", "difference", "runs", "study", "parameters")
    return TextTable(
        title="Published test errors, and mean test errors of the rebuilt networks",
        caption=CAPTION,
        columns=columns,
        rows=tuple(
            (
                row.system.name,
                NO_VALUE if row.system.year is None else str(row.system.year),
                row.published_text,
                row.measured_text,
                row.difference_text,
                row.runs_text,
                row.network.rebuild.study if row.network else NO_VALUE,
                row.parameters_text,
            )
            for row in history.rows
        ),
        right=frozenset({"year", "published", "runs", "parameters"}),
    )


def _finite(number: float) -> float | None:
    return None if isnan(number) else number
