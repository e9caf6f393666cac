"""Compute-optimal frontiers of joint laws: against a minimiser on the line of one cost, and refusals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from scaling.errors import FitError
from scaling.fit import EstimationOptions, add_cells, fit_joint_table
from scaling.fit.frontier import fit_cost, optimal_sizes
from simulations.joint import CHINCHILLA, NAMES, grid, noisy, surface, table

SIZES = grid()


def model(factor: float = 6.0, a: float = 1.0, b: float = 1.0):
    return fit_cost("flops", SIZES, factor * SIZES[:, 0] ** a * SIZES[:, 1] ** b, NAMES)


@pytest.mark.parametrize("exponents", [(1.0, 1.0), (1.7, 0.6)])
def test_the_optimum_is_the_smallest_error_on_the_line_of_one_cost(exponents):
    cost = model(6.0, *exponents)
    assert (cost.factor, *cost.exponents, cost.r2) == pytest.approx((6.0, *exponents, 1.0))
    for budget in (1e20, 1e23):
        n, d = (values[0] for values in optimal_sizes(CHINCHILLA[None], cost, budget))
        assert cost.factor * n ** cost.exponents[0] * d ** cost.exponents[1] == pytest.approx(budget)

        def error(log_n, budget=budget):
            d = (budget / cost.factor / np.exp(log_n) ** cost.exponents[0]) ** (1 / cost.exponents[1])
            return surface(np.array([(np.exp(log_n), d)]))[0]

        best = minimize_scalar(
            error, bounds=(np.log(n) - 3, np.log(n) + 3), method="bounded", options={"xatol": 1e-9}
        )
        assert best.x == pytest.approx(np.log(n), abs=1e-5)


def test_a_size_that_does_not_help_is_zero():
    draws = np.array([[482.0, -0.1, 2085.0, 0.366, 1.0], [482.0, 0.3, 2085.0, -0.1, 1.0]])
    n, d = optimal_sizes(draws, model(), 1e21)
    assert (n.tolist(), d.tolist()) == ([0.0, np.inf], [np.inf, 0.0])


def test_the_frontier_of_a_table_contains_the_true_one():
    y = noisy(np.random.default_rng(0), SIZES, 0.003)
    flops = 6 * SIZES[:, 0] * SIZES[:, 1]
    (fit,) = fit_joint_table(
        add_cells(table(SIZES, y, flops=flops), NAMES),
        NAMES,
        EstimationOptions(resamplings=300),
        y="loss",
        cost="flops",
    )
    n, d = fit.frontier.exponents
    _, alpha, _, beta, _ = CHINCHILLA
    assert n.low < beta / (alpha + beta) < n.high
    assert n.estimate + d.estimate == pytest.approx(1)
    assert fit.frontier.reason == ""
    for budget in fit.frontier.budgets():
        optimum = fit.frontier.at(budget)
        true_n, true_d = (values[0] for values in optimal_sizes(CHINCHILLA[None], fit.frontier.cost, budget))
        assert optimum.sizes[0].low < true_n < optimum.sizes[0].high
        assert optimum.sizes[1].low < true_d < optimum.sizes[1].high
        assert optimum.error.low < surface(np.array([(true_n, true_d)]))[0] < optimum.error.high


def test_a_cost_that_is_no_power_law_is_a_reason_for_caution_and_a_falling_cost_is_refused():
    y, cells = noisy(np.random.default_rng(0), SIZES), SIZES[:, 0] * SIZES[:, 1]
    ((first,), (second,)) = (
        fit_joint_table(
            add_cells(table(SIZES, y, hours=hours), NAMES),
            NAMES,
            EstimationOptions(resamplings=20),
            y="loss",
            cost="hours",
        )
        for hours in (cells * np.exp(np.cos(7 * np.log(SIZES[:, 0]))), SIZES[:, 0] / SIZES[:, 1])
    )
    assert "hours is no power law of the sizes" in first.frontier.reason
    assert second.frontier is None
    assert any("No frontier: hours does not grow with D" in note for note in second.notes)
    with pytest.raises(FitError, match="needs costs above 0"):
        fit_cost("hours", SIZES, np.zeros(len(SIZES)), NAMES)
