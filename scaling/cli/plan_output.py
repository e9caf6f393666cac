"""The parts that the outputs of ``plan``, ``run`` and ``status`` share."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from scaling.cli.output import count, print_prose

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from scaling.architectures import DerivedWidth
    from scaling.datasets import DatasetInfo
    from scaling.plan import Plan, PlanRow
    from scaling.plan.speed import Speed

_MAX_LABELS = 8
"""Largest number of a file's labels that are listed."""


def new_store_text(store: str, similar: Path | None, *, runs: int) -> str:
    """Return that a store has no runs yet, how many runs are trained anew, and which store was meant.

    Args:
        store: the store.
        similar: folder with runs whose name is similar; None if there is none.
        runs: number of runs that are to be trained.
    """
    hint = f"; did you mean {similar}, which has runs?" if similar else ""
    return f"{store}: a new store, so {count(runs, 'run')} to train{hint}"


def rate_heading(rows: Sequence[PlanRow]) -> tuple[str, ...]:
    """Return the heading of the column of learning rates; nothing for a study without pilot runs."""
    return ("learning\nrate",) if any(row.cell.is_pilot for row in rows) else ()


def rate_text(row: PlanRow) -> str:
    """Return the learning rate of a row; a warning about it stands below the table."""
    if row.cell.is_pilot:
        return "pilots"
    if not row.learning_rates:
        return "waits for pilots"
    return f"{row.learning_rates[0]:g}, see below" if row.warning else f"{row.learning_rates[0]:g}"


def print_pilot_rates(rows: Sequence[PlanRow]) -> None:
    """Print a line with the learning rates that pilot runs try."""
    for rates in dict.fromkeys(row.learning_rates for row in rows if row.cell.is_pilot):
        print_prose(f"pilot runs try {len(rates)} learning rates: {', '.join(f'{rate:g}' for rate in rates)}")


def print_rate_warnings(plan: Plan) -> None:
    """Print a line for each learning rate that pilot runs chose at the edge of those that they tried."""
    from scaling.config.pilots import ALL_DIVERGED

    for row in plan.rows():
        if not row.warning:
            continue
        if row.warning == ALL_DIVERGED:
            warning, hint = row.warning, "try smaller ones"
        else:
            warning, hint = (
                f"the learning rate {row.learning_rates[0]:g} is {row.warning}",
                "a better one may lie beyond",
            )
        print_prose(f"{row.network_label}: {warning}; {hint}: pilots.learning_rates")


def print_datasets(plan: Plan) -> None:
    """Print a line for each data set of a study: its classes and its sizes."""
    for line in dict.fromkeys(map(_dataset_text, plan.dataset_infos)):
        print_prose(line)
    for note in dict.fromkeys(f"{info.title}: {note}" for info in plan.dataset_infos for note in info.notes):
        print_prose(note)


def _dataset_text(info: DatasetInfo) -> str:
    side, channels = info.image.side, info.image.channels
    listed = list(info.label_names) or list(map(str, info.labels))
    if len(listed) > _MAX_LABELS:
        listed[_MAX_LABELS - 1 : -1] = ["..."]
    labels = (
        f"; the labels {', '.join(listed)} of its file become the classes 0 to {info.image.classes - 1}"
        if info.renumbers_labels or info.classes_in_use
        else ""
    )
    return (
        f"{info.title}: {count(info.image.classes, 'class', 'classes')}, {info.train_images:,} training and"
        f" {info.test_images:,} test images of {side}x{side} pixels with {count(channels, 'channel')}{labels}"
    )


def print_other_contents(plan: Plan) -> None:
    """Print a line for each other content of a data set of which the store has runs of this study."""
    for other in plan.other_contents:
        print_prose(
            f"{count(other.runs, 'run')} of this study in the store {'is' if other.runs == 1 else 'are'} on"
            f" another content of {other.title} (fingerprint {other.fingerprint[:8]}; now"
            f" {_fingerprints(plan, other.title)}); to use them, put the old file back"
        )


def _fingerprints(plan: Plan, title: str) -> str:
    """Return the beginnings of the fingerprints of the data sets with a title."""
    return ", ".join(info.fingerprint[:8] for info in plan.dataset_infos if info.title == title)


def print_divergence(diverged: int, *, runs: int) -> None:
    """Print how many of some runs diverged, and what to do; nothing if none did."""
    if diverged:
        print_prose(
            f"{diverged} of {count(runs, 'run')} diverged: a loss or an output was not finite;"
            " try a smaller recipe.learning_rate, or learning_rate: auto"
        )


def dataset_dict(info: DatasetInfo) -> dict[str, object]:
    """Return a data set as JSON values."""
    return {
        "title": info.title,
        "fingerprint": info.fingerprint,
        **asdict(info.image),
        "train_images": info.train_images,
        "test_images": info.test_images,
        "labels": info.labels or tuple(range(info.image.classes)),
    }


def speed_text(speed: Speed) -> str:
    """Return a sentence that names the machine whose speed the estimates use."""
    from scaling.plan.speed_file import default_speed

    if speed is default_speed():
        return (
            f"estimated with the speed of {speed.machine.processor}; to measure this machine: scaling bench"
        )
    return f"estimated with the speed of this machine, measured on {speed.machine.measured_at:%Y-%m-%d}"


def shown_widths(rows: Sequence[PlanRow]) -> list[DerivedWidth]:
    """Return the derived widths, such as second filters, that the study sets by value, ratio or cost."""
    from scaling.architectures import COST_SETTINGS, derived_widths

    given = {name for row in rows for name in row.cell.architecture.model_fields_set}
    return [width for width in derived_widths() if given & {width.setting, width.ratio, *COST_SETTINGS}]


def derived_value(row: PlanRow, width: DerivedWidth) -> int | None:
    """Return the value of a derived width; None if the network has none."""
    return getattr(row.cell.architecture, width.setting, 0) or None


def row_dict(row: PlanRow) -> dict[str, object]:
    """Return a row as JSON values."""
    from scaling.architectures import derived_widths

    layers = row.cell.layer_table()
    return {
        "architecture": row.cell.architecture.type,
        "label": row.label,
        "filters": row.cell.architecture.filters,
        **{width.setting: derived_value(row, width) for width in derived_widths()},
        "labels": row.cell.info.image.classes,
        "train_images": row.cell.dataset.train_size(row.cell.info),
        "parameters": layers.parameters,
        "conv_parameters": layers.conv_parameters,
        "linear_parameters": layers.linear_parameters,
        "macs": layers.macs,
        "backward_macs": layers.backward_macs,
        "routes": layers.routes,
        "training_flops": row.cell.training_flops,
        "pilots": row.cell.is_pilot,
        "pending": row.cell.pending,
        "learning_rates": row.learning_rates,
        "warning": row.warning,
        "runs": row.runs,
        "done": row.done,
        "packs": row.packs,
        "core_s": row.core_s,
        "memory_bytes": row.memory_bytes,
    }
