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


Results = dict[str, BenchmarkResult]
"""Results by the name of the benchmark."""


def read_results(file: Path = RESULTS_FILE) -> Results:
    """Return all results; empty if there is no file."""
    content = json.loads(file.read_text()) if file.exists() else {}
    return {
        benchmark: BenchmarkResult(
            environment=Environment(**result["environment"] | {"cpu": Cpu(**result["environment"]["cpu"])}),
            measurements=tuple(
                Measurement(benchmark=benchmark, **fields) for fields in result["measurements"]
            ),
        )
        for benchmark, result in content.items()
    }


def write_results(results: Results, file: Path = RESULTS_FILE) -> None:
    content = {
        benchmark: {
            "environment": result.environment.to_dict(),
            "measurements": [measurement.to_dict() for measurement in result.measurements],
        }
        for benchmark, result in results.items()
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


def replace_result(
    results: Results, benchmark: str, *, measurements: Sequence[Measurement], environment: Environment
) -> Results:
    """Return the results with all measurements of one benchmark replaced.

    Raises:
        ValueError: a measurement belongs to another benchmark.
    """
    if others := {measurement.benchmark for measurement in measurements} - {benchmark}:
        raise ValueError(f"{benchmark}: got measurements of {', '.join(sorted(others))}")
    result = BenchmarkResult(environment=environment, measurements=tuple(measurements))
    return {**results, benchmark: result}


def all_measurements(results: Results) -> Iterator[Measurement]:
    return (measurement for result in results.values() for measurement in result.measurements)


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
    info: dict[str, Any] = dict(re.findall(r"^([\w ]+?)\s*: (.*)$", text, flags=re.MULTILINE))
    return Cpu(
        model=info.get("model name", "unknown"),
        vendor=info.get("vendor_id", "unknown"),
        family=info.get("cpu family", "unknown"),
        model_number=info.get("model", "unknown"),
        bf16="avx512_bf16" in info.get("flags", "").split(),
    )
