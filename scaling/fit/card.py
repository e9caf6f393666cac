"""Card of a law: what it rests on, and how much its exponent depends on choices that others could make.

A card refits the law under each choice: other widths, other runs, another x, another epoch, another loss
function. It predicts the left out widths at every cut-off, so that the error can be seen against the distance
of the extrapolation. A law is fragile if some choice moves its exponent out of its own 95 % interval.

Along another x, such as the parameters, the exponent is another number: that of the law along filters divided
by the power with which parameters grow with filters. The card multiplies it by this power, the slope of log
parameters in log filters, so that both can be compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from scipy.optimize import least_squares

from scaling.fit.comparison.law_choice import preferred_law
from scaling.fit.data.points import Points
from scaling.fit.data.variance import KnownVariance
from scaling.fit.diagnosis.outliers import winsorise
from scaling.fit.diagnosis.profile_likelihood import count_agreeing_starts
from scaling.fit.estimation.quasi_likelihood import maximise
from scaling.fit.estimation.variable_projection import fit_by_variable_projection
from scaling.fit.forms import Form, NonlinearForm
from scaling.fit.interval import Interval
from scaling.fit.result import Fit, Law

_MAX_CUTOFFS = 40
"""Largest number of cut-offs; of more widths, cut-offs are spread evenly over the widths."""
_MAX_PREDICTED = 40
"""Largest number of widths that are predicted from one cut-off, spread in the same way."""
_MAX_ORDER_GROUPS = 16
"""Largest number of groups of orders that are left out one by one."""
_KEPT_CARDS = 16
"""Number of cards that are kept, because a report shows the card of a fit in several places."""
_ROUNDING = 1e-6
"""Relative difference between exponents that are equal up to rounding."""
_STARTS = 12
"""Number of starting points of the independent search."""
_HUBER_SCALE = 0.01
"""Residual of log error from which the Huber loss is linear."""


@dataclass(frozen=True, kw_only=True)
class HeldOutWidth:
    """Prediction of one width by the law of the widths up to a cut-off."""

    cutoff: float
    """Widest fitted width."""
    x: float
    """Predicted width."""
    factor: float
    """Predicted width over the widest fitted one."""
    error: float
    """Predicted over measured mean, minus 1."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Exponent under one other choice."""

    name: str
    exponent: float
    outside: bool
    """True if the exponent lies outside the law's own interval."""


@dataclass(frozen=True, kw_only=True)
class LawCard:
    """Card of a law: data, noise and searches behind it, and its exponents under other choices."""

    label: str
    form: str
    formula: str
    parameters: dict[str, Interval]
    runs: int
    widths: int
    x_range: tuple[float, float]
    estimand: str
    noise: str
    """Variance model and dispersion."""
    starts: int
    """Number of starting points of an independent search."""
    starts_agreeing: int
    """Number of starting points from which the search finds the same optimum."""
    held_out: tuple[HeldOutWidth, ...]
    drift: dict[float, float]
    """Exponent of the law of the widths up to each cut-off, by the cut-off."""
    choices: tuple[Choice, ...]
    skipped: tuple[str, ...]
    """Choices that the data do not permit, each with the reason."""

    @property
    def fragile(self) -> bool:
        """True if some choice moves the exponent out of its own interval."""
        return any(choice.outside for choice in self.choices)

    def to_dict(self) -> dict[str, Any]:
        """Return the card as JSON values."""
        drift = [{"cutoff": x, "exponent": exponent} for x, exponent in self.drift.items()]
        return {**asdict(self), "drift": drift, "fragile": self.fragile}


