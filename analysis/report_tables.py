"""Tables of a report: laws, means over seeds, joint laws and forecasts, as numbers and as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from analysis.figure_axes import FigureAxis
from analysis.forecasts import describe_scores, score_table
from analysis.formatting import NO_VALUE, describe_means, format_percent, response_label
from analysis.joint_laws import JointLaws, joint_law_rows
from analysis.laws import CurveFits, build_law_table, law_rows
from analysis.table_files import PaperTable
from analysis.text_table import STATUS, TextTable
from scaling.fit import Fit, Interval, tabulate_laws
from scaling.plan.forecast_score import ForecastScore


def report_tables(
    axes: Sequence[tuple[FigureAxis, CurveFits]],
    *,
    means: pa.Table,
    joint: JointLaws,
    forecasts: Sequence[ForecastScore],
) -> list[PaperTable]:
    """Return the tables of a study's report; of joint laws and forecasts only if there are any.

    Args:
        axes: fits along each axis.
        means: means over seeds, as ``mean_errors`` gives them.
        joint: joint laws.
        forecasts: scores of the study's forecasts.
    """
    texts = tuple(_laws_text(fits.fits, x=axis.name) for axis, fits in axes if fits.fits)
    laws = PaperTable(name="laws", numbers=build_law_table(fits for _, fits in axes), texts=texts)
    tables = [
        laws,
        PaperTable(name="means", numbers=means, texts=(_means_text(means),) if len(means) else ()),
    ]
    if joint.with_law:
        tables.append(_joint_table(joint))
    if forecasts:
        tables.append(_forecast_table(forecasts))
    return tables


def law_table(fits: Sequence[Fit]) -> PaperTable:
    """Return the laws of a table of others."""
    text = _laws_text(fits, x=fits[0].points.x_name)
    return PaperTable(name="laws", numbers=pa.Table.from_pylist(tabulate_laws(fits)), texts=(text,))


def interval_columns(name: str, value: Interval | None) -> dict[str, float | None]:
    """Return the columns of an estimate and its limits; null where there is none."""
    return {f"{name}_{end}": getattr(value, end) if value else None for end in ("estimate", "low", "high")}


def _laws_text(fits: Sequence[Fit], *, x: str) -> TextTable:
    columns = ("curve", "form", "exponent", "floor", "amplitude", "held out", "widths", "runs", STATUS)
    rows = tuple(
        (
            row.label,
            row.form,
            row.exponent,
            row.floor,
            row.amplitude,
            row.held_out,
            str(row.widths),
            str(row.runs),
            f"{row.status.value}: {row.reason}" if row.reason else row.status.value,
        )
        for row in law_rows(fits)
    )
    estimands = "; ".join(sorted({fit.estimand for fit in fits}))
    return TextTable(
        title=f"Scaling laws of the {response_label(fits[0].points.y_name).lower()} against {x}: {estimands}",
        caption=(
            "95 % intervals. The first law of a curve is the law that its verdict names; its limits include"
            " the selection of the form. held out: root mean square of log(predicted / measured mean), and"
            " bias, of the widest networks by the form fitted without them"
        ),
        columns=columns,
        rows=rows,
        right=frozenset({"widths", "runs"}),
    )


def _means_text(means: pa.Table) -> TextTable:
    rows = means.to_pylist()
    numbers = ("filters", "mean error", "runs", "parameters", "multiply-adds", "time of a run, s")
    return TextTable(
        title="Means over seeds",
        caption=describe_means(has_intervals=any(row["low_error"] is not None for row in rows))
        + " The time of a run is the time of its pack divided by the replicas.",
        columns=("curve", *numbers[:2], "95 % interval", *numbers[2:]),
        rows=tuple(
            (
                row["group"],
                f"{row['filters']:,}",
                format_percent(row["mean_error"]),
                _limits(row),
                f"{row['runs']:,}",
                f"{row['parameters']:,}",
                f"{row['macs']:,}",
                NO_VALUE if row["wall_s"] is None else f"{row['wall_s']:.3g}",
            )
            for row in rows
        ),
        right=frozenset(numbers),
    )


def _limits(row: dict[str, Any]) -> str:
    if row["low_error"] is None:
        return NO_VALUE
    return f"{format_percent(row['low_error'])} to {format_percent(row['high_error'])}"


def _joint_table(joint: JointLaws) -> PaperTable:
    numbers = [
        {
            "label": fit.label,
            **{
                column: value
                for name, interval in law.parameters.items()
                for column, value in interval_columns(name, interval).items()
            },
            "cells": len(fit.points.widths),
            "runs": len(fit.points.y),
            "estimand": fit.estimand,
            "status": law.status.value,
            "reason": law.reason,
        }
        for fit, law in joint.with_law
    ]
    text = TextTable(
        title="Joint laws of filters N and training images D: the error is E + A N^-alpha + B D^-beta",
        caption="95 % intervals, which are valid if the form is right",
        columns=("group", "alpha", "beta", "floor E", "A", "B", "cells", "runs", STATUS),
        rows=tuple(
            (
                row.label,
                row.alpha,
                row.beta,
                row.floor,
                row.a,
                row.b,
                str(row.cells),
                str(row.runs),
                f"{row.status}: {row.reason}" if row.reason else row.status,
            )
            for row in joint_law_rows(joint)
        ),
        right=frozenset({"cells", "runs"}),
    )
    return PaperTable(name="joint_laws", numbers=pa.Table.from_pylist(numbers), texts=(text,))


def _forecast_table(scores: Sequence[ForecastScore]) -> PaperTable:
    text = score_table(scores)
    caption = " ".join((f"{text.caption}.", *describe_scores(scores)))
    written = TextTable(title=text.title, caption=caption, columns=text.columns, rows=text.rows)
    numbers = pa.Table.from_pylist(list(_forecast_numbers(scores)))
    return PaperTable(name="forecasts", numbers=numbers, texts=(written,))


def _forecast_numbers(scores: Iterable[ForecastScore]) -> Iterator[dict[str, Any]]:
    for score in scores:
        for target in score.targets:
            yield {
                "forecast": score.id,
                "created_at": score.forecast.created_at,
                "curve": target.label,
                "form": target.form,
                "filters": target.filters,
                "extrapolation": target.extrapolation,
                **interval_columns("predicted", target.predicted),
                **interval_columns("observed", target.observed),
                "wanted": target.wanted,
                "trained": target.trained,
                "runs": target.runs,
                "outcome": target.outcome.value,
                "relative_error": target.relative_error,
                "z": target.z,
                "runs_inside": target.runs_inside,
            }
