"""Whether bf16 errs as fp32 does: the ratio of mean test errors at the ends of the studies, with its 90 % interval, from published runs.

Trains nothing. The runs are those of ``scaling run configs/precision_mnist.yaml`` and ``configs/precision_cifar10.yaml``, merged into the
published store; networks of which the precisions have too few seeds in common are left out. A seed begins with the same weights and sees
the same minibatches in both precisions, so the seeds are pairs.
"""

from __future__ import annotations

from benchmarks.equivalence import ratio_of_paired_means
from benchmarks.processes import ROOT
from benchmarks.rows import Row
from scaling import api

NAME = "precision"
STUDIES = ("precision_mnist", "precision_cifar10")
STORE = ROOT / "artifacts" / "published" / "store"
LOW, HIGH = 0.97, 1.03
FEWEST = 2


def measure(rounds: int) -> list[Row]:
    """One row a network; runs are not measured again, so ``rounds`` says nothing here."""
    return [row for study in STUDIES for row in _study(study)]


def _study(study: str) -> list[Row]:
    runs = api.load_results(ROOT / "configs" / f"{study}.yaml", api.Workspace(store=str(STORE))).runs
    errors: dict[tuple[str, int], dict[str, dict[int, float]]] = {}
    for run in runs.select(["architecture", "filters", "precision", "seed", "test_error"]).to_pylist():
        if run["test_error"] is not None:
            both = errors.setdefault((run["architecture"], run["filters"]), {"bf16": {}, "fp32": {}})
            both[run["precision"]][run["seed"]] = run["test_error"]
    rows = []
    for (architecture, filters), by in sorted(errors.items()):
        seeds = sorted(by["bf16"].keys() & by["fp32"].keys())
        if len(seeds) < FEWEST:
            continue
        ratio = ratio_of_paired_means(
            *([by[precision][seed] for seed in seeds] for precision in ("bf16", "fp32"))
        )
        verdict = "inside" if ratio.low >= LOW and ratio.high <= HIGH else "not shown to be inside"
        rows.append(
            Row(
                benchmark=NAME,
                case=f"{study.removeprefix('precision_')}, {architecture}, filters={filters}",
                quantity="mean test error, bf16 over fp32 (90 % interval)",
                unit="",
                value=ratio.estimate,
                low=ratio.low,
                high=ratio.high,
                rounds=1,
                note=f"{verdict} [{LOW}, {HIGH}]; {len(seeds)} seeds in both",
            )
        )
    return rows
