"""The file of results: a benchmark replaces its own measurements, and the environment is recorded."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest

from benchmarks.results_file import (
    RESULTS_FILE,
    Cpu,
    describe_environment,
    labelled_measurements,
    parse_cpu,
    read_results,
    replace_result,
    write_results,
)
from tests.benchmarks.planted_results import ENVIRONMENT, measurement


def test_benchmark_replaces_its_own_measurements_only(tmp_path):
    file = tmp_path / "folder" / "benchmarks.json"
    assert read_results(file) == {}
    outdated = [measurement("steps"), measurement("steps", "outdated")]
    results = replace_result({}, "steps", measurements=outdated, environment=ENVIRONMENT)
    results = replace_result(results, "sweeps", measurements=[measurement()], environment=ENVIRONMENT)
    later = replace(ENVIRONMENT, date="2026-02-03")
    current = [measurement("steps", value=2.0)]
    write_results(replace_result(results, "steps", measurements=current, environment=later), file)
    stored = read_results(file)
    assert list(labelled_measurements(stored)) == [
        ("Anything", measurement("steps", value=2.0)),
        ("Anything", measurement()),
    ]
    environments = [stored[benchmark, "Anything"].environment for benchmark in ("steps", "sweeps")]
    assert environments == [later, ENVIRONMENT]


def test_results_of_another_processor_are_kept():
    processor = replace(ENVIRONMENT.cpu, model="Intel(R) Xeon(R) Processor", amx=True)
    results = replace_result({}, "steps", measurements=[measurement("steps")], environment=ENVIRONMENT)
    other = measurement("steps", value=2.0)
    results = replace_result(
        results, "steps", measurements=[other], environment=replace(ENVIRONMENT, cpu=processor)
    )
    assert list(labelled_measurements(results)) == [
        ("Anything", measurement("steps")),
        ("Intel Xeon, AMX", other),
    ]


def test_measurements_of_another_benchmark_are_refused():
    with pytest.raises(ValueError, match="sweeps: got measurements of steps"):
        replace_result({}, "sweeps", measurements=[measurement("steps")], environment=ENVIRONMENT)


def test_published_results_can_be_read_and_written_unchanged(tmp_path):
    write_results(read_results(), tmp_path / "copy.json")
    assert (tmp_path / "copy.json").read_bytes() == RESULTS_FILE.read_bytes()


def test_environment_describes_machine_and_code():
    environment = describe_environment()
    assert environment.versions["torch"]
    json.dumps(asdict(environment))


def test_processor_is_described_by_its_numbers():
    text = (
        "processor\t: 0\nvendor_id\t: V\ncpu family\t: 25\nmodel\t\t: 17\nmodel name\t: Some CPU\n"
        "flags\t\t: fpu avx512_bf16 x\n"
    )
    assert parse_cpu(text) == Cpu(model="Some CPU", vendor="V", family="25", model_number="17", bf16=True)
    assert parse_cpu(text.replace("x\n", "amx_bf16 x\n")).amx
    unknown = dict.fromkeys(("model", "vendor", "family", "model_number"), "unknown")
    assert parse_cpu("") == Cpu(**unknown, bf16=False)
