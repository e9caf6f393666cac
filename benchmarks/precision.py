"""Test error in bf16 relative to fp32, at the ends of the studies, with 90 % intervals, from published runs.

This benchmark trains nothing. Its runs are those of ``configs/precision_mnist.yaml`` and
``configs/precision_cifar10.yaml``, merged into the published store. Networks with too few common seeds are
left out. A seed has the same initial weights and the same minibatches in both precisions, so runs with equal
seeds are pairs.
"""

from __future__ import annotations

from collections import defaultdict

from benchmarks.commands import ROOT
from benchmarks.equivalence import ratio_of_paired_means
from benchmarks.measurement import Measurement
from scaling import api

NAME = "precision"
_STUDIES = ("precision_mnist", "precision_cifar10")
PUBLISHED_STORE = ROOT / "artifacts" / "published" / "store"
LOW, HIGH = 0.97, 1.03
"""Margin within which the whole interval must lie."""
_MIN_SEEDS = 2


def measure(rounds: int) -> list[Measurement]:
    """Return one measurement per network; ``rounds`` has no effect, because nothing is measured again."""
    return [measurement for study in _STUDIES for measurement in _measure_study(study)]


def _measure_study(study: str) -> list[Measurement]:
    workspace = api.Workspace(store=str(PUBLISHED_STORE))
    runs = api.load_results(ROOT / "configs" / f"{study}.yaml", workspace).runs
    errors: dict[tuple[str, int], dict[str, dict[int, float]]] = defaultdict(lambda: {"bf16": {}, "fp32": {}})
    for run in runs.select(["architecture", "filters", "precision", "seed", "test_error"]).to_pylist():
        if run["test_error"] is not None:
            by_precision = errors[run["architecture"], run["filters"]]
            by_precision[run["precision"]][run["seed"]] = run["test_error"]
    measurements = []
    for (architecture, filters), by_precision in sorted(errors.items()):
        bf16, fp32 = by_precision["bf16"], by_precision["fp32"]
        seeds = sorted(bf16.keys() & fp32.keys())
        if len(seeds) < _MIN_SEEDS:
            continue
        ratio = ratio_of_paired_means([bf16[seed] for seed in seeds], [fp32[seed] for seed in seeds])
        verdict = "within" if ratio.low >= LOW and ratio.high <= HIGH else "not shown to be within"
        measurements.append(
            Measurement(
                benchmark=NAME,
                case=f"{study.removeprefix('precision_')}, {architecture}, filters={filters}",
                quantity="mean test error, bf16 relative to fp32 (90 % interval)",
                unit="",
                value=ratio.estimate,
                low=ratio.low,
                high=ratio.high,
                rounds=1,
                note=f"{verdict} [{LOW}, {HIGH}]; {len(seeds)} seeds in both",
            )
        )
    return measurements
