"""Each reason to doubt a law, alone."""

from __future__ import annotations

import numpy as np
import pytest

from scaling.fit import EstimationOptions, Status, fit
from tests.fit.planted_laws import bare_points, plant

PURE, FLOORED = (0.4, 0.5, 0.0), (0.4, 0.5, 0.1)


def judged(law: tuple[float, float, float], form: str = "power", **how: object) -> tuple[Status, str]:
    found = fit(
        plant(law, np.random.default_rng(0), **{"test_images": 10_000, **how}),
        EstimationOptions(forms=(form,), resamplings=200),
    ).laws[form]
    return found.status, found.reason


@pytest.mark.parametrize(
    ("law", "form", "how", "expected"),
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
        (PURE, "power", {"seeds": 3}, (Status.CAUTION, "fewer than 4 runs at a width")),
        ((0.1, 0.0, 0.0), "power", {}, (Status.CAUTION, "the exponent's interval contains 0")),
        (PURE, "floor", {}, (Status.CAUTION, "the floor's interval reaches its bound, 0")),
        (
            PURE,
            "power",
            {"widths": (1, 2)},
            (Status.REJECTED, "2 widths for 2 parameters: any data would fit"),
        ),
    ],
)
def test_status_has_its_reason(
    law: tuple[float, float, float], form: str, how: dict[str, object], expected: tuple[Status, str]
):
    assert judged(law, form, **how) == expected


def test_a_form_that_misses_the_means_asks_for_a_look():
    status, reason = judged(FLOORED, "power")
    assert status is Status.CAUTION
    assert reason.startswith("the means lie ")
    assert reason.endswith(" times as far from the curve as their seeds explain")


def test_scatter_without_a_law_reaches_the_end_of_the_search():
    law = fit(
        plant((0.1, 0.0, 0.0), np.random.default_rng(4)), EstimationOptions(forms=("floor",), resamplings=200)
    ).laws["floor"]
    assert law.status is Status.CAUTION
    assert "the exponent's interval reaches the limit of the search, 8" in law.reason


def test_copies_of_runs_are_seen():
    x = np.repeat([1.0, 2, 3, 4, 6, 8, 12], 5)
    law = fit(bare_points(x, 1 / x), EstimationOptions(forms=("power",), resamplings=5)).laws["power"]
    assert (law.status, law.reason) == (
        Status.CAUTION,
        "the runs of each width are equal, as if they were copies",
    )


def test_reasons_add_up():
    assert (
        judged(PURE, widths=(1, 2, 4), seeds=2)[1]
        == "fewer than 6 widths; filters spans a factor of 4, less than 10; fewer than 4 runs at a width"
    )


def test_a_width_that_stands_alone_is_seen():
    """Six narrow widths and one far out: whatever its mean, the floor takes it."""
    reason = judged(FLOORED, "floor", widths=(1, 2, 3, 4, 5, 6, 1000))[1]
    assert reason == "the curve at filters 1000 rests on that width alone"