@lru_cache(maxsize=_KEPT_CARDS)
def law_card(fit: Fit, *, seed: int = 0) -> LawCard | None:
    """Return the card of the law that the verdict names; None without a usable law.

    Args:
        fit: laws of one group.
        seed: seed of the starting points.
    """
    law, points = preferred_law(fit), fit.points
    if law is None or not points.means.all():
        return None
    exponent, other_sizes = law.parameters["exponent"], tuple(_other_sizes(law, fit))
    cutoffs = _spread(len(law.form.parameters) + 1, len(points.widths), most=_MAX_CUTOFFS)
    refits = {cutoff: _refit(law.form, points, np.arange(len(points.widths)) < cutoff) for cutoff in cutoffs}
    return LawCard(
        label=fit.label,
        form=law.form.name,
        formula=law.form.formula,
        parameters=law.parameters,
        runs=len(points.x),
        widths=len(points.widths),
        x_range=(float(points.widths[0]), float(points.widths[-1])),
        estimand=fit.estimand,
        noise=_describe_noise(points, law),
        starts=_STARTS,
        starts_agreeing=count_agreeing_starts(law, points, starts=_STARTS, seed=seed),
        held_out=tuple(_held_out(law.form, points, refits)),
        drift={
            float(points.widths[cutoff - 1]): _exponent(law.form, refit) for cutoff, refit in refits.items()
        },
        choices=tuple(
            Choice(name=name, exponent=value, outside=_is_outside(value, exponent))
            for name, value in (*_other_choices(law, points), *other_sizes)
        ),
        skipped=tuple(_skipped_choices(points, other_sizes)),
    )


def _spread(first: int, end: int, *, most: int) -> list[int]:
    """Return all numbers from first to before end; if there are too many, some of them, with both ends."""
    return [int(number) for number in np.unique(np.linspace(first, end - 1, min(end - first, most)).round())]


def _is_outside(exponent: float, interval: Interval) -> bool:
    """Return True if an exponent lies outside an interval by more than rounding."""
    rounding = _ROUNDING * abs(interval.estimate)
    return not interval.low - rounding <= exponent <= interval.high + rounding


def _describe_noise(points: Points, law: Law) -> str:
    if points.known_std is not None:
        model = "known standard deviations"
    elif points.test_images is None:
        model = "standard deviation proportional to the mean"
    else:
        model = f"binomial counts of {points.test_images:,} images"
    return f"{model}; dispersion {law.dispersion.value:.3g} from {law.dispersion.source}"


def _exponent(form: Form, parameters: Float[np.ndarray, " p"]) -> float:
    return float(parameters[form.parameters.index("exponent")])


def _refit(form: Form, points: Points, is_fitted: Bool[np.ndarray, " widths"]) -> Float[np.ndarray, " p"]:
    weights = np.where(is_fitted, points.weights, 0.0)
    return np.asarray(maximise(form, points, points.means[None], weights[None])[0])


def _held_out(
    form: Form, points: Points, refits: dict[int, Float[np.ndarray, " p"]]
) -> Iterator[HeldOutWidth]:
    for cutoff, refit in refits.items():
        predicted = form.evaluate(refit, points.widths)
        for index in _spread(cutoff, len(points.widths), most=_MAX_PREDICTED):
            yield HeldOutWidth(
                cutoff=float(points.widths[cutoff - 1]),
                x=float(points.widths[index]),
                factor=float(points.widths[index] / points.widths[cutoff - 1]),
                error=float(predicted[index] / points.means[index] - 1),
            )


def _other_choices(law: Law, points: Points) -> Iterator[tuple[str, float]]:
    """Yield the exponents under other choices of widths, runs and loss functions."""
    form, n_widths = law.form, len(points.widths)
    index = np.arange(n_widths)
    subsets = {
        f"without the narrowest, {points.widths[0]:g}": index > 0,
        "without the two narrowest": index > 1,
        f"without the widest, {points.widths[-1]:g}": index < n_widths - 1,
        "without the two widest": index < n_widths - 2,
        "every other width": index % 2 == 0,
    }
    for name, is_fitted in subsets.items():
        if is_fitted.sum() > len(form.parameters):
            yield name, _exponent(form, _refit(form, points, is_fitted))
    for name, others in _other_runs(points):
        if len(others.widths) == n_widths and others.means.all():
            yield name, _exponent(form, _refit(form, others, np.ones(n_widths, bool)))
    equal = maximise(form, points, points.means[None], np.ones((1, n_widths)))
    yield "every width with equal weight", _exponent(form, equal[0])
    if not isinstance(form, NonlinearForm):
        squares = fit_by_variable_projection(
            form, points.widths, points.means[None], points.weights[None], KnownVariance()
        )
        yield "least squares of errors", _exponent(form, squares[0])
    yield "least squares of logarithms", _fit_logarithms(law, points, loss="linear")
    yield "Huber loss of logarithms", _fit_logarithms(law, points, loss="huber")


