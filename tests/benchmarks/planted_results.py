"""Planted measurements and their environment."""

from __future__ import annotations

from benchmarks.measurement import Measurement
from benchmarks.results_file import Cpu, Environment

ENVIRONMENT = Environment(
    cpu=Cpu(model="Anything", vendor="V", family="25", model_number="17", bf16=True),
    cores=2,
    vector_instructions="AVX512",
    versions={"torch": "2.14.1"},
    commit="c0ffee" * 6,
    dirty=False,
    date="2026-01-02",
)


def measurement(
    benchmark: str = "sweeps",
    quantity: str = "runs per hour relative to the peer",
    value: float = 8.0,
    **fields: object,
) -> Measurement:
    defaults = {"case": "mnist", "unit": "", "low": 7.5, "high": 9.0, "rounds": 3}
    return Measurement(benchmark=benchmark, quantity=quantity, value=value, **defaults | fields)
