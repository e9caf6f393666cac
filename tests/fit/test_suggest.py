"""Sequential designs: expected half widths, proposals against brute force, and tests that a law needs."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from scaling.errors import FitError, UsageError
from scaling.fit import (
    CandidateSize,
    EstimationOptions,
    Fit,
    Points,
    Quantity,
    SequentialDesign,
    fit,
    propose_runs,
)
from scaling.fit.diagnosis.status import MIN_SEEDS, MIN_SPAN, MIN_WIDTHS
from scaling.fit.forms import FLOOR
from scaling.fit.quantity import curve_gradient, require_floored_law
from scaling.fit.result import DrawSet
from scaling.fit.suggest import MAX_SEEDS, MIN_SHARE
from tests.fit.planted_laws import bare_points, curve
from tests.fit.suggest_cases import (
    LAW,
    SIZES,
    fit_planted,
    make_candidates,
    make_design,
    plant_values,
)
from tests.hypothesis_settings import examples


@pytest.mark.parametrize("of", ["exponent", "prediction@3x", "floor"])
def test_gradients_agree_with_finite_differences(of):
    law = require_floored_law(fit_planted())
    quantity, h = Quantity.parse(of, 12.0), 1e-6
    at = np.array([law.parameters[name].estimate for name in law.form.parameters])
    unit = 1.0 if of == "exponent" else float(law.predict(quantity.at))

    def shifted(index: int, by: float | np.ndarray) -> np.ndarray:
        steps = by * (np.arange(3) == index)
        return np.concatenate([at[:1] * np.exp(steps[..., :1]), at[1:] + steps[..., 1:]], axis=-1)

    slopes = [
        np.diff(quantity.evaluate(DrawSet(FLOOR, np.stack([shifted(index, -h), shifted(index, h)]))))[0]
        / (2 * h)
        for index in range(3)
    ]
    assert quantity.gradient(law) == pytest.approx(np.array(slopes) / unit, rel=1e-6, abs=1e-9)
    by_size = [
        (
            law.form.evaluate(shifted(index, h), np.array(SIZES, dtype=float))
            - law.form.evaluate(shifted(index, -h), np.array(SIZES, dtype=float))
        )
        / (2 * h)
        for index in range(3)
    ]
    assert curve_gradient(law, np.array(SIZES, dtype=float)) == pytest.approx(
        np.array(by_size).T, rel=1e-6, abs=1e-9
    )


def test_expected_half_width_starts_at_that_of_the_fit_and_falls_with_more_runs():
    planted_fit = fit_planted()
    design = make_design(planted_fit, 1e-9)
    interval = Quantity.parse("prediction@2x", 12.0).half_width(require_floored_law(planted_fit))
    assert design.expected_half_width == pytest.approx(interval)
    widths = [design.expected_half_width]
    for _ in range(20):
        assert design.add_block(np.inf) is not None
        widths.append(design.expected_half_width)
    assert (np.diff(widths) < 0).all()


def test_expected_half_widths_of_many_designs_are_those_of_each():
    """Each size in turn gets another block."""
    design = make_design(fit_planted(), 1e-9)
    expected = design.expected_half_widths(design.runs + 4 * np.eye(len(design.x), dtype=int))
    for index, half_width in enumerate(expected):
        design.blocks[index] += 1
        assert design.expected_half_width == pytest.approx(half_width, rel=1e-9)
        design.blocks[index] -= 1


def linearised_half_widths(planted_fit: Fit, runs: np.ndarray) -> np.ndarray:
    """Return half the width of the interval of prediction@2x for many designs, by the full information.

    Args:
        planted_fit: a fit of the sizes SIZES.
        runs: number of runs at each size, [designs, sizes].
    """
    law = require_floored_law(planted_fit)
    gradient = curve_gradient(law, np.array(SIZES, dtype=float))
    direction = Quantity.parse("prediction@2x", float(max(SIZES))).gradient(law)
    points = planted_fit.points
    precision = runs / (law.dispersion.value * points.variance_model.variance(law.predict(points.widths)))
    covariance = np.linalg.inv(gradient.T @ (precision[:, :, None] * gradient))
    dof = (runs - 1).sum(axis=1)
    return stats.t.ppf(0.975, dof) * np.sqrt(direction @ covariance @ direction)


@pytest.mark.simulation
@examples(15)
@given(seed=st.integers(0, 10**6), share=st.floats(0.5, 0.9), power=st.floats(0.0, 2.5))
def test_a_proposal_costs_little_more_than_the_cheapest_design(seed, share, power):
    """Every design of up to three blocks at each of seven sizes is evaluated, all designs at once."""
    planted_fit = fit_planted(seed=seed)
    sizes = [
        CandidateSize(x=float(x), existing_seeds=4, block_size=4, block_cost_s=float(x) ** power)
        for x in SIZES
    ]
    blocks = np.array(list(product(range(4), repeat=len(SIZES))))  # the first design has no block
    runs = 4 * (1 + blocks)
    half_widths = linearised_half_widths(planted_fit, runs)
    is_level = runs.min(axis=1) >= MIN_SHARE * runs.mean(axis=1)
    for min_share in (0.0, MIN_SHARE):
        design = SequentialDesign(
            planted_fit,
            Quantity.parse("prediction@2x", float(max(SIZES))),
            target=1.0,
            sizes=sizes,
            min_share=min_share,
        )
        design.target = design.expected_half_width * share
        expected = half_widths / half_widths[0] * design.half_width
        (proposal,) = propose_runs([design])
        assert proposal.expected_half_width <= design.target
        proposed = (blocks == design.blocks).all(axis=1)
        assert expected[proposed] == pytest.approx([proposal.expected_half_width] * proposed.sum(), rel=1e-9)
        permitted = (expected <= design.target) & (is_level | (min_share == 0))
        if not permitted.any():
            continue
        cheapest = (blocks[permitted] @ design.block_cost_s).min()
        # A design that keeps its sizes level can cost more: levels rise in steps of whole blocks.
        if min_share == 0:
            assert sum(proposal.costs_s) <= 1.25 * cheapest + 1e-9
        elif design.blocks.max() < 4:
            assert sum(proposal.costs_s) >= cheapest - 1e-9


@pytest.mark.simulation
@examples(25)
@given(
    widths=st.lists(st.sampled_from((1, 2, 3, 4, 6, 8, 12, 16, 24)), min_size=4, max_size=9, unique=True),
    seeds=st.integers(2, 5),
    block=st.sampled_from((1, 2, 4, 8)),
    target=st.sampled_from((0.01, 0.5)),
)
def test_every_proposal_has_six_widths_over_a_decade_with_four_seeds(widths, seeds, block, target):
    widths = sorted(widths)
    planted_fit = fit_planted(widths=widths, seeds=seeds)
    design = make_design(
        planted_fit,
        target,
        sizes=make_candidates(1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, seeds=seeds, block=block, known=widths),
    )
    (proposal,) = propose_runs([design])
    runs = design.runs
    trained = design.x[runs > 0]
    assert len(trained) >= MIN_WIDTHS
    assert trained.max() / trained.min() >= MIN_SPAN
    assert runs[runs > 0].min() >= MIN_SEEDS
    assert runs[runs > 0].min() >= MIN_SHARE * runs[runs > 0].mean()
    assert proposal.expected_half_width <= target or max(proposal.seeds) + block > MAX_SEEDS
    # Seeds come in whole blocks, and no existing seed is removed.
    for size, number in zip(
        make_candidates(1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, seeds=seeds, block=block, known=widths),
        proposal.seeds,
        strict=True,
    ):
        assert number == size.existing_seeds or (number > size.existing_seeds and number % block == 0)


def test_a_proposal_stays_within_the_budget_and_widens_the_span_first():
    planted_fit = fit_planted(widths=(1, 2, 4, 8), seeds=4)
    sizes = make_candidates(1, 2, 3, 4, 6, 8, 12, 16, known=(1, 2, 4, 8))
    for budget in (0.0, 30.0, 60.0, 100.0, 1000.0):
        (proposal,) = propose_runs([make_design(planted_fit, 0.001, sizes=sizes)], budget_s=budget)
        assert sum(proposal.costs_s) <= budget
        added = [
            size.x for size, number in zip(sizes, proposal.seeds, strict=True) if number > size.existing_seeds
        ]
        if 0 < len(added) < 2:
            assert added in ([12.0], [16.0])  # the span of ten comes first
    assert sum(propose_runs([make_design(planted_fit, 0.001, sizes=sizes)], budget_s=1000.0)[0].costs_s) > 900


def test_the_curve_furthest_from_its_target_gets_the_budget():
    near, far = (
        make_design(fit_planted(seed=1), 0.02),
        make_design(fit_planted(seed=1, law=(0.4, 0.3, 0.05)), 0.002),
    )
    first, second = propose_runs([near, far], budget_s=200.0)
    assert sum(first.costs_s) == 0 < sum(second.costs_s)
    both = propose_runs(
        [make_design(fit_planted(seed=1), 0.01), make_design(fit_planted(seed=2), 0.01)], budget_s=400.0
    )
    assert all(sum(proposal.costs_s) > 0 for proposal in both)
    assert both[0].expected_half_width == pytest.approx(both[1].expected_half_width, rel=0.3)


def test_a_proposal_stops_after_the_given_cost():
    design = make_design(fit_planted(), 0.0005)
    (proposal,) = propose_runs([design], stop_after_s=100.0)
    assert 100.0 <= sum(proposal.costs_s) < 100.0 + design.block_cost_s.max()


def test_a_reached_target_needs_no_runs_and_an_unreachable_one_stops_at_the_maximum():
    planted_fit = fit_planted()
    now = make_design(planted_fit, 1.0).expected_half_width
    assert sum(propose_runs([make_design(planted_fit, now)])[0].costs_s) == 0
    (proposal,) = propose_runs([make_design(planted_fit, 1e-7, sizes=make_candidates(*SIZES, block=128))])
    assert proposal.expected_half_width > 1e-7
    assert set(proposal.seeds) == {MAX_SEEDS}


def test_a_partial_block_is_completed():
    planted_fit = fit_planted(seeds=3)
    (proposal,) = propose_runs(
        [make_design(planted_fit, 0.5, sizes=make_candidates(*SIZES, seeds=3, block=8))]
    )
    assert set(proposal.seeds) == {8}
    (proposal,) = propose_runs(
        [make_design(planted_fit, 0.5, sizes=make_candidates(*SIZES, seeds=3, block=1))]
    )
    assert set(proposal.seeds) == {4}


@pytest.mark.simulation
def test_designs_exist_for_a_floor_at_its_bound_and_for_bare_values():
    at_bound = next(
        planted_fit
        for planted_fit in (fit_planted(law=(0.4, 0.5, 0.0), seed=seed) for seed in range(20))
        if planted_fit.laws["floor"].parameters["floor"].estimate == 0
    )
    for of in ("floor", "exponent", "prediction@2x"):
        design = make_design(at_bound, 1e-3, of)
        before = design.expected_half_width
        assert propose_runs([design], budget_s=500.0)[0].expected_half_width < before
    for seeds in (4, 1):  # the second without replicates
        planted_fit = fit(plant_values([0], counts=seeds), EstimationOptions(holdout=0, resamplings=400))
        design = make_design(planted_fit, 1.0, sizes=make_candidates(*SIZES, seeds=seeds))
        # Precision is additive over runs: a fifth of the width needs about 25 times the runs, far from the
        # largest number of seeds.
        design.target = design.half_width / 5
        (proposal,) = propose_runs([design])
        assert proposal.expected_half_width <= design.target
        assert max(proposal.seeds) <= 4 * 25 * seeds


def test_points_without_a_usable_law_say_what_to_train_first():
    hint = "first train at least 6 sizes over a factor of 10 with 4 seeds each"
    rising = Points(
        x_name="filters",
        y_name="loss",
        x=np.repeat(np.array(SIZES, dtype=float), 2),
        y=np.repeat(SIZES, 2) * np.tile([1.0, 1.1], 7),
        test_images=None,
    )
    copies = bare_points(np.repeat(SIZES, 2), np.repeat(curve(np.array(SIZES, dtype=float), LAW), 2))
    for planted_fit, reason in (
        (fit_planted(widths=(1, 2)), "has no law with a floor to plan from"),
        (fit_planted(widths=(1, 2, 4)), "is rejected"),
        (fit(rising, EstimationOptions(resamplings=50)), "does not fall with filters"),
        (fit(copies, EstimationOptions(resamplings=50)), "have the same error"),
    ):
        with pytest.raises(FitError, match=reason) as raised:
            make_design(planted_fit, 0.02)
        assert hint in str(raised.value)
    with pytest.raises(FitError, match="only 4 sizes from 1 to 8 can be trained; " + hint):
        make_design(fit_planted(widths=(1, 2, 4, 8)), 0.02, sizes=make_candidates(1, 2, 4, 8))


@pytest.mark.parametrize(
    "text", ["prediction", "prediction@x", "prediction@0x", "prediction@2", "Exponent", "amplitude", ""]
)
def test_an_unknown_quantity_is_rejected(text):
    with pytest.raises(UsageError, match="expected exponent, floor, or prediction@2x"):
        Quantity.parse(text, 12.0)


def test_quantities_are_parsed():
    assert Quantity.parse("prediction@1.5x", 12.0) == Quantity(name="prediction", at=18.0)
    assert Quantity.parse("floor", 12.0).at == 12.0


@pytest.mark.parametrize("of", ["exponent", "prediction@2x", "floor"])
@pytest.mark.parametrize("share", [0.6, 0.3])
def test_no_trained_size_falls_behind_the_others(of, share):
    """Without this rule, three of the sizes would get nearly all new seeds."""
    design = make_design(fit_planted(), 1.0, of)
    design.target = share * design.expected_half_width
    (proposal,) = propose_runs([design])
    assert proposal.expected_half_width <= design.target
    runs = design.runs[design.runs > 0]
    assert runs.min() >= MIN_SHARE * runs.mean()
    assert np.sort(runs)[-3:].sum() <= runs.sum() * (1 - MIN_SHARE * (len(runs) - 3) / len(runs))


def test_a_reached_target_needs_no_runs_at_sizes_that_have_few():
    """An uneven study is levelled only once it needs new runs."""
    sizes = np.repeat(np.array(SIZES, dtype=float), [4, 4, 4, 4, 4, 4, 40])
    values = curve(sizes, LAW) * np.exp(0.02 * np.random.default_rng(0).standard_normal(len(sizes)))
    planted_fit = fit(bare_points(sizes, values), EstimationOptions(holdout=0, resamplings=400))
    candidates = [
        CandidateSize(x=size, existing_seeds=int(count), block_size=4, block_cost_s=1.0)
        for size, count in zip(*np.unique(sizes, return_counts=True), strict=True)
    ]
    design = make_design(planted_fit, 1.0, "prediction@2x", candidates)
    design.target = design.expected_half_width
    assert sum(propose_runs([design])[0].costs_s) == 0
    design.target *= 0.9
    propose_runs([design])
    assert design.runs.min() >= MIN_SHARE * design.runs.mean() > 4
