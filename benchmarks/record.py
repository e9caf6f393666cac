"""The file of all results: of each benchmark its rows, and what made them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.processes import ROOT
from benchmarks.rows import Row
from scaling.store import collect_provenance

FILE = ROOT / "artifacts" / "published" / "benchmarks" / "benchmarks.json"
CPUINFO = Path("/proc/cpuinfo")

Record = dict[str, dict[str, Any]]
"""By benchmark: ``maker``, and ``rows``."""


def read(file: Path = FILE) -> Record:
    """What has been measured; nothing where there is no file."""
    return json.loads(file.read_text()) if file.exists() else {}


def merged(record: Record, benchmark: str, rows: Sequence[Row], maker: Mapping[str, Any]) -> Record:
    """The record with a benchmark's rows replaced, all of them, and their maker's with them."""
    strangers = {row.benchmark for row in rows} - {benchmark}
    if strangers:
        raise ValueError(f"rows of {sorted(strangers)} among those of {benchmark}")
    return {**record, benchmark: {"maker": dict(maker), "rows": [row.to_dict() for row in rows]}}


def write(record: Record, file: Path = FILE) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(record, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


def rows(record: Record) -> Iterator[Row]:
    return (
        Row(benchmark=benchmark, **row) for benchmark, measured in record.items() for row in measured["rows"]
    )


def maker() -> dict[str, Any]:
    """This machine and this code."""
    import torch

    known = collect_provenance()
    return {
        "cpu": _cpu(CPUINFO.read_text() if CPUINFO.exists() else ""),
        "cores": os.cpu_count(),
        "vector_instructions": torch.backends.cpu.get_cpu_capability(),
        "versions": json.loads(str(known["versions"])),
        "commit": known["commit"],
        "dirty": known["dirty"],
        "date": datetime.now(UTC).date().isoformat(),
    }


def _cpu(text: str) -> dict[str, Any]:
    """Of Linux's /proc/cpuinfo. Virtual machines often name no model, so the numbers that tell the generation are kept with the name."""
    info = dict(re.findall(r"^([\w ]+?)\s*: (.*)$", text, flags=re.MULTILINE))
    return {
        "model": info.get("model name", "unknown"),
        "vendor": info.get("vendor_id", "unknown"),
        "family": info.get("cpu family", "unknown"),
        "model_number": info.get("model", "unknown"),
        "bf16": "avx512_bf16" in info.get("flags", "").split(),
    }
