"""The file of all results: the measurements of each benchmark, and the environment that produced them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.commands import ROOT
from benchmarks.measurement import Measurement
from scaling.store import collect_provenance

RESULTS_FILE = ROOT / "artifacts" / "published" / "benchmarks" / "benchmarks.json"
_CPUINFO = Path("/proc/cpuinfo")


@dataclass(frozen=True, kw_only=True)
class Cpu:
    """Processor of a machine; its numbers are kept because virtual machines often hide its name."""

    model: str
    vendor: str
    family: str
    model_number: str
    bf16: bool
    """True if the processor has bf16 instructions."""
    amx: bool = False
    """True if the processor has instructions for products of whole matrices."""

    @property
    def label(self) -> str:
        """Short name in tables."""
        name = " ".join(self.model.replace("(R)", "").replace("Processor", "").split())
        return f"{name}, AMX" if self.amx else name


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Machine, code and date of a benchmark."""

    cpu: Cpu
    cores: int | None
    vector_instructions: str
    versions: dict[str, str | None]
    """Versions of Python and of the libraries."""
    commit: str | None
    dirty: bool | None
    date: str
    """Date in ISO format."""
    gpu: str | None = None
    """Name of the GPU; None without one."""

    def to_dict(self) -> dict[str, Any]:
        """Return all fields except the GPU of a machine without one."""
        return {name: value for name, value in asdict(self).items() if name != "gpu" or value}


@dataclass(frozen=True, kw_only=True)
class BenchmarkResult:
    """Measurements of one benchmark, and the environment that produced them."""

    environment: Environment
    measurements: tuple[Measurement, ...]


Results = dict[tuple[str, str], BenchmarkResult]
"""Results by the name of the benchmark and the label of the processor."""


def read_results(file: Path = RESULTS_FILE) -> Results:
    """Return all results; empty if there is no file."""
    content = json.loads(file.read_text()) if file.exists() else {}
    return {
        (benchmark, processor): BenchmarkResult(
            environment=Environment(**result["environment"] | {"cpu": Cpu(**result["environment"]["cpu"])}),
            measurements=tuple(
                Measurement(benchmark=benchmark, **fields) for fields in result["measurements"]
            ),
        )
        for benchmark, of_benchmark in content.items()
        for processor, result in of_benchmark.items()
    }


def write_results(results: Results, file: Path = RESULTS_FILE) -> None:
    content: dict[str, dict[str, Any]] = {}
    for (benchmark, processor), result in results.items():
        content.setdefault(benchmark, {})[processor] = {
            "environment": result.environment.to_dict(),
            "measurements": [measurement.to_dict() for measurement in result.measurements],
        }
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


def replace_result(
    results: Results, benchmark: str, *, measurements: Sequence[Measurement], environment: Environment
) -> Results:
    """Return the results with all measurements of one benchmark on this processor replaced.

    Raises:
        ValueError: a measurement belongs to another benchmark.
    """
    if others := {measurement.benchmark for measurement in measurements} - {benchmark}:
        raise ValueError(f"{benchmark}: got measurements of {', '.join(sorted(others))}")
    result = BenchmarkResult(environment=environment, measurements=tuple(measurements))
    return {**results, (benchmark, environment.cpu.label): result}


def labelled_measurements(results: Results) -> Iterator[tuple[str, Measurement]]:
    """Yield all measurements, each behind the label of its processor."""
    return (
        (processor, measurement)
        for (_, processor), result in results.items()
        for measurement in result.measurements
    )


def describe_environment() -> Environment:
    """Return this machine, this code and today's date."""
    import torch

    provenance = collect_provenance()
    return Environment(
        cpu=parse_cpu(_CPUINFO.read_text() if _CPUINFO.exists() else ""),
        cores=os.cpu_count(),
        vector_instructions=torch.backends.cpu.get_cpu_capability(),
        versions=dict(provenance.versions),
        commit=provenance.commit,
        dirty=provenance.dirty,
        date=datetime.now(UTC).date().isoformat(),
        gpu=torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    )


def parse_cpu(text: str) -> Cpu:
    """Return the first processor of Linux's ``/proc/cpuinfo``."""
    info: dict[str, str] = dict(re.findall(r"^([\w ]+?)\s*: (.*)$", text, flags=re.MULTILINE))
    flags = info.get("flags", "").split()
    return Cpu(
        model=info.get("model name", "unknown"),
        vendor=info.get("vendor_id", "unknown"),
        family=info.get("cpu family", "unknown"),
        model_number=info.get("model", "unknown"),
        bf16="avx512_bf16" in flags,
        amx="amx_bf16" in flags,
    )
