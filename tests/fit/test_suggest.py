"""What to train next: expected half widths that come true, proposals that brute force confirms, and laws that can be tested."""

from __future__ import annotations

from functools import cache
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaling.errors import FitError, UsageError
from scaling.fit import (
    CandidateSize,
    EstimationOptions,
    Points,
    Quantity,
    SequentialDesign,
    fit,
    propose_runs,
)
from scaling.fit.diagnosis.status import MIN_SEEDS, MIN_SPAN, MIN_WIDTHS
from scaling.fit.quantity import curve_gradient, require_floored_law
from scaling.fit.suggest import MAX_SEEDS
from tests.fit.planted_laws import bare_points, curve, plant
from tests.hypothesis_settings import examples

LAW = (0.4, 0.5, 0.05)
TRIALS = 10_000
SIZES = (1, 2, 3, 4, 6, 8, 12)


def fitted(law=LAW, seed=0, widths=SIZES, seeds=4, test_images=TRIALS, resamplings=400):
    return fit(
        plant(law, np.random.default_rng(seed), widths=widths, seeds=seeds, test_images=test_images),
        EstimationOptions(holdout=0, resamplings=resamplings),
    )


def grid(*widths: float, seeds: int = 4, block: int = 4, known=SIZES) -> list[CandidateSize]:
    """A cost that rises as networks' do; the known widths have seeds already."""
    return [
        CandidateSize(
            x=float(x),
            existing_seeds=seeds if x in known else 0,
            block_size=block,
            block_cost_s=10.0 + float(x) ** 1.5,
        )
        for x in widths
    ]


def design(found, target: float, of: str = "prediction@2x", sizes=None) -> SequentialDesign:
    return SequentialDesign(
        found,
        Quantity.parse(of, float(max(SIZES))),
        target=target,
        sizes=sizes or grid(*SIZES, 16, 24),
    )


@cache
def small_and_large_studies():
    """Return 60 fits of four seeds, and the laws of 400 studies of sixteen seeds; shared by three tests."""
    small = [fitted(seed=[2, study]) for study in range(60)]
    large = [fitted(seed=[1, study], seeds=16, resamplings=1).laws["floor"] for study in range(400)]
    return small, large


@pytest.mark.simulation
@pytest.mark.parametrize("of", ["exponent", "prediction@2x", "floor"])
def test_the_expected_half_width_is_that_of_many_real_fits(of):
    """Four times the seeds: what one fit expects is 1.96 times the scatter of the estimates of studies that have them."""
    quantity = Quantity.parse(of, 12.0)
    small, laws = small_and_large_studies()
    unit = 1.0 if of == "exponent" else float(curve(np.array([quantity.at]), LAW)[0])
    scatter = (
        np.std(
            [
                float(
                    quantity.evaluate(
                        np.array([law.parameters[name].estimate for name in law.form.parameters])
                    )
                )
                for law in laws
            ]
        )
        / unit
    )
    expected = []
    for found in small:
        growing = design(found, 1e-9, of, grid(*SIZES))
        growing.blocks += 3
        expected.append(growing.expected_half_width)
    # The scatter of 400 is known to 3.5 %, the median of 60 expectations to about as much; four sigma of both.
    assert np.median(expected) == pytest.approx(1.96 * scatter, rel=0.2)


@pytest.mark.parametrize("of", ["exponent", "prediction@3x", "floor"])
def test_gradients_are_those_of_finite_differences(of):
    law = require_floored_law(fitted())
    quantity, h = Quantity.parse(of, 12.0), 1e-6
    at = np.array([law.parameters[name].estimate for name in law.form.parameters])
    unit = 1.0 if of == "exponent" else float(law.predict(quantity.at))

    def moved(nth: int, by: float) -> np.ndarray:
        return np.array([*at[:1] * np.exp(by * (nth == 0)), *(at[1:] + by * (np.arange(1, 3) == nth))])

    slopes = [
        (quantity.evaluate(moved(nth, h)) - quantity.evaluate(moved(nth, -h))) / (2 * h) for nth in range(3)
    ]
    assert quantity.gradient(law) == pytest.approx(np.array(slopes) / unit, rel=1e-6, abs=1e-9)
    by_size = [
        (
            law.form.evaluate(moved(nth, h), np.array(SIZES, dtype=float))
            - law.form.evaluate(moved(nth, -h), np.array(SIZES, dtype=float))
        )
        / (2 * h)
        for nth in range(3)
    ]
    assert curve_gradient(law, np.array(SIZES, dtype=float)) == pytest.approx(
        np.array(by_size).T, rel=1e-6, abs=1e-9
    )


