"""Whether bf16 errs as fp32 does: the ratio of mean test errors at the ends of the studies, with its 90 % interval, from published runs.

Trains nothing. The runs are those of ``scaling run configs/precision_mnist.yaml`` and ``configs/precision_cifar10.yaml``, merged into the
published store; networks of which either precision has too few are left out.
"""

from __future__ import annotations

from scaling import api
from tests.benchmarks.equivalence import ratio_of_means
from tests.benchmarks.processes import ROOT
from tests.benchmarks.rows import Row

NAME = "precision"
STUDIES = ("precision_mnist", "precision_cifar10")
STORE = ROOT / "artifacts" / "published" / "store"
LOW, HIGH = 0.97, 1.03
FEWEST = 2


def measure(rounds: int) -> list[Row]:
    """One row a network; runs are not measured again, so ``rounds`` says nothing here."""
    return [row for study in STUDIES for row in _study(study)]


def _study(study: str) -> list[Row]:
    _, runs = api.results(ROOT / "configs" / f"{study}.yaml", api.Settings(store=str(STORE)))
    errors: dict[tuple[str, int], dict[str, list[float]]] = {}
    columns = runs.select(["architecture", "filters", "precision", "test_error"]).to_pylist()
    for run in columns:
        if run["test_error"] is not None:
            both = errors.setdefault((run["architecture"], run["filters"]), {"bf16": [], "fp32": []})
            both[run["precision"]].append(run["test_error"])
    rows = []
    for (architecture, filters), by in sorted(errors.items()):
        counts = [len(by["bf16"]), len(by["fp32"])]
        if min(counts) < FEWEST:
            continue
        ratio = ratio_of_means(by["bf16"], by["fp32"])
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
                note=f"{verdict} [{LOW}, {HIGH}]; {counts[0]} and {counts[1]} runs",
            )
        )
    return rows
