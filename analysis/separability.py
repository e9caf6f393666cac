"""Linear separability of a training set, as JSON values and as text for the terminal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rich.table import Table

from analysis.formatting import NO_VALUE
from analysis.text_table import TextTable
from scaling.fit.separability import Separability, Verdict


@dataclass(frozen=True, kw_only=True)
class ClassSeparability:
    """One class against all others."""

    label: int
    images: int
    """Number of training images of the class."""
    separability: Separability


@dataclass(frozen=True, kw_only=True)
class TrainingSetSeparability:
    """Verdicts on one training set."""

    dataset_title: str
    train_images: int
    classes: tuple[ClassSeparability, ...]
    """Each class against all others."""
    all_classes: Separability
    """All classes at once, as a single layer with one output per class sees them."""

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
        }


def render_separability(training_set: TrainingSetSeparability) -> Table:
    """Return a table for the terminal: one row for each class against all others, and one for all classes."""
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
        no_wrap=frozenset({"classes", "verdict"}),
    ).render()


def _verdict(separability: Separability) -> tuple[str, str]:
    has_margin = separability.verdict is Verdict.SEPARABLE
    return separability.verdict.value, f"{separability.margin:.3g}" if has_margin else NO_VALUE