def _other_sizes(law: Law, fit: Fit) -> Iterator[tuple[str, float]]:
    """Yield the exponents along other sizes, in units of the exponent along x."""
    form, points = law.form, fit.points
    for name, cost in fit.costs.items():
        sizes = cost.at(points.widths)
        if (np.diff(sizes) > 0).all():
            slope = float(np.polyfit(np.log(points.widths), np.log(sizes), 1)[0])
            others = replace(points, x=sizes[points.width_index])
            refit = _refit(form, others, np.ones(len(sizes), bool))
            yield f"{name} in place of {points.x_name}", slope * _exponent(form, refit)


def _skipped_choices(points: Points, other_sizes: Sequence[tuple[str, float]]) -> Iterator[str]:
    """Yield a phrase for another x and for another epoch, if the data do not have them."""
    if not other_sizes:
        yield f"another x (the runs have no parameters or macs that rise with {points.x_name})"
    if points.y_at_best_epoch is None:
        yield "the best validation epoch (the runs have no epochs with validation)"


def _other_runs(points: Points) -> Iterator[tuple[str, Points]]:
    """Yield the points with other runs or values: without each order, halves, medians, another epoch."""
    if points.order is not None and len(orders := np.unique(points.order)) > 1:
        for group in np.array_split(orders, min(len(orders), _MAX_ORDER_GROUPS)):
            name = f"order {group[0]}" if len(group) == 1 else f"orders {group[0]} to {group[-1]}"
            yield f"without {name}", _select(points, ~np.isin(points.order, group))
    rank = _rank_in_width(points)
    if points.counts.min() > 1:
        yield "first half of the runs", _select(points, rank < (points.counts[points.width_index] + 1) // 2)
        yield "second half of the runs", _select(points, rank >= points.counts[points.width_index] // 2)
        medians = np.array([np.median(points.y[points.width_index == i]) for i in range(len(points.widths))])
        yield "medians instead of means", replace(points, y=medians[points.width_index], misclassified=None)
    if points.y_at_best_epoch is not None:
        yield (
            "the best validation epoch in place of the last",
            replace(points, y=points.y_at_best_epoch, misclassified=None),
        )
    if winsorised := winsorise(points):
        yield "outliers winsorised", winsorised.points


def _rank_in_width(points: Points) -> np.ndarray:
    """Return the number of each run among the runs of its width."""
    order = np.argsort(points.width_index, kind="stable")
    start = np.cumsum(points.counts) - points.counts
    rank = np.empty(len(points.x), dtype=np.intp)
    rank[order] = np.arange(len(points.x)) - np.repeat(start, points.counts)
    return rank


def _select(points: Points, used: Bool[np.ndarray, " runs"]) -> Points:
    columns = ("x", "y", "misclassified", "order", "seed", "y_at_best_epoch", "known_std")
    values = {name: getattr(points, name) for name in columns}
    return replace(points, **{name: value[used] for name, value in values.items() if value is not None})


def _fit_logarithms(law: Law, points: Points, *, loss: str) -> float:
    form, weights = law.form, np.sqrt(points.counts / points.counts.mean())

    def residuals(internal: Float[np.ndarray, " p"]) -> Float[np.ndarray, " widths"]:
        with np.errstate(all="ignore"):
            curve = np.maximum(form.evaluate(form.from_internal(internal), points.widths), 1e-300)
        return np.asarray(weights * (np.log(curve) - np.log(points.means)))

    start = form.to_internal(law.estimates)
    low = np.array([form.lower_bounds.get(name, -np.inf) for name in form.parameters])
    found = least_squares(
        residuals, np.maximum(start, low), bounds=(low, np.inf), loss=loss, f_scale=_HUBER_SCALE
    )
    return _exponent(form, form.from_internal(found.x))
