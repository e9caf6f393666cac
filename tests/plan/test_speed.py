"""Timing curves reproduce the measured points, interpolate between them and extrapolate beyond them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from scaling.architectures import Lenet5, Net5, Tree3, Vgg
from scaling.config.recipe import Affine, Augmentation
from scaling.plan.speed import NetworkKind
from scaling.settings import ImageShape
from tests.plan.example_speed import POINTS, curve, layers, speed

points = st.lists(
    st.tuples(st.integers(1, 10**9), *[st.floats(1e-7, 1)] * 3),
    min_size=1,
    max_size=6,
    unique_by=lambda r: r[0],
)


@given(points)
def test_a_timing_curve_reproduces_its_points(measured):
    timing = curve(*sorted(measured))
    for macs, *times_s in measured:
        assert timing.network_time(macs) == pytest.approx(times_s, rel=1e-9)


@given(st.floats(0.2, 2), st.integers(1, 10**9))
def test_a_power_law_is_reproduced_between_points(power, macs):
    """A power law is straight on logarithmic axes, so interpolation is exact there."""
    ends = (1, 10**9)
    factors = np.array([1e-8, 1e-9, 3e-10])
    timing = curve(*((end, *(factors * end**power)) for end in ends))
    assert timing.network_time(macs) == pytest.approx(factors * macs**power, rel=1e-9)


@given(st.lists(st.integers(1, 10**8), min_size=2, max_size=30))
def test_more_macs_never_take_less_time(sizes):
    """The times of the example points increase."""
    times = np.array([curve(*POINTS).network_time(macs) for macs in sorted(sizes)])
    assert (np.diff(times, axis=0) >= -1e-15 * times[1:]).all()


@given(points, st.floats(1.0, 1e4))
def test_time_is_proportional_to_macs_beyond_the_ends(measured, factor):
    """The constant time of a step is that of the smallest network at least."""
    timing = curve(*sorted(measured))
    for macs, other in (
        (max(measured)[0], round(max(measured)[0] * factor)),
        (min(measured)[0], max(1, int(min(measured)[0] / factor))),
    ):
        ratio = other / macs
        assert np.array(timing.network_time(other)) == pytest.approx(
            np.array(timing.network_time(macs)) * [max(ratio, 1.0), ratio, ratio], rel=1e-9
        )


@pytest.mark.parametrize(
    ("query", "expected_s"),
    [
        (("lenet5", 1, "bf16"), 1.0),
        (("tree3", 1, "bf16"), 4.0),
        (("lenet5", 3, "fp32"), 2.0),  # the same architecture and precision, for other images
        (("tree3", 3, "fp32"), 5.0),
        (
            ("tree3", 2, "bf16"),
            4.0,
        ),  # on a logarithmic scale, two channels are nearer to three, which tree3 has only in fp32
        (("vgg", 3, "bf16"), 3.0),  # an unknown architecture: the same precision and images
        (("vgg", 1, "fp32"), 2.0),
    ],
)
def test_the_most_similar_curve_stands_in_for_an_unmeasured_case(query, expected_s):
    machine_speed = speed(
        curve((100, 1.0, 1.0, 0.1)),
        curve((100, 1.0, 2.0, 0.1), precision="fp32"),
        curve((100, 1.0, 3.0, 0.1), channels=3),
        curve((100, 1.0, 4.0, 0.1), architecture="tree3"),
        curve((100, 1.0, 5.0, 0.1), architecture="tree3", channels=3, precision="fp32"),
    )
    assert machine_speed.network_time(NetworkKind(*query), layers(100)).train_s == pytest.approx(expected_s)


def test_variants_and_compiled_steps_have_curves_of_their_own():
    machine_speed = speed(
        curve((100, 1.0, 1.0, 0.1)),
        curve((100, 1.0, 2.0, 0.1), variant="general"),
        curve((100, 1.0, 5.0, 0.1), variant="small kernel"),
        curve((100, 1.0, 6.0, 0.1), variant="one convolution"),
        curve((100, 1.0, 7.0, 0.1), architecture="tree3", variant="many branches"),
        curve((100, 1.0, 8.0, 0.1), architecture="tree3"),
        curve((100, 1.0, 3.0, 0.1), architecture="net5_1989", precision="fp32"),
        curve((100, 1.0, 4.0, 0.1), architecture="net5_1989", precision="fp32", compiled=True),
    )

    def train_s(network, precision: str, *, compiled: bool = False) -> float:
        kind = NetworkKind.of(network, channels=1, precision=precision, compiled=compiled)
        return machine_speed.network_time(kind, layers(100)).train_s

    assert train_s(Lenet5(filters=1), "bf16") == pytest.approx(1)
    for network, expected_s in (
        (Lenet5(filters=1, pooling="average"), 2),
        (Lenet5(filters=1, kernel=7), 2),
        (Lenet5(filters=1, kernel=3), 5),
        (Lenet5(filters=1, convolutions=1), 6),
        (Tree3(filters=1, branches=80), 7),
        (Tree3(filters=1), 8),
    ):
        for precision in ("bf16", "fp32"):
            assert train_s(network, precision) == pytest.approx(expected_s)
    assert train_s(Vgg(filters=1), "bf16") == pytest.approx(1)
    assert train_s(Net5(filters=2), "fp32") == pytest.approx(3)
    assert train_s(Net5(filters=2), "bf16") == pytest.approx(3)
    assert train_s(Net5(filters=2), "fp32", compiled=True) == pytest.approx(4)


def test_a_speed_without_curves_of_variants_and_compiled_steps_serves_them():
    """Such a speed was measured by an earlier version."""
    machine_speed = speed(curve((100, 1.0, 1.0, 0.1)), curve((100, 1.0, 2.0, 0.1), architecture="net5_1989"))
    compiled = NetworkKind("net5_1989", 1, "bf16", compiled=True)
    assert machine_speed.network_time(compiled, layers(100)).train_s == pytest.approx(2)
    general = NetworkKind("lenet5", 1, "bf16", variant="general")
    assert machine_speed.network_time(general, layers(100)).train_s == pytest.approx(1)
    distorted = Augmentation(affine=Affine(scale=0.1))
    assert machine_speed.augment_seconds(distorted, ImageShape(1, 28, 10)) == machine_speed.augment_s[1]


def test_time_is_interpolated_between_depths_and_constant_beyond_them():
    machine_speed = speed(
        curve((100, 8.0, 16.0, 1.0), (1000, 8.0, 16.0, 1.0), architecture="vgg", depth=16),
        curve((100, 2.0, 4.0, 0.5), (1000, 2.0, 4.0, 0.5), architecture="vgg", depth=4),
        curve((100, 1.0, 9.0, 0.9)),
    )
    times = {
        depth: machine_speed.network_time(NetworkKind("vgg", 1, "bf16"), layers(300, depth))
        for depth in (2, 4, 8, 16, 32)
    }
    assert [times[depth].train_s for depth in (2, 4, 8, 16, 32)] == pytest.approx([4, 4, 8, 16, 16])
    assert times[8].evaluate_s == pytest.approx(0.5**0.5)  # halfway on logarithmic axes
    assert times[8].step_s == pytest.approx(4)


def test_augmentation_time_is_that_of_the_nearest_number_of_channels():
    machine_speed = speed(augment_s={1: 1.0, 3: 3.0}, affine_pixel_s={1: 0.5, 3: 0.25})

    def augment_s(channels: int, **augmentation) -> float:
        return machine_speed.augment_seconds(Augmentation(**augmentation), ImageShape(channels, 10, 10))

    assert [augment_s(channels, flip=True) for channels in (1, 3, 4)] == [1.0, 3.0, 3.0]
    affine = Affine(shear=0.1)
    assert [augment_s(channels, affine=affine) for channels in (1, 3, 4)] == [50.0, 25.0, 25.0]
    assert augment_s(1, affine=affine, crop=2) == 51.0
    assert augment_s(1) == 0


def test_an_inconsistent_speed_is_refused():
    with pytest.raises(ValidationError, match="rising macs"):
        curve((200, 1.0, 1.0, 0.1), (100, 1.0, 2.0, 0.2))
    with pytest.raises(ValidationError, match="two curves"):
        speed(curve(*POINTS), curve(*POINTS))
    speed(curve(*POINTS, depth=6), curve(*POINTS, depth=16))
    for train_s in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ValidationError):
            curve((100, 1.0, train_s, 0.1))