def test_what_is_known_has_the_half_width_of_its_fit_and_more_runs_a_narrower_one():
    found = fitted()
    growing = design(found, 1e-9)
    interval = Quantity.parse("prediction@2x", 12.0).half_width(require_floored_law(found))
    assert growing.expected_half_width == pytest.approx(interval)
    widths = [growing.expected_half_width]
    for _ in range(20):
        assert growing.add_block(np.inf) is not None
        widths.append(growing.expected_half_width)
    assert (np.diff(widths) < 0).all()


def test_one_block_more_expects_what_the_grown_information_says():
    """The update of the inverse against an inverse of everything, for each size."""
    growing = design(fitted(), 1e-9)
    more = np.full(len(growing.x), 4)
    at_once = growing.expected_half_widths_with(more)
    for nth, expected in enumerate(at_once):
        growing.blocks[nth] += 1
        assert growing.expected_half_width == pytest.approx(expected, rel=1e-9)
        growing.blocks[nth] -= 1


@pytest.mark.simulation
@examples(15)
@given(seed=st.integers(0, 10**6), share=st.floats(0.5, 0.9), power=st.floats(0.0, 2.5))
def test_a_proposal_costs_little_more_than_the_cheapest_of_all(seed, share, power):
    """Every grid of up to three blocks at each of seven sizes is looked at."""
    found = fitted(seed=seed)
    sizes = [
        CandidateSize(x=float(x), existing_seeds=4, block_size=4, block_cost_s=float(x) ** power)
        for x in SIZES
    ]
    growing = design(found, 1.0, "prediction@2x", sizes)
    target = growing.expected_half_width * share
    growing.target = target
    grids = np.array(list(product(range(4), repeat=len(SIZES))))
    reached = []
    for blocks in grids[np.argsort(grids @ growing.block_cost_s, kind="stable")]:
        growing.blocks[:] = blocks
        if growing.expected_half_width <= target:
            reached.append(float(blocks @ growing.block_cost_s))
            break
    growing.blocks[:] = 0
    (proposal,) = propose_runs([growing])
    assert proposal.expected_half_width <= target
    if reached:
        assert sum(proposal.costs_s) <= 1.25 * reached[0] + 1e-9


@examples(25)
@given(
    widths=st.lists(st.sampled_from((1, 2, 3, 4, 6, 8, 12, 16, 24)), min_size=4, max_size=9, unique=True),
    seeds=st.integers(2, 5),
    block=st.sampled_from((1, 2, 4, 8)),
    target=st.sampled_from((0.01, 0.5)),
)
def test_whatever_is_known_a_law_is_tested_on_six_widths_over_a_decade_with_four_seeds(
    widths, seeds, block, target
):
    widths = sorted(widths)
    found = fitted(widths=widths, seeds=seeds)
    growing = design(
        found,
        target,
        sizes=grid(1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, seeds=seeds, block=block, known=widths),
    )
    (proposal,) = propose_runs([growing])
    runs = growing.runs
    there = growing.x[runs > 0]
    assert len(there) >= MIN_WIDTHS
    assert there.max() / there.min() >= MIN_SPAN
    assert runs[runs > 0].min() >= MIN_SEEDS
    assert proposal.expected_half_width <= target or max(proposal.seeds) + block > MAX_SEEDS
    # Seeds come in whole blocks, and none is taken away.
    for size, number in zip(
        grid(1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, seeds=seeds, block=block, known=widths),
        proposal.seeds,
        strict=True,
    ):
        assert number == size.existing_seeds or (number > size.existing_seeds and number % block == 0)


def test_a_budget_buys_what_it_pays_for_and_what_is_missing_comes_first():
    found = fitted(widths=(1, 2, 4, 8), seeds=4)
    sizes = grid(1, 2, 3, 4, 6, 8, 12, 16, known=(1, 2, 4, 8))
    for budget in (0.0, 30.0, 60.0, 100.0, 1000.0):
        (proposal,) = propose_runs([design(found, 0.001, sizes=sizes)], budget_s=budget)
        assert sum(proposal.costs_s) <= budget
        added = [
            size.x for size, number in zip(sizes, proposal.seeds, strict=True) if number > size.existing_seeds
        ]
        if 0 < len(added) < 2:
            assert added in ([12.0], [16.0])  # a span of ten before anything else
    assert sum(propose_runs([design(found, 0.001, sizes=sizes)], budget_s=1000.0)[0].costs_s) > 900


