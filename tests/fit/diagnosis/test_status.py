"""Status of a law: each reason for caution or rejection by itself."""

from __future__ import annotations

import numpy as np
import pytest

from scaling.fit import EstimationOptions, Status, fit
from tests.fit.planted_laws import bare_points, plant

PURE, FLOORED = (0.4, 0.5, 0.0), (0.4, 0.5, 0.1)


def assess_planted(
    law: tuple[float, float, float], form: str = "power", **options: object
) -> tuple[Status, str]:
    law_fit = fit(
        plant(law, np.random.default_rng(0), **{"test_images": 10_000, "seeds": 16, **options}),
        EstimationOptions(resamplings=200),
    ).laws[form]
    return law_fit.status, law_fit.reason


@pytest.mark.parametrize(
    ("law", "form", "options", "expected"),
    [
        (PURE, "power", {}, (Status.USABLE, "")),
        (FLOORED, "floor", {}, (Status.USABLE, "")),
        (PURE, "power", {"widths": (1, 2, 4, 8, 16)}, (Status.CAUTION, "fewer than 6 widths")),
        (
            PURE,
            "power",
            {"widths": (1, 2, 3, 4, 6, 8)},
            (Status.CAUTION, "filters spans a factor of 8, less than 10"),
        ),
        (
            PURE,
            "power",
            {"seeds": 3},
            (Status.CAUTION, "fewer than 4 runs at a width; a floor is neither shown nor excluded"),
        ),
        (
            (0.1, 0.0, 0.0),
            "power",
            {},
            (Status.CAUTION, "the exponent's interval contains 0; a floor is neither shown nor excluded"),
        ),
        (PURE, "floor", {}, (Status.CAUTION, "the floor's interval reaches its bound, 0")),
        (
            PURE,
            "power",
            {"widths": (1, 2)},
            (Status.REJECTED, "2 widths for 2 parameters: any data would fit"),
        ),
    ],
)
def test_each_status_has_its_reason(
    law: tuple[float, float, float], form: str, options: dict[str, object], expected: tuple[Status, str]
):
    assert assess_planted(law, form, **options) == expected


def test_a_form_that_misfits_the_means_is_used_with_caution():
    status, reason = assess_planted(FLOORED, "power")
    assert status is Status.CAUTION
    assert reason.startswith("the means lie ")
    assert reason.endswith(" times as far from the curve as their seeds explain; a floor is needed")


def test_scatter_without_a_law_reaches_the_limit_of_the_search():
    law = fit(
        plant((0.1, 0.0, 0.0), np.random.default_rng(4)), EstimationOptions(forms=("floor",), resamplings=200)
    ).laws["floor"]
    assert law.status is Status.CAUTION
    assert "the exponent's interval reaches the limit of the search, 8" in law.reason


def test_copies_of_runs_are_recognised():
    x = np.repeat([1.0, 2, 3, 4, 6, 8, 12], 5)
    law = fit(bare_points(x, 1 / x), EstimationOptions(forms=("power",), resamplings=5)).laws["power"]
    assert (law.status, law.reason) == (
        Status.CAUTION,
        "the runs of each width are equal, as if they were copies; a floor is neither shown nor excluded",
    )


def test_all_reasons_are_listed():
    assert (
        assess_planted(PURE, widths=(1, 2, 4), seeds=2)[1]
        == "fewer than 6 widths; filters spans a factor of 4, less than 10; fewer than 4 runs at a width; "
        "a floor is neither shown nor excluded"
    )


def test_a_width_with_high_leverage_is_named():
    """Of six narrow widths and one far out, the wide one alone decides the floor."""
    reason = assess_planted(FLOORED, "floor", widths=(1, 2, 3, 4, 5, 6, 1000))[1]
    assert reason.split("; ")[0] == "the curve at filters 1000 rests on that width alone"
