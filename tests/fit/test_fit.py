"""Fits of points and tables: laws side by side, held-out error, estimand, notes and rows of a table."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest

from scaling.errors import FitError, UsageError
from scaling.fit import EstimationOptions, Points, Status, fit, fit_table, tabulate_laws
from tests.fit.planted_laws import WIDTHS, bare_points, curve, plant, to_table

LAW = (0.4, 0.5, 0.05)


def planted(**options: object) -> Points:
    return plant(LAW, np.random.default_rng(0), **options)


def table_of(*labels: str, **options: object) -> pa.Table:
    """Return a table with one study for each label."""
    return pa.concat_tables(
        [
            to_table(plant(LAW, np.random.default_rng(k), **options), architecture=label)
            for k, label in enumerate(labels)
        ]
    )


def test_a_known_law_is_recovered_from_many_runs():
    fitted = fit(
        planted(seeds=8, test_images=1_000_000, widths=(*WIDTHS, 24, 48)), EstimationOptions(resamplings=200)
    )
    law = fitted.laws["floor"]
    for name, truth in zip(law.form.parameters, LAW, strict=True):
        interval = law.parameters[name]
        # Four standard errors, which is about the width of a 95 % interval.
        assert abs(interval.estimate - truth) < interval.high - interval.low
        assert interval.high - interval.low < 0.02
    assert (law.status, law.reason) == (Status.USABLE, "")
    assert law.rmse_log < fitted.laws["power"].rmse_log
    np.testing.assert_allclose(law.predict(np.array([100.0])), curve(np.array([100.0]), LAW), rtol=0.02)


def test_held_out_error_is_that_of_a_fit_to_the_narrower_widths():
    points = planted()
    narrow = points.x < 8
    law = fit(points, EstimationOptions(resamplings=5)).laws["power"]
    below = fit(
        Points(
            x_name="filters",
            y_name="test_error",
            x=points.x[narrow],
            y=points.y[narrow],
            test_images=points.test_images,
        ),
        EstimationOptions(resamplings=5),
    ).laws["power"]
    ratio = below.predict([8, 12]) / points.means[-2:]
    assert [held.left_out for held in law.held_out] == [(12,), (8, 12), (6, 8, 12)]
    np.testing.assert_allclose(law.held_out[1].predicted, below.predict([8, 12]), rtol=1e-7)
    assert law.held_out[1].rmse_log == pytest.approx(np.sqrt((np.log(ratio) ** 2).mean()), rel=1e-7)
    assert law.held_out[1].bias == pytest.approx((ratio - 1).mean(), rel=1e-7)


@pytest.mark.parametrize(
    ("widths", "left"),
    [
        (7, {"power": 3, "floor": 2}),
        (6, {"power": 2, "floor": 1}),
        (5, {"power": 1, "floor": 0}),
        (4, {"power": 0}),
    ],
)
def test_two_widths_more_than_parameters_must_remain(widths: int, left: dict[str, int]):
    laws = fit(planted(widths=WIDTHS[:widths]), EstimationOptions(resamplings=5)).laws
    assert {name: len(laws[name].held_out) for name in left} == left


def test_holdout_is_an_option():
    points = planted()
    assert fit(points, EstimationOptions(holdout=0, resamplings=5)).laws["power"].held_out == ()
    assert fit(points, EstimationOptions(holdout=2, resamplings=5)).laws["power"].held_out[-1].left_out == (
        8,
        12,
    )


@pytest.mark.parametrize(
    ("y", "estimand"),
    [
        ("test_error", "mean error over seeds, on this test set"),
        ("loss", "mean loss over the runs of a width"),
    ],
)
def test_the_estimand_is_named(y: str, estimand: str):
    points = Points(
        x_name="filters",
        y_name=y,
        x=np.array([1.0, 2, 4, 8]),
        y=np.array([0.4, 0.3, 0.2, 0.16]),
        test_images=None,
    )
    assert fit(points, EstimationOptions(resamplings=5)).estimand == estimand


def test_widths_without_an_error_are_fitted():
    points = planted()
    clean = Points(
        x_name="filters",
        y_name="test_error",
        x=points.x,
        y=np.where(points.x == 12, 0, points.y),
        test_images=points.test_images,
    )
    fitted = fit(clean, EstimationOptions(resamplings=50))
    law = fitted.laws["power"]
    assert (
        law.parameters["exponent"].estimate
        > fit(points, EstimationOptions(resamplings=5)).laws["power"].parameters["exponent"].estimate
    )
    assert np.isfinite(law.rmse_log)
    assert law.held_out == ()
    assert (
        fitted.notes[0]
        == "No run made an error at filters 12: these widths are fitted, but they are left out of "
        "logarithms, and no width is held out."
    )


def test_bare_values_scale_with_their_unit():
    points = planted()
    fraction, percent = (
        fit(bare_points(points.x, points.y * unit), EstimationOptions(resamplings=50)).laws["floor"]
        for unit in (1, 100)
    )
    for name, unit in (("amplitude", 100), ("exponent", 1), ("floor", 100)):
        ends = [
            [getattr(law.parameters[name], end) for end in ("estimate", "low", "high")]
            for law in (fraction, percent)
        ]
        np.testing.assert_allclose(np.array(ends[0]) * unit, ends[1], rtol=1e-6)


def test_a_form_with_too_few_widths_is_missing_with_a_note():
    fitted = fit(planted(widths=(1, 2)), EstimationOptions(resamplings=5))
    assert list(fitted.laws) == ["power"]
    assert fitted.laws["power"].status is Status.REJECTED
    assert fitted.notes == ("A form is missing: A x^-rho + E needs at least 3 widths, not 2; add widths.",)


def test_points_that_cannot_be_fitted_are_refused():
    with pytest.raises(FitError, match="needs at least 2 widths, not 1"):
        fit(planted(widths=(3,)))
    with pytest.raises(
        FitError, match="through 2 widths without replicates has no interval; add seeds or widths"
    ):
        fit(planted(widths=(1, 2), seeds=1))
    with pytest.raises(UsageError, match="forms: exp: expected one of power, floor"):
        fit(planted(), EstimationOptions(forms=("exp",)))
    with pytest.raises(UsageError, match="at least one form and at least one resampling"):
        fit(planted(), EstimationOptions(resamplings=0))


def test_each_group_is_fitted_by_itself():
    both = fit_table(table_of("lenet5", "tree3"), EstimationOptions(resamplings=20))
    (alone,) = fit_table(table_of("lenet5"), EstimationOptions(resamplings=20))
    assert [fitted.label for fitted in both] == ["lenet5", "tree3"]
    np.testing.assert_array_equal(both[0].laws["power"].draws, alone.laws["power"].draws)


def test_a_group_without_a_law_leaves_the_others_intact():
    fits = fit_table(
        pa.concat_tables([table_of("lenet5"), to_table(planted(widths=(3,)), architecture="tree3")]),
        EstimationOptions(resamplings=5),
    )
    assert [list(fitted.laws) for fitted in fits] == [["floor", "power"], []]
    assert fits[1].notes == ("No law: filters: A x^-rho needs at least 2 widths, not 1; add widths.",)
    one_width = "filters: A x^-rho needs at least 2 widths, not 1; add widths"
    with pytest.raises(FitError) as error:
        fit_table(table_of("lenet5", "tree3", widths=(3,)))
    assert str(error.value) == f"lenet5: {one_width}; tree3: {one_width}"
    with pytest.raises(FitError, match="the table holds no runs"):
        fit_table(table_of("lenet5").slice(0, 0))


def test_any_column_can_be_the_size():
    table = table_of("lenet5")
    table = table.append_column("macs", pa.array(np.array(table["filters"]) * 1_000_000))
    filters, macs = (
        fit_table(table, EstimationOptions(resamplings=20), x=x)[0].laws["floor"] for x in ("filters", "macs")
    )
    assert macs.parameters["exponent"].estimate == pytest.approx(
        filters.parameters["exponent"].estimate, rel=1e-7
    )
    np.testing.assert_allclose(macs.predict([4e6]), filters.predict([4]), rtol=1e-7)


def test_json_has_finite_numbers_only():
    fitted = fit(
        planted(seeds=1),
        EstimationOptions(resamplings=5),
        group={"architecture": "lenet5"},
        notes=("First note.",),
    )
    read = json.loads(json.dumps(fitted.to_dict(), allow_nan=False))
    assert read["label"] == "lenet5"
    assert read["notes"][0] == "First note."
    assert read["points"]["std"] == [None] * len(WIDTHS)
    assert read["laws"]["floor"]["parameters"]["floor"].keys() == {"estimate", "low", "high"}
    assert read["laws"]["power"]["held_out"][-1]["left_out"] == [6, 8, 12]


def test_rows_have_the_same_flat_columns():
    fits = fit_table(
        pa.concat_tables([table_of("lenet5"), table_of("tree3", widths=(1, 2))]),
        EstimationOptions(resamplings=5),
    )
    table = tabulate_laws(fits)
    assert [(row["label"], row["form"]) for row in table] == [
        ("lenet5", "floor"),
        ("lenet5", "power"),
        ("tree3", "power"),
    ]
    assert len({tuple(row) for row in table}) == 1
    assert table[1]["floor"] is None
    assert table[0]["floor"] == fits[0].laws["floor"].parameters["floor"].estimate
    assert table[1]["left_out"] == "6, 8, 12"
    assert table[2]["held_out_bias"] is None
    assert pa.Table.from_pylist(table).num_rows == 3
