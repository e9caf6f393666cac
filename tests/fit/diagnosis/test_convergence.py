"""Convergence: widths that still improve are found, and others are hardly ever flagged."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from scipy.stats import binom, ttest_rel

from scaling.fit import EstimationOptions, Status, fit
from scaling.fit.diagnosis.caution import add_caution
from scaling.fit.diagnosis.convergence import (
    CONVERGENCE_ALPHA,
    EARLY_ERROR_COLUMN,
    MIN_RELATIVE_GAIN,
    check_convergence,
    check_early_errors,
    early_errors,
    epochs_to_compare,
    find_improving_widths,
)
from tests.fit.planted_laws import plant

WIDTHS, SEEDS = np.array([1.0, 2, 4, 8, 16, 32]), 8


def planted_errors(rng: np.random.Generator, gain: np.ndarray, scatter: float) -> dict[str, np.ndarray]:
    """Return widths, early errors and late errors of runs; the errors fall by a share that scatters."""
    x, share = (np.repeat(values, SEEDS) for values in (WIDTHS, gain))
    early = 0.4 * x**-0.5 * (1 + 0.1 * rng.standard_normal(len(x)))
    late = early * (1 - share + scatter * rng.standard_normal(len(x)))
    return {"widths": x, "early": early, "late": late}


def test_improving_widths_are_found_with_their_gain():
    gains = find_improving_widths(
        **planted_errors(np.random.default_rng(0), np.array([0, 0, 0.1, 0, 0, 0.05]), 0.01)
    )
    assert list(gains) == [4, 32]
    # Four standard errors of a mean over eight seeds.
    assert list(gains.values()) == pytest.approx([0.1, 0.05], abs=4 * 0.01 / np.sqrt(SEEDS))


def test_networks_that_do_not_improve_are_hardly_ever_flagged():
    """The scatter is so large that only the t test prevents false alarms."""
    studies, rng = 4000, np.random.default_rng(1)
    flagged = sum(
        bool(find_improving_widths(**planted_errors(rng, np.zeros(len(WIDTHS)), 0.1))) for _ in range(studies)
    )
    assert flagged <= binom.isf(1e-4, studies, CONVERGENCE_ALPHA)
    assert flagged >= binom.ppf(1e-4, studies, CONVERGENCE_ALPHA / 2)


def test_a_significant_but_small_gain_is_ignored():
    assert (
        find_improving_widths(
            **planted_errors(np.random.default_rng(2), np.full(len(WIDTHS), MIN_RELATIVE_GAIN / 2), 1e-4)
        )
        == {}
    )


def test_the_test_is_a_paired_t_test():
    rng = np.random.default_rng(3)
    for scatter in np.geomspace(0.01, 0.5, 40):
        runs = planted_errors(rng, np.full(len(WIDTHS), 0.1), scatter)
        x, early, late = runs.values()
        expected = {
            width: float(1 - late[x == width].mean() / early[x == width].mean())
            for width in WIDTHS
            if ttest_rel(early[x == width], late[x == width], alternative="greater").pvalue
            < CONVERGENCE_ALPHA / len(WIDTHS)
            and late[x == width].mean() < (1 - MIN_RELATIVE_GAIN) * early[x == width].mean()
        }
        assert find_improving_widths(**runs) == pytest.approx(expected)


def test_single_runs_and_copies_are_never_flagged():
    early, late = np.array([0.5, 0.3, 0.3]), np.array([0.1, 0.1, 0.1])
    assert find_improving_widths(np.array([1.0, 2, 2]), early=early, late=late) == {}


def test_each_run_is_compared_with_itself_at_nine_tenths_of_its_training():
    rng = np.random.default_rng(4)
    rows, curves = [], []
    for filters in (1, 2, 4):
        for seed in range(SEEDS):
            length = 10 if seed % 2 else 20
            name, noise = f"{filters}-{seed}", rng.normal(0, 1e-4, length)
            rows.append({"id": name, "filters": filters, "epochs": length, "architecture": "lenet5"})
            fall = 0.04 if filters == 1 else 0.0
            curves += [
                {"id": name, "epoch": e, "test_error": 0.3 - fall * (e == length) + noise[e - 1]}
                for e in range(1, length + 1)
            ]
    runs = pa.Table.from_pylist([*rows, {"id": "lost", "filters": 1, "epochs": 10, "architecture": "tree3"}])
    epochs = pa.Table.from_pylist([*curves, {"id": "unknown", "epoch": 10, "test_error": 0.1}])
    expected_reasons = {
        ("lenet5",): "at filters 1 the error still falls by 13 % over the last tenth of training"
    }
    for order in (slice(None), slice(None, None, -1)):
        reordered = epochs.take(np.arange(len(epochs))[order])
        assert check_convergence(runs, reordered, x="filters", by=("architecture",)) == expected_reasons
    last_errors = {curve["id"]: curve["test_error"] for curve in curves}
    exported = runs.append_column(EARLY_ERROR_COLUMN, pa.array(early_errors(runs, epochs), from_pandas=True))
    exported = exported.append_column("test_error", pa.array(map(last_errors.get, runs["id"].to_pylist())))
    for table in (exported, exported.drop_columns("epochs")):
        assert check_early_errors(table, x="filters", by=("architecture",)) == expected_reasons
    assert check_early_errors(exported.drop_columns(EARLY_ERROR_COLUMN), x="filters", by=()) == {}
    assert epochs_to_compare(runs) == [9, 10, 18, 20]
    compared = epochs.filter(np.isin(epochs["epoch"].to_numpy(), epochs_to_compare(runs)))
    assert check_convergence(runs, compared, x="filters", by=("architecture",)) == expected_reasons
    short_runs = runs.filter(pc.field("epochs") == 10)
    ((group, reason),) = check_convergence(short_runs, epochs, x="filters", by=()).items()
    assert (group, reason) == (
        (),
        "at filters 1 the error still falls by 13 % between epoch 9 and the last epoch, 10",
    )
    assert check_convergence(runs, epochs.slice(0, 0), x="filters", by=()) == {}


def test_flagged_laws_have_the_status_caution_and_rejected_laws_stay_rejected():
    converged = fit(
        plant((0.4, 0.5, 0.0), np.random.default_rng(0), test_images=10_000),
        EstimationOptions(resamplings=50),
        group={"k": "a"},
    )
    (unchanged,) = add_caution([converged], {("b",): "it learns"})
    assert unchanged is converged
    (changed,) = add_caution([converged], {("a",): "it learns"})
    assert (changed.laws["power"].status, changed.laws["power"].reason) == (Status.CAUTION, "it learns")
    assert changed.laws["floor"].reason == f"{converged.laws['floor'].reason}; it learns"
    narrow = fit(
        plant((0.4, 0.5, 0.0), np.random.default_rng(0), widths=(1, 2)),
        EstimationOptions(forms=("power",), resamplings=50),
        group={"k": "a"},
    )
    assert add_caution([narrow], {("a",): "it learns"})[0].laws["power"].status is Status.REJECTED
