"""CPUs and memory that this process may use."""

from __future__ import annotations

import builtins
import io
import os
import subprocess
import sys

import pytest

from scaling.plan import machine, speed_file

_CPU_MAX = "/sys/fs/cgroup/cpu.max"
"""File with the CPU quota and the period of a container, both in microseconds."""


def test_the_memory_limit_of_a_container_counts(monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "_CGROUP_MEMORY_MAX", tmp_path / "memory.max")
    unlimited = machine.usable_memory()
    machine._CGROUP_MEMORY_MAX.write_text(f"{2**20}\n")
    assert machine.usable_memory() == pytest.approx(machine._MEMORY_SHARE * 2**20)
    machine._CGROUP_MEMORY_MAX.write_text("max\n")
    assert machine.usable_memory() == unlimited


@pytest.fixture
def eight_cpus(monkeypatch):
    """Simulate a machine of eight CPUs, all of which this process may use."""
    monkeypatch.delenv("LOKY_MAX_CPU_COUNT", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(8)), raising=False)


@pytest.fixture
def set_quota(monkeypatch):
    """Return a function that simulates the content of a container's CPU quota."""
    really_open, really_exists = builtins.open, os.path.exists

    def set_content(content: str) -> None:
        def fake_open(path, *arguments, **options):
            return io.StringIO(content) if path == _CPU_MAX else really_open(path, *arguments, **options)

        monkeypatch.setattr(builtins, "open", fake_open)
        monkeypatch.setattr(os.path, "exists", lambda path: path == _CPU_MAX or really_exists(path))

    return set_content


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system has no affinity masks")
def test_the_affinity_mask_counts():
    """A process that may use one CPU, as under ``taskset``, counts one CPU on any machine."""
    program = (
        "import os\n"
        "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "from scaling.plan.machine import cpu_count\n"
        "print(cpu_count())"
    )
    environment = {name: value for name, value in os.environ.items() if name != "LOKY_MAX_CPU_COUNT"}
    child = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert child.stdout == "1\n"


@pytest.mark.parametrize(
    ("content", "cpus"),
    [
        ("max 100000", 8),
        ("100000 100000", 1),
        ("250000 100000", 3),
        ("50000 100000", 1),
        ("1600000 100000", 8),
    ],
)
@pytest.mark.usefixtures("eight_cpus")
def test_the_cpu_quota_of_a_container_counts(set_quota, content, cpus):
    """A quota of two and a half CPUs is rounded up to three."""
    set_quota(content)
    assert machine.cpu_count() == cpus


@pytest.mark.usefixtures("eight_cpus")
def test_the_file_of_the_speed_does_not_depend_on_the_usable_cpus(set_quota):
    set_quota("max 100000")
    path = speed_file.speed_path()
    set_quota("100000 100000")
    assert speed_file.speed_path() == path
