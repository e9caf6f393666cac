"""Joint laws in the report of a study: the law, its sentence, its figure and its table."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.joint_figure import draw_joint_law
from analysis.joint_laws import JointLaws, describe_frontier, describe_joint_law, joint_law_rows
from scaling.fit import add_cells, fit_joint_table
from simulations.joint import ERRORS, FILTERS, IMAGES, counted, grid, surface, table

NAMES = ("filters", "train_images")


@pytest.fixture(scope="module")
def fits():
    """The planted law of errors, with a cost of N D^2."""
    sizes = grid(FILTERS, IMAGES, runs=4)
    runs = table(
        sizes,
        counted(np.random.default_rng(0), sizes),
        y_name="test_error",
        test_images=[10_000] * len(sizes),
        group=["lenet5"] * len(sizes),
        training_flops=sizes[:, 0] * sizes[:, 1] ** 2,
    ).rename_columns([*NAMES, "test_error", "test_images", "group", "training_flops"])
    return fit_joint_table(add_cells(runs, NAMES), NAMES, by=("group",), cost="training_flops")


def test_the_figure_draws_the_means_and_the_law_of_each_cell(fits):
    (fit,) = fits
    figure = draw_joint_law(fit, fit.law)
    numbers = figure.numbers.to_pydict()
    sizes = np.column_stack([numbers["filters"], numbers["train_images"]])
    assert len(sizes) == len(FILTERS) * len(IMAGES)
    np.testing.assert_allclose(numbers["joint"], fit.law.predict(sizes))
    truth = surface(sizes, ERRORS)
    np.testing.assert_allclose(numbers["joint"], truth, rtol=0.03)  # the noise of a mean is below 2 %
    assert (np.array(numbers["joint_low"]) <= numbers["joint"]).all()
    assert (np.array(numbers["joint"]) <= numbers["joint_high"]).all()
    (axes,) = figure.figure.axes
    assert len([line for line in axes.lines if line.get_marker() == "o"]) == len(IMAGES)
    assert [line.get_linestyle() for line in axes.lines].count("--") == 1  # the frontier


def test_sentences_and_rows_have_the_exponents(fits):
    (fit,) = fits
    sentence = describe_joint_law(fit, fit.law)
    assert sentence.startswith("lenet5: error = E + A filters^-α + B train_images^-β with α = 0.")
    # Lagrange: the exponents of N* and D* at a cost N D^2 are beta and alpha over beta + 2 alpha.
    beta, alpha = fit.law.parameters["exponent_d"].estimate, fit.law.parameters["exponent_n"].estimate
    assert fit.frontier.exponents[0].estimate == pytest.approx(beta / (beta + 2 * alpha), rel=1e-6)
    assert "filters grow as C to the power" in describe_frontier(fit)
    (row,) = joint_law_rows(JointLaws(fits=tuple(fits)))
    assert (row.label, row.cells, row.runs) == ("lenet5", 48, 192)
    assert row.sentences[0] == describe_frontier(fit)
