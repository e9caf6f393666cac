"""A ladder gives back what was measured, and between its rungs and beyond them what follows from it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.plan.planted_speed import PLANTED, curve, layers, speed

points = st.lists(
    st.tuples(st.integers(1, 10**9), st.floats(1e-7, 1), st.floats(1e-7, 1)),
    min_size=1,
    max_size=6,
    unique_by=lambda r: r[0],
)


@given(points)
def test_at_its_rungs_a_ladder_is_what_was_measured(planted):
    made = curve(*sorted(planted))
    for macs, train_s, evaluate_s in planted:
        assert made.image_time(macs) == pytest.approx((train_s, evaluate_s), rel=1e-9)


@given(st.floats(0.2, 2), st.integers(1, 10**9))
def test_a_power_law_is_reproduced_between_the_rungs(power, macs):
    """Straight on logarithmic axes, so interpolation there is exact."""
    ends = (1, 10**9)
    made = curve(*((end, 1e-9 * end**power, 3e-10 * end**power) for end in ends))
    assert made.image_time(macs) == pytest.approx((1e-9 * macs**power, 3e-10 * macs**power), rel=1e-9)


@given(st.lists(st.integers(1, 10**8), min_size=2, max_size=30))
def test_more_multiply_adds_never_take_less(sizes):
    """The planted times rise."""
    times = np.array([curve(*PLANTED).image_time(macs) for macs in sorted(sizes)])
    assert (np.diff(times, axis=0) >= -1e-15 * times[1:]).all()


@given(points, st.floats(1.0, 1e4))
def test_beyond_its_ends_time_is_in_proportion_to_the_multiply_adds(planted, factor):
    made = curve(*sorted(planted))
    for macs, further in (
        (max(planted)[0], round(max(planted)[0] * factor)),
        (min(planted)[0], max(1, int(min(planted)[0] / factor))),
    ):
        assert np.array(made.image_time(further)) == pytest.approx(
            np.array(made.image_time(macs)) * further / macs, rel=1e-9
        )


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (("lenet5", 1, "bf16"), 1.0),
        (("tree3", 1, "bf16"), 4.0),
        (("lenet5", 3, "fp32"), 2.0),  # its architecture and precision, though for other images
        (("tree3", 3, "fp32"), 5.0),
        (("tree3", 2, "bf16"), 4.0),  # two channels are nearer to one and a half of them than to three
        (("vgg", 3, "bf16"), 3.0),  # of an unknown architecture what is known of the precision and the images
        (("vgg", 1, "fp32"), 2.0),
    ],
)
def test_what_was_not_measured_is_taken_for_the_most_similar(asked, answer):
    known = speed(
        curve((100, 1.0, 0.1)),
        curve((100, 2.0, 0.1), precision="fp32"),
        curve((100, 3.0, 0.1), channels=3),
        curve((100, 4.0, 0.1), architecture="tree3"),
        curve((100, 5.0, 0.1), architecture="tree3", channels=3, precision="fp32"),
    )
    assert known.image_time(*asked, layers(100)).train_s == pytest.approx(answer)


def test_between_two_depths_time_is_interpolated_and_beyond_them_it_is_that_of_the_nearer_one():
    known = speed(
        curve((100, 16.0, 1.0), (1000, 16.0, 1.0), architecture="vgg", depth=16),
        curve((100, 4.0, 0.5), (1000, 4.0, 0.5), architecture="vgg", depth=4),
        curve((100, 9.0, 0.9)),
    )
    asked = {depth: known.image_time("vgg", 1, "bf16", layers(300, depth)) for depth in (2, 4, 8, 16, 32)}
    assert [asked[depth].train_s for depth in (2, 4, 8, 16, 32)] == pytest.approx([4, 4, 8, 16, 16])
    assert asked[8].evaluate_s == pytest.approx(0.5**0.5)  # halfway, as logarithms


def test_augmentation_of_other_images_is_that_of_the_nearest():
    known = speed(augment_s={1: 1.0, 3: 3.0})
    assert [known.augment_seconds(channels) for channels in (1, 3, 4)] == [1.0, 3.0, 3.0]


def test_a_speed_that_makes_no_sense_is_refused():
    with pytest.raises(ValidationError, match="rise in macs"):
        curve((200, 1.0, 0.1), (100, 2.0, 0.2))
    with pytest.raises(ValidationError, match="two curves"):
        speed(curve(*PLANTED), curve(*PLANTED))
    speed(curve(*PLANTED, depth=6), curve(*PLANTED, depth=16))
    for train_s in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ValidationError):
            curve((100, train_s, 0.1))
