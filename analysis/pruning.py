"""Pruned networks of a study: means over seeds by method and parameters left, as rows and as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from math import isfinite, nan
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from rich.text import Text

from analysis.formatting import (
    NO_VALUE,
    describe_means,
    format_interval,
    format_points,
    format_status,
    format_test_set,
)
from analysis.run_groups import GroupedRuns
from analysis.text_table import TextTable
from scaling.config.labels import network_label
from scaling.config.pruning import METHODS, PruningMethod
from scaling.fit import Interval
from scaling.fit.diagnosis.status import Assessment, assess_runs

_QUANTITIES = (
    "test_error",
    "test_mse",
    "error_change",
    "train_mse",
    "predicted_increase",
    "measured_increase",
)
"""Fields of ``PrunedRuns`` with an interval."""


@dataclass(frozen=True, kw_only=True)
class PrunedRuns:
    """Runs of one network that were pruned by one method to one number of parameters; means over seeds."""

    method: PruningMethod | None
    """Method; None for networks that are not pruned."""
    parameters_left: int
    runs: int
    test_error: Interval
    """Fraction of the test images that are misclassified, after the retraining."""
    test_mse: Interval
    """Mean squared error on the test images, after the retraining."""
    error_change: Interval
    """Test error minus that of the same network before all rounds."""
    train_mse: Interval
    """Mean squared error on the training images, after the retraining; NaN without pruning."""
    predicted_increase: Interval
    """Predicted increase of the training MSE by the last deletion; NaN without pruning."""
    measured_increase: Interval
    """Increase of the training MSE by the last deletion, before the retraining; NaN without pruning."""
    assessment: Assessment

    def to_dict(self) -> dict[str, Any]:
        """Return the record as JSON values."""
        return asdict(self) | {
            "assessment": {"status": self.assessment.status.value, "reason": self.assessment.reason}
        }


@dataclass(frozen=True, kw_only=True)
class PrunedNetwork:
    """One network of a study, before and after its pruning."""

    label: str
    """Label of the network's curve in the study, and its filters."""
    unpruned: PrunedRuns
    rounds: tuple[PrunedRuns, ...]
    """Method by method, each by falling numbers of parameters left."""
    deletions: pa.Table
    """One row for each round and run: method, parameters_left, seed and the increases of the error."""

    def of_method(self, method: PruningMethod) -> tuple[PrunedRuns, ...]:
        """Return the rounds of one method, by falling numbers of parameters left."""
        return tuple(pruned for pruned in self.rounds if pruned.method == method)


