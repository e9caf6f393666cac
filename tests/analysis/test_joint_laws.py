"""Joint laws in the report of a study: the law, its sentence, its figure and its table."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from analysis import write_report
from analysis.answers import Answer
from analysis.formatting import format_interval
from analysis.html_page import PageContext
from analysis.joint_answers import describe_joint_findings
from analysis.joint_figure import draw_joint_law
from analysis.joint_laws import JointLaws, describe_frontier, describe_joint_law, joint_law_rows
from scaling.fit import Status, add_cells, fit_joint_table
from simulations.joint import ERRORS, FILTERS, IMAGES, counted, grid, surface, table
from tests.analysis.planted_study import DATA, SHORT_RECIPE, join_studies, lenets, plant_study, trees

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
    assert sentence.startswith(
        "The error of N filters and D training images is E + A N^-α + B D^-β with α = 0."
    )
    # Lagrange: the exponents of N* and D* at a cost N D^2 are beta and alpha over beta + 2 alpha.
    beta, alpha = fit.law.parameters["exponent_d"].estimate, fit.law.parameters["exponent_n"].estimate
    assert fit.frontier.exponents[0].estimate == pytest.approx(beta / (beta + 2 * alpha), rel=1e-6)
    assert "the filters grow as C to the power" in describe_frontier(fit)
    (row,) = joint_law_rows(JointLaws(fits=tuple(fits)))
    assert (row.label, row.cells, row.runs) == ("lenet5", 48, 192)
    assert row.sentences[0] == describe_frontier(fit)


def numbers(text: str) -> list[float]:
    """Return the estimate and the limits of ``12 [4, 26] %`` as fractions."""
    return [float(word.strip("[],")) / 100 for word in text.split()[:3]]


def test_answers_are_the_planted_law_at_the_largest_sizes(fits):
    (fit,) = fits
    (finding,) = describe_joint_findings(JointLaws(fits=tuple(fits)))
    made_of, gains, frontier = finding.questions
    assert made_of.question == "The error with 16 filters and 60,000 training images"
    a, alpha, b, beta, floor = ERRORS
    largest = surface(np.array([[16.0, 60_000.0]]), ERRORS)[0]
    truths = [largest, largest, a * 16**-alpha, b * 60_000**-beta, floor]
    for row, truth in zip(made_of.rows, truths, strict=True):
        estimate, low, high = numbers(row.value)
        assert abs(estimate - truth) <= high - low  # the width of a 95 % interval is four sigma
    more = surface(np.array([[32.0, 60_000.0], [16.0, 120_000.0], [32.0, 120_000.0]]), ERRORS)
    for row, truth in zip(gains.rows[:3], 1 - more / largest, strict=True):
        estimate, low, high = numbers(row.value)
        assert abs(estimate - truth) <= high - low  # the width of a 95 % interval is four sigma
    assert gains.rows[3].verdict is Answer.NO  # twice the filters remove 17 %, and twice the images 8 %
    assert finding.sentence.endswith(f"and twice the training images {gains.rows[1].value}.")
    costs = fit.frontier.cost.measured
    budgets = [budget for budget in 10.0 ** np.arange(20) if costs[0] <= budget <= 10 * costs[1]]
    optima = [fit.frontier.at(budget) for budget in budgets]
    shown = [best for best in optima if best.sizes[0].estimate >= 1 and best.sizes[1].estimate >= 1000]
    assert [row.value for row in frontier.rows] == [
        f"{format_interval(best.sizes[0])} filters, {format_interval(best.sizes[1])} training images"
        for best in shown
    ]


def test_a_rejected_law_answers_nothing(fits):
    (fit,) = fits
    rejected = replace(fit, law=replace(fit.law, status=Status.REJECTED, reason="any data would fit"))
    (finding,) = describe_joint_findings(JointLaws(fits=(rejected,)))
    assert finding.questions == ()
    assert finding.sentence.startswith("With 16 filters and 60,000 training images, the mean error is ")
    assert "twice" not in finding.sentence


def test_a_page_compares_networks_of_the_most_images_and_folds_their_single_laws(tmp_path):
    """One network on different numbers of images is one network, whose answer is the joint law."""

    def error(network, epoch, images):
        scale = 0.1 if network.type == "lenet5" else 0.2
        return scale * (network.filters**-0.5 + 30 * images**-0.5)

    studies = [
        plant_study(
            [*lenets(range(1, 6)), *trees(range(1, 6))],
            seeds=4,
            recipe=SHORT_RECIPE,
            data=DATA.model_copy(update={"train_images": images}),
            train_images=images,
            error=partial(error, images=images),
        )
        for images in (1000, 2000, 4000)
    ]
    runs, epochs = join_studies(*studies)
    report = write_report(runs=runs, epochs=epochs, out=tmp_path, context=PageContext(study="planted"))
    page = report.path.read_text()
    assert [fit.label for fit in report.joint_fits] == ["lenet5", "tree3"]
    assert report.figures[0].name == "joint_law.svg"
    header, _, details = page.partition("</header>")
    assert header.count("joint law</span>") == 2
    assert "tree3, 4,000 images to the" in header
    assert "1,000 images" not in header
    folded = details.partition("<summary>Each curve by itself</summary>")[2].partition("<h2>Figures</h2>")[0]
    assert all(f"<h2>{name}, 1,000 images" in folded for name in ("lenet5", "tree3"))
