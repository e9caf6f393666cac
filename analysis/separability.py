"""Linear separability of a training set, as JSON values and as text for the terminal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from rich.console import Group

from analysis.formatting import NO_VALUE, describe_means, format_interval, format_status
from analysis.text_table import TextTable
from scaling.fit import Interval
from scaling.fit.diagnosis.status import Assessment, assess_runs
from scaling.fit.separability import Separability, Verdict


@dataclass(frozen=True, kw_only=True)
class ClassSeparability:
    """One class against all others."""

    label: int
    images: int
    """Number of training images of the class."""
    separability: Separability


@dataclass(frozen=True, kw_only=True)
class SingleLayer:
    """Errors of the runs of a single layer that was trained on a training set."""

    label: str
    """Label of its curve in the study."""
    runs: int
    train_error: Interval
    """Mean over seeds of the training error in the last epoch, or after a fit in one go."""
    test_error: Interval
    """Mean over seeds of the test error."""
    has_seeds: bool = True
    """False for an architecture without random numbers, which has one run."""

    @classmethod
    def from_runs(cls, label: str, runs: pa.Table, *, has_seeds: bool) -> SingleLayer:
        """Return the mean errors of runs.

        Args:
            label: label of the curve.
            runs: rows of the store's table ``runs`` with a test error.
            has_seeds: False for an architecture without random numbers.
        """
        train, test = (
            Interval.of_mean(runs[name].to_numpy(), at_least=0, at_most=1)
            for name in ("train_error", "test_error")
        )
        return cls(label=label, runs=len(runs), train_error=train, test_error=test, has_seeds=has_seeds)

    @property
    def assessment(self) -> Assessment:
        """Status of the means."""
        return assess_runs(self.runs, has_seeds=self.has_seeds)

    def to_dict(self) -> dict[str, Any]:
        """Return the errors as JSON values."""
        return {
            "label": self.label,
            "runs": self.runs,
            "train_error": vars(self.train_error),
            "test_error": vars(self.test_error),
            "status": self.assessment.status.value,
            "reason": self.assessment.reason,
        }


@dataclass(frozen=True, kw_only=True)
class TrainingSetSeparability:
    """Verdicts on one training set."""

    dataset_title: str
    train_images: int
    classes: tuple[ClassSeparability, ...]
    """Each class against all others."""
    all_classes: Separability
    """All classes at once, as a single layer with one output per class sees them."""
    single_layers: tuple[SingleLayer, ...] = ()
    """Stored single layers of the study that were trained on this training set."""

    def to_dict(self) -> dict[str, Any]:
        """Return the verdicts as JSON values."""
        return {
            "dataset": self.dataset_title,
            "train_images": self.train_images,
            "all_classes": self.all_classes.to_dict(),
            "classes": [
                {"label": row.label, "class_images": row.images, **row.separability.to_dict()}
                for row in self.classes
            ],
            "single_layers": [layer.to_dict() for layer in self.single_layers],
        }


def render_separability(training_set: TrainingSetSeparability) -> Group:
    """Return the verdicts for the terminal, and the errors of the single layers if there are any."""
    layers = [_render_single_layers(training_set)] if training_set.single_layers else []
    return Group(_render_verdicts(training_set), *layers)


def _render_verdicts(training_set: TrainingSetSeparability) -> TextTable:
    """Return a table with one row for each class against all others, and one for all classes."""
    rows = [
        (f"{row.label} against all others", f"{row.images:,}", *_verdict(row.separability))
        for row in training_set.classes
    ]
    rows.append(
        ("all classes at once", f"{training_set.train_images:,}", *_verdict(training_set.all_classes))
    )
    return TextTable(
        title=(
            f"Linear separability of {training_set.train_images:,} training images of"
            f" {training_set.dataset_title}"
        ),
        caption=(
            "A linear program decides. Margin: least difference between the output of an image's class and"
            " another output, for pixels from 0 to 1 and the best weights from -1 to 1. A set that is not"
            " separable has a certificate: a convex combination of the constraints that permits no margin."
        ),
        columns=("classes", "images", "verdict", "margin"),
        rows=tuple(rows),
        right=frozenset({"images", "margin"}),
    )


def _render_single_layers(training_set: TrainingSetSeparability) -> TextTable:
    """Return a table with one row for each single layer."""
    has_intervals = any(layer.runs > 1 for layer in training_set.single_layers)
    columns = ("single layer", "runs", "training error", "test error", "status")
    return TextTable(
        title="Errors of single layers that were trained on these images",
        caption=(
            f"{describe_means(has_intervals=has_intervals)} The training error of a network is measured on"
            " the last epoch's minibatches, while the weights change."
        ),
        columns=columns,
        rows=tuple(
            (
                layer.label,
                str(layer.runs),
                format_interval(layer.train_error, percent=True),
                format_interval(layer.test_error, percent=True),
                format_status(layer.assessment.status, layer.assessment.reason),
            )
            for layer in training_set.single_layers
        ),
        right=frozenset({"runs"}),
    )


def _verdict(separability: Separability) -> tuple[str, str]:
    has_margin = separability.verdict is Verdict.SEPARABLE
    return separability.verdict.value, f"{separability.margin:.3g}" if has_margin else NO_VALUE