@dataclass(frozen=True, kw_only=True)
class StudyPruning:
    """Pruned networks of a study."""

    networks: tuple[PrunedNetwork, ...]
    title: str
    """Number and name of the test images."""
    diverged: int
    """Number of pruned runs without a test error, which no mean includes."""

    @property
    def methods(self) -> list[PruningMethod]:
        """Methods with results, in the order of tables and figures."""
        used = {pruned.method for network in self.networks for pruned in network.rounds}
        return [method for method in METHODS if method in used]

    @property
    def has_intervals(self) -> bool:
        """True if a mean is over several runs; a single run has no interval."""
        return any(
            pruned.runs > 1 for network in self.networks for pruned in (network.unpruned, *network.rounds)
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the means as JSON values."""
        return {
            "estimand": "mean over seeds on this test set, with Student's 95 % interval",
            "diverged": self.diverged,
            "networks": [
                {
                    "label": network.label,
                    "unpruned": network.unpruned.to_dict(),
                    "rounds": [pruned.to_dict() for pruned in network.rounds],
                }
                for network in self.networks
            ],
        }


def summarise_pruning(trained: GroupedRuns, pruned: pa.Table) -> StudyPruning:
    """Average the pruned runs of a study over seeds.

    Args:
        trained: runs of the study, which are not pruned.
        pruned: rows of pruned runs, with the further column ``ancestor``: id of the run that was pruned.
    """
    has_error = pc.and_kleene(pc.is_finite(pruned["test_error"]), pc.invert(pruned["diverged"]))
    with_error = pruned.filter(pc.fill_null(has_error, False))
    names = ("group", "filters", "architecture")
    keys = list(zip(*(trained.runs[name].to_pylist() for name in names), strict=True))
    networks = []
    for key in dict.fromkeys(keys):
        unpruned = trained.runs.filter([other == key for other in keys])
        rounds = with_error.filter(pc.is_in(with_error["ancestor"], unpruned["id"].combine_chunks()))
        if rounds.num_rows:
            label = network_label(key[0], key[1], architecture=key[2])
            networks.append(_summarise_network(label, unpruned, rounds))
    return StudyPruning(
        networks=tuple(networks),
        title=format_test_set(trained.runs, trained.dataset_title),
        diverged=pruned.num_rows - with_error.num_rows,
    )


def _summarise_network(label: str, unpruned: pa.Table, pruned: pa.Table) -> PrunedNetwork:
    errors = dict(zip(unpruned["id"].to_pylist(), unpruned["test_error"].to_pylist(), strict=True))
    before = pc.take(pa.array(list(errors.values())), pc.index_in(pruned["ancestor"], pa.array(list(errors))))
    pruned = pruned.append_column("error_change", pc.subtract(pruned["test_error"], before))
    pruned = pruned.sort_by([("parameters_left", "descending"), ("seed", "ascending")])
    rounds = []
    for method in METHODS:
        by_method = pruned.filter(pc.field("pruning_method") == method)
        for size in pc.unique(by_method["parameters_left"]).to_pylist():
            runs = by_method.filter(pc.field("parameters_left") == size)
            rounds.append(_average(runs, method=method, parameters_left=size))
    return PrunedNetwork(
        label=label,
        unpruned=_average(unpruned, method=None, parameters_left=unpruned["parameters"][0].as_py()),
        rounds=tuple(rounds),
        deletions=pruned.select(
            ["pruning_method", "parameters_left", "seed", "predicted_increase", "measured_increase"]
        ),
    )


def _average(runs: pa.Table, *, method: PruningMethod | None, parameters_left: int) -> PrunedRuns:
    """Return means over the runs; NaN for a column that the runs lack."""
    values: dict[str, NDArray[np.float64]] = {
        name: _column(runs, name) for name in _QUANTITIES if name in runs.column_names
    }
    if method is None:
        values["error_change"] = np.zeros(len(runs))
    test_error = Interval.of_mean(values.pop("test_error"), at_least=0.0, at_most=1.0)
    mses = {name: Interval.of_mean(values.pop(name), at_least=0.0) for name in ("test_mse", "train_mse")}
    return PrunedRuns(
        method=method,
        parameters_left=parameters_left,
        runs=len(runs),
        test_error=test_error,
        **mses,
        **{name: Interval.of_mean(numbers) for name, numbers in values.items()},
        assessment=assess_runs(len(runs)),
    )


def _column(runs: pa.Table, name: str) -> NDArray[np.float64]:
    return np.asarray(pc.fill_null(runs[name], nan), dtype=float)


def pruning_table(study: StudyPruning) -> pa.Table:
    """Return one row for each network, method and size, with null for numbers that do not exist."""
    return pa.Table.from_pylist(
        [
            {
                "network": network.label,
                "method": pruned.method or "none",
                "parameters_left": pruned.parameters_left,
                "runs": pruned.runs,
                **_limits(pruned),
                "status": pruned.assessment.status.value,
                "reason": pruned.assessment.reason,
            }
            for network in study.networks
            for pruned in (network.unpruned, *network.rounds)
        ]
    )


def _limits(pruned: PrunedRuns) -> dict[str, float | None]:
    numbers = {
        column: getattr(getattr(pruned, name), end)
        for name in _QUANTITIES
        for column, end in ((name, "estimate"), (f"{name}_low", "low"), (f"{name}_high", "high"))
    }
    return {column: number if isfinite(number) else None for column, number in numbers.items()}


def deletion_table(study: StudyPruning) -> pa.Table:
    """Return one row for each network, method, size and seed, with the increases of the training error."""
    return pa.concat_tables(
        network.deletions.add_column(0, "network", pa.array([network.label] * network.deletions.num_rows))
        for network in study.networks
    )


def render_pruning(study: StudyPruning) -> TextTable:
    """Return a table for the terminal, one row for each network, method and size."""
    columns = (
        *(("network",) if len(study.networks) > 1 else ()),
        *("method", "left", "runs", "test error", "change", "test MSE", "status"),
    )
    left_out = f" Left out: {study.diverged} diverged runs." if study.diverged else ""
    return TextTable(
        title=f"Pruned networks: errors on {study.title}",
        caption=(
            "Left: parameters left. Errors are those after the retraining."
            f" {describe_means(has_intervals=study.has_intervals)} The change of the test error is that from"
            f" the same network before the pruning, in percentage points.{left_out}"
        ),
        columns=columns,
        rows=tuple(_text_rows(study.networks)),
        right=frozenset({"left", "runs"}),
    )


def _text_rows(networks: Sequence[PrunedNetwork]) -> Iterator[tuple[str | Text, ...]]:
    for network in networks:
        for pruned in (network.unpruned, *network.rounds):
            yield (
                *((network.label,) if len(networks) > 1 else ()),
                pruned.method or "not pruned",
                f"{pruned.parameters_left:,}",
                str(pruned.runs),
                format_interval(pruned.test_error, percent=True),
                format_points(pruned.error_change) if pruned.method else NO_VALUE,
                format_interval(pruned.test_mse) if isfinite(pruned.test_mse.estimate) else NO_VALUE,
                format_status(pruned.assessment.status, pruned.assessment.reason),
            )
