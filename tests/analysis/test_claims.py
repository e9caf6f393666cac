"""Rules of the claims on planted results of use cases: planted data decide each verdict."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from math import inf, nan
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from analysis.claims.claim import Claim, ClaimVerdict, Finding, JudgedClaim, Ledger, Rule, Study
from analysis.claims.claims import CLAIMS
from analysis.claims.few_images import FewerParametersGeneralise, SeparableButWorse
from analysis.claims.label_growth import GrowsWithLabels, Growth
from analysis.claims.limits import judge_at_most
from analysis.claims.networks import Rebuilt, RejectsAtMost
from analysis.claims.page import claims_page
from analysis.claims.power_law import ForecastHits
from analysis.claims.pruned import PrunesWithoutLoss
from analysis.claims.size_depth import SizeDepthRule
from analysis.equal_training_error import EqualTrainingError, NetworkAtLevel, RunAtLevel
from analysis.history import MeasuredError
from analysis.optimum import StudyOptimum
from analysis.pruning import PrunedNetwork, PrunedRuns, StudyPruning
from scaling.fit import Interval
from scaling.fit.data.table import group_points
from scaling.fit.diagnosis.status import assess_runs
from scaling.fit.optimum import find_optimum
from scaling.fit.separability import Verdict
from scaling.plan.forecast_score import Outcome, TargetScore

HOLDS, FAILS, UNCLEAR = ClaimVerdict.HOLDS, ClaimVerdict.FAILS, ClaimVerdict.UNCLEAR
STUDY = Study("planted.yaml")


@dataclass
class PlantedEvidence:
    """Evidence whose results are planted."""

    results: dict[str, Any] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        return lambda *_: self.results[name]


def judge(rule: Rule, **results: Any) -> Finding:
    return rule.judge(PlantedEvidence(results), STUDY)


def interval(low: float, high: float) -> Interval:
    return Interval(estimate=(low + high) / 2, low=low, high=high)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(0.8, 1.0, HOLDS), (1.01, 1.2, FAILS), (0.9, 1.1, UNCLEAR), (1.0, 1.1, UNCLEAR), (nan, nan, UNCLEAR)],
)
def test_the_whole_interval_decides(low, high, verdict):
    assert judge_at_most(interval(low, high), 1.0) is verdict


def test_an_estimate_within_the_margin_shows_nothing_alone():
    assert judge_at_most(Interval(estimate=0.5, low=-inf, high=inf), 1.0) is UNCLEAR


def target(outcome: Outcome) -> TargetScore:
    return TargetScore(
        label="lenet5",
        form="floor",
        filters=64,
        extrapolation=8.0,
        outcome=outcome,
        predicted=interval(0.1, 0.2),
        observed=interval(0.14, 0.16),
        wanted=8,
        trained=8,
        runs=8,
        relative_error=0.0,
        z=0.0,
        runs_inside=8,
    )


@pytest.mark.parametrize(
    ("outcomes", "verdict"),
    [
        ([Outcome.HIT, Outcome.HIT], HOLDS),
        ([Outcome.HIT, Outcome.MISS], FAILS),
        ([Outcome.HIT, Outcome.OPEN], HOLDS),
        ([Outcome.NOT_BLIND, Outcome.OPEN, Outcome.DIVERGED], UNCLEAR),
        ([], UNCLEAR),
    ],
)
def test_a_forecast_holds_if_every_one_that_counts_is_a_hit(outcomes, verdict):
    score = SimpleNamespace(targets=tuple(map(target, outcomes)))
    assert judge(ForecastHits(), scores=[score]).verdict is verdict


@pytest.mark.parametrize(
    ("ratio", "noise", "verdict"), [(4.0, 1e-3, HOLDS), (16.0, 1e-3, FAILS), (4.0, 0.2, UNCLEAR)]
)
def test_the_rule_of_sizes_and_depths_holds_at_the_lowest_error(ratio, noise, verdict):
    """The planted error is lowest at a ratio of 4."""
    rng = np.random.default_rng(0)
    x = np.repeat([0.5, 1.0, 2.0, 2.8, 4.0, 8.0, 16.0, 32.0], 8)
    error = 0.3 * (1 + 0.05 * np.log(x / 4) ** 2) * (1 + noise * rng.normal(size=len(x)))
    (group,) = group_points(pa.table({"ratio": x, "error": error}), x="ratio", y="error", by=())
    optimum = StudyOptimum(
        x="ratio",
        title="",
        training="",
        optima=(find_optimum(group.points, label="lenet5"),),
        size_depth_ratios={"lenet5": {"pooled": ratio}},
        costs={},
        failures=(),
    )
    finding = judge(SizeDepthRule("lenet5"), optimum=optimum)
    assert (finding.verdict, finding.n) == (verdict, 64)


def at_level(name: str, parameters: int, errors: list[float]) -> NetworkAtLevel:
    runs = [RunAtLevel(epoch=3, test_error=error) for error in errors]
    return NetworkAtLevel(group=name, filters=1, parameters=parameters, runs=runs)


@pytest.mark.parametrize(
    ("errors", "verdict"),
    [
        ([[0.10, 0.11], [0.20, 0.21], [0.30, 0.31]], HOLDS),
        ([[0.10, 0.11], [0.30, 0.31], [0.20, 0.21]], FAILS),
        ([[0.10, 0.11], [0.20, 0.21], [0.10, 0.41]], UNCLEAR),
    ],
)
def test_fewer_parameters_hold_if_all_neighbours_agree(errors, verdict):
    networks = tuple(
        at_level(f"net{size}", size, values)
        for size, values in zip((300, 200, 100), errors[::-1], strict=True)
    )
    compared = EqualTrainingError(
        level=0.05, limiting_group="net100", level_without=0.05, networks=networks, left_out=0
    )
    finding = judge(FewerParametersGeneralise(), equal_training_error=compared)
    assert (finding.verdict, finding.n) == (verdict, 6)
    assert judge(FewerParametersGeneralise(), equal_training_error=None).verdict is UNCLEAR


def row(name: str, errors: list[float], rejected: Interval | None = None) -> Any:
    """Return a row of the table of systems with the fields that the rules read."""
    measured = MeasuredError(error=Interval.of_mean(np.array(errors)), errors=tuple(errors), parameters=9760)
    return SimpleNamespace(
        system=SimpleNamespace(name=name),
        network=SimpleNamespace(rebuild=SimpleNamespace(study=f"{name}.yaml"), rejected=rejected),
        measured=measured,
        measured_text="",
    )


NET_1, NET_5 = Rebuilt("net1", "net1.yaml"), Rebuilt("net5", "net5.yaml")


@pytest.mark.parametrize(
    ("separable", "single", "other", "verdict"),
    [
        (Verdict.SEPARABLE, [0.2, 0.21], [0.1, 0.11], HOLDS),
        (Verdict.SEPARABLE, [0.1, 0.11], [0.2, 0.21], FAILS),
        (Verdict.SEPARABLE, [0.1, 0.2], [0.1, 0.21], UNCLEAR),
        (Verdict.INSEPARABLE, [0.2, 0.21], [0.1, 0.11], UNCLEAR),
    ],
)
def test_a_single_layer_is_judged_on_separable_images_only(separable, single, other, verdict):
    images = SimpleNamespace(train_images=320, all_classes=SimpleNamespace(verdict=separable))
    history = SimpleNamespace(rows=[row("net1", single), row("net5", other)])
    finding = judge(SeparableButWorse(NET_1, NET_5), separability=images, history=history)
    assert finding.verdict is verdict
    assert ("separable" in finding.measured) or "not separable" in finding.reason


@pytest.mark.parametrize(
    ("rejected", "verdict"),
    [
        (interval(0.08, 0.10), HOLDS),
        (interval(0.12, 0.14), FAILS),
        (interval(0.10, 0.12), UNCLEAR),
        (None, UNCLEAR),
    ],
)
def test_a_rejected_share_is_judged_with_its_margin(rejected, verdict):
    history = SimpleNamespace(rows=[row("net1", [0.05, 0.06], rejected)])
    assert judge(RejectsAtMost(NET_1, share=0.09, margin=0.02), history=history).verdict is verdict


def pruned(method: Any, left: int, change: Interval) -> PrunedRuns:
    nothing = Interval(estimate=nan, low=nan, high=nan)
    return PrunedRuns(
        method=method,
        parameters_left=left,
        runs=8,
        test_error=interval(0.05, 0.07),
        test_mse=nothing,
        error_change=change,
        train_mse=nothing,
        predicted_increase=nothing,
        measured_increase=nothing,
        assessment=assess_runs(8),
    )


@pytest.mark.parametrize(
    ("left", "change", "verdict"),
    [
        (2600, interval(-0.002, 0.002), HOLDS),
        (2600, interval(0.007, 0.009), FAILS),
        (2600, interval(-0.002, 0.008), UNCLEAR),
        (5000, interval(-0.002, 0.002), UNCLEAR),
    ],
)
def test_pruning_is_judged_where_few_parameters_are_left(left, change, verdict):
    """The margin is a tenth of the error of 6 %."""
    network = PrunedNetwork(
        label="zipcode1989",
        unpruned=pruned(None, 10000, interval(0, 0)),
        rounds=(pruned("magnitude", left, interval(0.5, 0.6)), pruned("saliency", left, change)),
        deletions=pa.table({}),
    )
    study = StudyPruning(networks=(network,), title="", diverged=0)
    assert judge(PrunesWithoutLoss("saliency", left=0.27), pruning=study).verdict is verdict


def test_the_page_has_each_claim_with_its_verdict_and_its_command():
    rule = ForecastHits()
    claim = Claim(name="planted", text="It is so.", study=Study("a.yaml", ("seeds=[1, 2]",)), rule=rule)
    findings = [
        Finding(verdict=verdict, measured="Numbers.", interval=interval(1, inf), n=8)
        for verdict in ClaimVerdict
    ]
    ledger = Ledger(rows=tuple(JudgedClaim(claim=claim, finding=finding) for finding in findings))
    page = claims_page(ledger)
    assert "Verdicts of 3 claims: holds 1, does not hold 1, cannot tell 1." in page
    assert "`scaling score configs/a.yaml --set 'seeds=[1, 2]'`" in page
    values = json.loads(json.dumps([row.to_dict() for row in ledger.rows], allow_nan=False))
    assert [value["verdict"] for value in values] == ["holds", "does not hold", "cannot tell"]
    assert values[0]["interval"]["high"] == "never"


def test_names_of_claims_are_unique():
    names = [claim.name for claim in CLAIMS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("truth", "growth", "verdict"),
    [
        (Growth.POWER, Growth.POWER, HOLDS),
        (Growth.POWER, Growth.LOGARITHM, FAILS),
        (Growth.LOGARITHM, Growth.LOGARITHM, HOLDS),
    ],
)
def test_growth_with_labels_is_told_by_the_nearer_curve(truth, growth, verdict):
    """All classes are stored once, in one chain, and end the others too."""
    rng = np.random.default_rng(0)
    numbers = np.array([2, 3, 4, 6, 8, 10])
    errors = 0.06 * numbers**0.7 if truth is Growth.POWER else 0.02 + 0.13 * np.log(numbers)
    fits = []
    for chain in range(5):
        stored = numbers if chain == 0 else numbers[:-1]
        means = errors[: len(stored)] * rng.normal(1, 0.01, len(stored))
        points = SimpleNamespace(widths=stored.astype(float), means=means, y=np.repeat(means, 4))
        fits.append(SimpleNamespace(label=f"vgg, draw {chain} of the labels", points=points))
    finding = judge(GrowsWithLabels("vgg", growth), fits=fits)
    assert (finding.verdict, finding.n) == (verdict, 4 * 26)
    assert "5 chains with 6 numbers of labels" in finding.measured
    if truth is Growth.POWER:
        assert "exponent of K 0.7" in finding.measured or "exponent of K 0.69" in finding.measured


def test_growth_with_labels_needs_two_chains():
    points = SimpleNamespace(widths=np.array([2.0, 3, 4, 10]), means=np.array([0.1, 0.2, 0.25, 0.4]))
    fits = [SimpleNamespace(label="vgg, draw 0 of the labels", points=points)]
    finding = judge(GrowsWithLabels("vgg", Growth.POWER), fits=fits)
    assert (finding.verdict, finding.n) == (UNCLEAR, 0)
