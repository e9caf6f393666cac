"""Figure of learning rates: all rates, the chosen rate, tied rates."""

from __future__ import annotations

from math import inf, isfinite, sqrt

import pytest

from analysis.learning_rates import TunedRates, describe_rate_choices, draw_learning_rates
from analysis.style import figure_style
from scaling.config import RateChoice

RATES = (0.05, 0.1, 0.2, 0.4)


def tuned(label: str, filters: int, *errors: float, images: int = 5000) -> TunedRates:
    return TunedRates(
        label=label,
        filters=filters,
        architecture=label,
        validation_images=images,
        choice=RateChoice(rates=RATES, errors=tuple((error,) for error in errors)),
    )


STUDY = [
    tuned("lenet5", 2, 0.5, 0.4, 0.45, inf),
    tuned("lenet5", 4, 0.5, 0.39, 0.395, 0.9),
    tuned("tree3", 2, 0.3, 0.25, 0.2, 0.19),
    tuned("tree3", 4, inf, inf, inf, inf),
]


def draw(networks, labels=("lenet5", "tree3")):
    with figure_style():
        return draw_learning_rates(networks, labels)


def test_numbers_have_a_row_for_every_rate():
    rows = draw(STUDY).numbers.to_pylist()
    assert len(rows) == 4 * 4
    for network in STUDY:
        own_rows = [row for row in rows if (row["group"], row["filters"]) == (network.label, network.filters)]
        assert [row["learning_rate"] for row in own_rows] == list(RATES)
        assert [row["mean_val_error"] for row in own_rows] == [
            mean if isfinite(mean) else None for mean in network.choice.means
        ]
        assert [row["learning_rate"] for row in own_rows if row["chosen"]] == [network.choice.rate]
        assert [row["diverged"] for row in own_rows] == [
            int(not isfinite(mean)) for mean in network.choice.means
        ]


def test_rates_within_two_standard_errors_of_the_lowest_error_are_tied():
    limit = 0.39 + 2 * sqrt(2 * 0.39 * 0.61 / 5000)  # of a difference of two binomials
    assert limit > 0.395
    assert STUDY[1].tied() == [False, True, True, False]
    assert tuned("lenet5", 4, 0.5, 0.39, 0.395, 0.9, images=10**9).tied() == [False, True, False, False]
    assert STUDY[3].tied() == [False] * 4


def test_sentences_name_every_choice_and_every_edge():
    assert describe_rate_choices(STUDY) == [
        "lenet5: the learning rate with the lowest validation error is 0.1 at filters 2 and 4.",
        "tree3: the learning rate with the lowest validation error is 0.4 at filters 2, 0.05 at filters 4.",
        "tree3, filters 2: the chosen learning rate, 0.4, is the largest that was tried;"
        " a better rate may lie beyond.",
        "tree3, filters 4: every learning rate diverged, so the smallest rate was chosen.",
    ]
    assert describe_rate_choices([]) == []


def test_sentences_on_a_network_of_one_width_name_no_filters():
    assert describe_rate_choices([tuned("net1_1989", 1, 0.5, 0.4, 0.3, 0.2)]) == [
        "net1_1989: the learning rate with the lowest validation error is 0.4.",
        "net1_1989: the chosen learning rate, 0.4, is the largest that was tried;"
        " a better rate may lie beyond.",
    ]


@pytest.mark.parametrize("curves", [1, 2, 3])
def test_each_curve_has_a_panel_and_the_last_shows_all_curves(curves):
    drawing = draw(
        [tuned(f"curve_{nth}", width, 0.5, 0.4, 0.45, 0.6) for nth in range(curves) for width in (2, 8)]
    )
    titles = [axes.get_title(loc="left") for axes in drawing.figure.axes if axes.axison]
    assert titles == [f"curve_{nth}" for nth in range(curves)] + ["Chosen rate"]
    assert f"{curves * 8} pilot runs with learning rates from 0.05 to 0.4" in drawing.caption


def test_no_figure_where_every_pilot_diverged():
    assert draw([]) is None
    assert draw(STUDY[3:]) is None
