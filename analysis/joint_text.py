"""Joint laws of two sizes, their predictions and compute-optimal frontiers as tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Group
from rich.text import Text

from analysis.formatting import NO_VALUE, format_interval, format_response, format_status, response_label
from analysis.text_table import TextTable
from scaling.fit import JointFit, JointHeldOut, JointLaw, predict_joint
from scaling.fit.forms import JOINT

_CAPTION = "95 % intervals, which are valid if the form is right"


def render_joint_laws(fits: Iterable[JointFit]) -> Group:
    """Return a table of the parameters, then a line on the status and on the held-out sizes of each group."""
    fits = list(fits)
    laws = [(fit, fit.law) for fit in fits if fit.law is not None]
    first = fits[0].points
    table = TextTable(
        title=f"{response_label(first.y_name)} = {JOINT.formula}; N: {first.names[0]}, D: {first.names[1]}",
        caption="; ".join(sorted({fit.estimand for fit in fits})),
        columns=("group", "A", "alpha", "B", "beta", "E", "cells", "runs", "status"),
        rows=tuple(
            (
                fit.label,
                *(format_interval(law.parameters[name]) for name in JOINT.parameters[:4]),
                format_response(fit.points, law.parameters["floor"]),
                str(len(fit.points.widths)),
                str(len(fit.points.y)),
                format_status(law.status, law.reason),
            )
            for fit, law in laws
        ),
        right=frozenset({"cells", "runs"}),
    )
    lines = [line for fit, law in laws for line in _describe_held_out(fit, law)]
    return Group(table, *map(Text, lines))


def _describe_held_out(fit: JointFit, law: JointLaw) -> list[str]:
    """Return a line for each size: the bias of the law that is fitted without its largest values."""
    lines = []
    for name in fit.points.names:
        held_out = [held for held in law.held_out if held.column == name]
        if held_out:
            biases = "; ".join(map(_describe_bias, held_out))
            lines.append(f"{fit.label}: predictions of the largest {name} by the law of the others: {biases}")
    return lines


def _describe_bias(held: JointHeldOut) -> str:
    return (
        f"from {held.left_out_from:g} ({held.extrapolation:.3g} times the fitted) a bias of"
        f" {100 * held.bias:+.1f} %"
    )


def render_joint_predictions(fits: Iterable[JointFit], pairs: Sequence[tuple[float, float]]) -> TextTable:
    """Return a table of predictions at pairs of sizes, for the mean over seeds and for one new run."""
    fits = list(fits)
    rows = [
        (
            fit.label,
            *(f"{size:g}" for size in prediction.sizes),
            format_response(fit.points, prediction.mean),
            format_response(fit.points, prediction.new_run) if prediction.new_run else NO_VALUE,
            _describe_extrapolation(fit, prediction.extrapolation),
        )
        for fit in fits
        for prediction in predict_joint(fit, pairs)
    ]
    names = fits[0].points.names
    return TextTable(
        title="Predictions of the joint law",
        caption=_CAPTION,
        columns=("group", *names, "mean over seeds", "one new run", "outside the data"),
        rows=tuple(rows),
        right=frozenset(names),
    )


def render_frontiers(fits: Iterable[JointFit]) -> Group:
    """Return a table of the sizes with the smallest error at a cost, and lines on the cost."""
    rows, lines = [], []
    fits = list(fits)
    names = fits[0].points.names
    for fit in fits:
        if fit.frontier is None:
            continue
        cost, (n, d) = fit.frontier.cost, fit.frontier.exponents
        lines += [
            f"{fit.label}: {cost.name} = {cost.factor:.3g} {names[0]}^{cost.exponents[0]:.3g}"
            f" {names[1]}^{cost.exponents[1]:.3g} (R^2 = {cost.r2:.4f}, largest deviation"
            f" {100 * cost.largest_error:.2g} %)",
            f"{fit.label}: optimal {names[0]} grow as {cost.name}^{format_interval(n)}, optimal {names[1]} as"
            f" {cost.name}^{format_interval(d)}"
            + (f"; caution: {fit.frontier.reason}" if fit.frontier.reason else ""),
        ]
        for optimum in map(fit.frontier.at, fit.frontier.budgets()):
            beyond = f"{optimum.extrapolation:.3g} times the largest" if optimum.extrapolation > 1 else ""
            rows.append(
                (
                    fit.label,
                    f"{optimum.cost:.3g}",
                    *map(format_interval, optimum.sizes),
                    format_response(fit.points, optimum.error),
                    beyond,
                )
            )
    table = TextTable(
        title="Compute-optimal sizes",
        caption=_CAPTION,
        columns=("group", "cost", *names, "error", "outside the data"),
        rows=tuple(rows),
        right=frozenset({"cost"}),
    )
    return Group(table, *map(Text, lines))


def _describe_extrapolation(fit: JointFit, ratios: tuple[float, float]) -> str:
    """Return how far a pair lies beyond the largest sizes; empty if it does not."""
    return ", ".join(
        f"{ratio:.3g} times the largest {name}"
        for name, ratio in zip(fit.points.names, ratios, strict=True)
        if ratio > 1
    )