def test_the_curve_that_is_further_from_its_target_gets_the_budget():
    near, far = design(fitted(seed=1), 0.02), design(fitted(seed=1, law=(0.4, 0.3, 0.05)), 0.002)
    first, second = propose_runs([near, far], budget_s=200.0)
    assert sum(first.costs_s) == 0 < sum(second.costs_s)
    both = propose_runs([design(fitted(seed=1), 0.01), design(fitted(seed=2), 0.01)], budget_s=400.0)
    assert all(sum(each.costs_s) > 0 for each in both)
    assert both[0].expected_half_width == pytest.approx(both[1].expected_half_width, rel=0.3)


def test_a_round_costs_about_as_much_as_all_before_it():
    growing = design(fitted(), 0.0005)
    (proposal,) = propose_runs([growing], stop_after_s=100.0)
    assert 100.0 <= sum(proposal.costs_s) < 100.0 + growing.block_cost_s.max()


def test_a_reached_target_proposes_nothing_and_a_hopeless_one_ends():
    found = fitted()
    now = design(found, 1.0).expected_half_width
    assert sum(propose_runs([design(found, now)])[0].costs_s) == 0
    (proposal,) = propose_runs([design(found, 1e-7, sizes=grid(*SIZES, block=128))])
    assert proposal.expected_half_width > 1e-7
    assert set(proposal.seeds) == {MAX_SEEDS}


def test_a_block_that_is_there_in_part_is_completed():
    found = fitted(seeds=3)
    (proposal,) = propose_runs([design(found, 0.5, sizes=grid(*SIZES, seeds=3, block=8))])
    assert set(proposal.seeds) == {8}
    (proposal,) = propose_runs([design(found, 0.5, sizes=grid(*SIZES, seeds=3, block=1))])
    assert set(proposal.seeds) == {4}


def test_a_floor_at_its_bound_and_bare_values_are_planned_for_too():
    at_bound = next(
        found
        for found in (fitted(law=(0.4, 0.5, 0.0), seed=seed) for seed in range(20))
        if found.laws["floor"].parameters["floor"].estimate == 0
    )
    for of in ("floor", "exponent", "prediction@2x"):
        growing = design(at_bound, 1e-3, of)
        before = growing.expected_half_width
        assert propose_runs([growing], budget_s=500.0)[0].expected_half_width < before
    rng, x = np.random.default_rng(0), np.repeat(np.array(SIZES, dtype=float), 4)
    values = curve(x, (40.0, 0.5, 3.0)) * np.exp(0.02 * rng.standard_normal(len(x)))
    single = values.reshape(-1, 4).mean(axis=1)
    for points in (bare_points(x, values), bare_points(SIZES, single)):  # the second one without replicates
        growing = design(
            fit(points, EstimationOptions(holdout=0, resamplings=400)),
            0.005,
            sizes=grid(*SIZES, seeds=len(points.x) // len(SIZES)),
        )
        assert propose_runs([growing])[0].expected_half_width <= 0.005


def test_points_that_nothing_can_be_planned_from_say_what_to_train_first():
    few = "first train at least 6 sizes over a factor of 10 with 4 seeds each"
    rising = Points(
        x_name="filters",
        y_name="loss",
        x=np.repeat(np.array(SIZES, dtype=float), 2),
        y=np.repeat(SIZES, 2) * np.tile([1.0, 1.1], 7),
        test_images=None,
    )
    copies = bare_points(np.repeat(SIZES, 2), np.repeat(curve(np.array(SIZES, dtype=float), LAW), 2))
    for found, reason in (
        (fitted(widths=(1, 2)), "has no law with a floor to plan from"),
        (fitted(widths=(1, 2, 4)), "is rejected"),
        (fit(rising, EstimationOptions(resamplings=50)), "does not fall with filters"),
        (fit(copies, EstimationOptions(resamplings=50)), "do not scatter"),
    ):
        with pytest.raises(FitError, match=reason) as refused:
            design(found, 0.02)
        assert few in str(refused.value)
    with pytest.raises(FitError, match="only 4 sizes from 1 to 8 can be trained; " + few):
        design(fitted(widths=(1, 2, 4, 8)), 0.02, sizes=grid(1, 2, 4, 8))


@pytest.mark.parametrize(
    "text", ["prediction", "prediction@x", "prediction@0x", "prediction@2", "Exponent", "amplitude", ""]
)
def test_a_quantity_that_is_none_is_named(text):
    with pytest.raises(UsageError, match="must be exponent, floor, or prediction@2x"):
        Quantity.parse(text, 12.0)


def test_quantities_are_read():
    assert Quantity.parse("prediction@1.5x", 12.0) == Quantity(name="prediction", at=18.0)
    assert Quantity.parse("floor", 12.0).at == 12.0
