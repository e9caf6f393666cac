"""CPUs and memory that this process may use."""

from __future__ import annotations

import pytest

from scaling.plan import machine


def test_the_memory_limit_of_a_container_counts(monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "_CGROUP_MEMORY_MAX", tmp_path / "memory.max")
    unlimited = machine.usable_memory()
    machine._CGROUP_MEMORY_MAX.write_text(f"{2**20}\n")
    assert machine.usable_memory() == pytest.approx(machine._MEMORY_SHARE * 2**20)
    machine._CGROUP_MEMORY_MAX.write_text("max\n")
    assert machine.usable_memory() == unlimited
