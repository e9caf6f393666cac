"""Forecasts beside what was observed later: tables for the terminal, and rows for the report page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import Group
from rich.text import Text

from analysis.formatting import NO_VALUE, format_count, format_interval
from analysis.text_table import TextTable
from scaling.fit import Interval
from scaling.fit.forms import FORMS
from scaling.plan.forecast import Forecast
from scaling.plan.forecast_score import ForecastScore, Outcome, TargetScore

_DIGITS = 8
"""Number of digits of an id in a table."""
_NO_FORECASTS = "The stores have no forecast of this study."


@dataclass(frozen=True, kw_only=True)
class ForecastRow:
    """Row of a table of scores, as text."""

    forecast: str
    """Beginning of the id, and the date."""
    curve: str
    form: str
    filters: str
    """Number of filters, and the factor of the extrapolation."""
    predicted: str
    """Mean error of the runs, with its prediction interval."""
    observed: str
    """Mean error of the runs, with Student's interval."""
    runs: str
    outcome: str
    error: str
    """Relative error of the prediction."""
    z: str
    inside: str
    """Number of runs in the interval of a single run."""


def forecast_rows(scores: Iterable[ForecastScore]) -> list[ForecastRow]:
    """Return a row for each forecast, curve and size."""
    return [_row(score, target) for score in scores for target in score.targets]


def _row(score: ForecastScore, target: TargetScore) -> ForecastRow:
    runs = f"{target.trained} of {target.wanted}"
    if diverged := target.trained - target.runs:
        runs += f", {diverged} diverged"
    return ForecastRow(
        forecast=f"{score.id[:_DIGITS]}, {score.forecast.created_at:%Y-%m-%d}",
        curve=target.label,
        form=FORMS[target.form].formula,
        filters=_filters(target.filters, target.extrapolation),
        predicted=format_interval(target.predicted, percent=True),
        observed=_interval(target.observed),
        runs=runs,
        outcome=target.outcome.value,
        error=NO_VALUE if target.relative_error is None else f"{100 * target.relative_error:+.1f} %",
        z=NO_VALUE if target.z is None else f"{target.z:+.2f}",
        inside=NO_VALUE if target.runs_inside is None else f"{target.runs_inside} of {target.runs}",
    )


def describe_scores(scores: Sequence[ForecastScore]) -> list[str]:
    """Return sentences: the number of hits, and which forecasts do not count or are still open."""
    if not scores:
        return [_NO_FORECASTS]
    targets = [target for score in scores for target in score.targets]
    counted = [target for target in targets if target.counts]
    hits = sum(target.outcome is Outcome.HIT for target in counted)
    sentences = []
    if counted:
        sentences.append(
            f"{hits} of {format_count(len(counted), 'forecast')} hit. A forecast hits if the mean of its runs"
            " lies in the 95 % prediction interval of that mean."
        )
    for outcome, text in (
        (Outcome.OPEN, "open: not all of the runs are trained"),
        (Outcome.NOT_BLIND, "not blind and not counted: a run of the network is older than the forecast"),
        (Outcome.DIVERGED, "not counted: all runs diverged"),
    ):
        if number := sum(target.outcome is outcome for target in targets):
            sentences.append(f"{format_count(number, 'forecast')} {text}.")
    return sentences


def render_scores(scores: Sequence[ForecastScore]) -> Group:
    """Return a table of the scores and sentences about them, for the terminal."""
    lines = [Text(sentence) for sentence in describe_scores(scores)]
    if not scores:
        return Group(*lines)
    return Group(score_table(scores), *lines)


def score_table(scores: Sequence[ForecastScore]) -> TextTable:
    """Return a table of scores.

    Args:
        scores: at least one score of a study.
    """
    columns = ("curve", "form", "filters", "predicted", "observed", "runs", "outcome", "error", "z", "inside")
    return TextTable(
        title=f"Forecasts of {scores[0].forecast.study}",
        caption="mean error of the runs, 95 % intervals; error: observed over predicted - 1; inside: runs in"
        " the interval of a single run",
        columns=("forecast", *columns),
        rows=tuple(
            (row.forecast, *(getattr(row, column) for column in columns)) for row in forecast_rows(scores)
        ),
    )


def render_forecast(forecast: Forecast) -> Group:
    """Return a table of a forecast and a sentence about each law, for the terminal."""
    rows = [
        (
            curve.label,
            _filters(target.filters, target.extrapolation),
            format_interval(target.mean, percent=True),
            f"{format_interval(target.means_of_runs[-1], percent=True)} ({len(target.means_of_runs)})",
            _interval(target.new_run),
        )
        for curve in forecast.curves
        for target in curve.targets
    ]
    table = TextTable(
        title=f"Forecast of {forecast.study}",
        caption="95 % intervals of the error: of the law, of the mean of the study's seeds, of one new run",
        columns=("curve", "filters", "law", "mean of runs", "new run"),
        rows=tuple(rows),
    )
    lines = [
        f"{curve.label}: {curve.verdict}, {curve.formula}, fitted to"
        f" {format_count(len(curve.run_ids), 'run')}; {curve.status}"
        + (f": {curve.reason}" if curve.reason else "")
        for curve in forecast.curves
    ]
    return Group(table, *map(Text, lines))


def _filters(filters: int, extrapolation: float) -> str:
    return f"{filters} ({extrapolation:.3g}x)"


def _interval(value: Interval | None) -> str:
    return NO_VALUE if value is None else format_interval(value, percent=True)
