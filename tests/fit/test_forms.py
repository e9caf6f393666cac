"""Forms: the curve solves the equation, the Jacobian is the derivative, and the inverse returns the size."""

from __future__ import annotations

import numpy as np
import pytest

from scaling.fit.forms import BROKEN, BROKEN_FORMS, FLOOR, FORMS, M4, POWER, Form

X = np.geomspace(0.5, 300, 30)
LAWS = {
    POWER: (0.4, 0.5),
    FLOOR: (0.4, 0.5, 0.05),
    BROKEN: (0.4, 0.2, 0.9, 8.0),
    M4: (0.6, 0.7, 0.03, 0.9, 0.8),
}
SMOOTHER = [(form, LAWS[BROKEN]) for form in BROKEN_FORMS if form is not BROKEN]
EACH_FORM = pytest.mark.parametrize(("form", "law"), [*LAWS.items(), *SMOOTHER], ids=str)


def test_every_form_is_tested():
    assert set(LAWS) == set(FORMS.values())


@EACH_FORM
def test_the_jacobian_is_the_derivative(form: Form, law: tuple[float, ...]):
    parameters = np.array(law)
    jacobian = form.jacobian(parameters, X)
    assert jacobian.shape == (len(X), len(law))
    for index, value in enumerate(law):
        step = 1e-5 * value
        ahead, behind = (
            np.where(np.arange(len(law)) == index, value + sign * step, parameters) for sign in (1, -1)
        )
        central = (form.evaluate(ahead, X) - form.evaluate(behind, X)) / (2 * step)
        # Central differences have an error of second order in the relative step of 1e-5; rounding adds 1e-16
        # / 1e-5.
        np.testing.assert_allclose(jacobian[:, index], central, rtol=1e-6, atol=1e-9)


@EACH_FORM
def test_the_inverse_returns_the_size(form: Form, law: tuple[float, ...]):
    for x in (1.0, 4.0, 60.0):
        value = float(form.evaluate(np.array(law), np.array([x]))[0])
        assert form.inverse(np.array([law]), value)[0] == pytest.approx(x, rel=1e-9)


@EACH_FORM
def test_draws_and_sizes_broadcast(form: Form, law: tuple[float, ...]):
    draws = np.array([law, [value * 1.01 for value in law]])
    table = form.evaluate(draws[:, None, :], X)
    assert table.shape == (2, len(X))
    np.testing.assert_allclose(table[0], form.evaluate(np.array(law), X), rtol=1e-12)
    assert form.jacobian(draws[:, None, :], X).shape == (2, len(X), len(law))


@pytest.mark.parametrize("turn", [0.05, 0.5, 1.0, 3.0])
def test_m4_solves_its_equation(turn: float):
    amplitude, exponent, floor, ceiling = 5.0, 0.8, 0.02, 0.9
    curve = M4.evaluate(np.array([amplitude, exponent, floor, ceiling, turn]), X)
    assert ((floor < curve) & (curve <= ceiling)).all()
    apart = (
        ceiling - curve > 1e-6
    )  # closer to the ceiling, double precision holds too few digits of the difference
    assert apart.sum() > 10
    np.testing.assert_allclose(
        (curve - floor)[apart] / (ceiling - curve)[apart] ** turn,
        (amplitude * X**-exponent)[apart],
        rtol=1e-7,
    )


def test_m4_without_a_turn_is_the_power_law_with_a_floor():
    wide = X[X > 4]
    np.testing.assert_allclose(
        M4.evaluate(np.array([0.4, 0.5, 0.05, 50.0, 1e-9]), wide),
        FLOOR.evaluate(np.array([0.4, 0.5, 0.05]), wide),
        rtol=1e-6,
    )


def test_a_bend_joins_two_power_laws():
    amplitude, exponent, beyond, bend = LAWS[BROKEN]
    curve = BROKEN.evaluate(np.array(LAWS[BROKEN]), np.array([bend / 1e4, bend * 1e4]))
    near = amplitude * (bend / 1e4) ** -exponent
    far = amplitude * bend**-exponent * 1e4**-beyond
    np.testing.assert_allclose(curve, [near, far], rtol=1e-9)
    even = BROKEN.evaluate(np.array([amplitude, exponent, exponent, bend]), X)
    np.testing.assert_allclose(even, amplitude * X**-exponent, rtol=1e-12)


@EACH_FORM
def test_the_inverse_is_infinite_if_the_curve_never_falls_so_low(form: Form, law: tuple[float, ...]):
    assert (
        form.inverse(np.array([law]), 0.01)[0] == np.inf
        if form.has_floor
        else np.isfinite(form.inverse(np.array([law]), 0.01)[0])
    )
    rising = np.array([law])
    rising[:, 1] = -0.1
    if form in (POWER, FLOOR):
        assert form.inverse(rising, 0.01)[0] == np.inf


def test_an_amplitude_of_zero_is_minus_infinity_without_a_warning():
    with np.errstate(all="raise"):
        assert POWER.to_internal(np.array([0.0, 0.5])).tolist() == [-np.inf, 0.5]
