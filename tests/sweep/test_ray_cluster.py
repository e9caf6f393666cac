"""Capacity of a Ray cluster, and the errors before a sweep."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ray.exceptions import NodeDiedError, TaskUnschedulableError, WorkerCrashedError

from scaling.errors import StoreError, UsageError
from scaling.plan.memory import GIB, worker_bytes
from scaling.sweep import ray_cluster
from scaling.sweep.ray_cluster import (
    Node,
    check_head,
    check_memory,
    cluster_capacity,
    is_host_and_port,
    memory_request,
    node_capacity,
)
from tests.sweep.planted_training import packs


def node(cpus: float, gpus: float = 0.0, memory_gib: float = 8.0) -> Node:
    return Node(id="a", address="10.0.0.1", cpus=cpus, gpus=gpus, memory_bytes=memory_gib * GIB)


@pytest.mark.parametrize(
    ("machine", "gpus", "trials"),
    [
        (node(4.0), 0.0, 4),
        (node(0.0), 0.0, 0),
        (node(8.0, 1.0), 0.25, 4),
        (node(2.0, 1.0), 0.25, 2),
        (node(8.0, 2.0), 0.4, 4),  # two on each GPU: no trial spans two GPUs
        (node(8.0, 3.0), 2.0, 1),
        (node(8.0), 0.25, 0),
    ],
)
def test_capacity_of_a_node(machine, gpus, trials):
    assert node_capacity(machine, gpus) == trials


class Task:
    """Task of Ray whose answers are planted: values, or errors."""

    def __init__(self, *answers):
        self.answers = iter(answers)

    def options(self, **_):
        return self

    def remote(self, uri):
        return self

    def get(self, task):
        answer = next(self.answers)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def plant_answers(monkeypatch):
    def plant(*answers):
        task = Task(*answers)
        monkeypatch.setattr(ray_cluster.ray, "remote", lambda **_: lambda function: task)
        monkeypatch.setattr(ray_cluster.ray, "get", task.get)

    return plant


def test_node_that_leaves_before_it_is_asked_is_not_checked(plant_answers, tmp_path):
    gone = [TaskUnschedulableError("gone"), NodeDiedError("gone"), WorkerCrashedError()]
    nodes = [replace(node(4.0), id="0" * 56)] * 4
    plant_answers(*gone, True)
    ray_cluster.check_store_visible(str(tmp_path), nodes)
    plant_answers(*gone, False)
    with pytest.raises(StoreError, match="does not see this store"):
        ray_cluster.check_store_visible(str(tmp_path), nodes)


def test_node_that_cannot_open_the_store_is_named(plant_answers, tmp_path):
    """Its environment may lack the credentials of an object store."""
    plant_answers(StoreError("s3://bucket: no credentials", option="store"))
    with pytest.raises(StoreError, match=r"^store: node 10\.0\.0\.1: s3://bucket: no credentials$"):
        ray_cluster.check_store_visible(str(tmp_path), [replace(node(4.0), id="0" * 56)])


def test_capacity_of_a_cluster_is_the_sum_of_its_nodes():
    assert cluster_capacity([node(4.0), node(2.0)], 0.0) == 6


def test_cluster_without_cores_is_refused():
    with pytest.raises(UsageError, match=r"^Ray has 0 cores, and a pack needs one"):
        cluster_capacity([node(0.0)], 0.0)


def test_memory_request_is_the_estimate_rounded_up_to_half_a_gibibyte():
    for pack in packs(1, 2):
        assert 0 <= memory_request(pack) - worker_bytes(pack) < GIB / 2
        assert memory_request(pack) % (GIB / 2) == 0


def test_pack_that_fits_into_the_memory_of_no_node_with_cores_is_refused():
    (pack,) = packs(1)
    needed = memory_request(pack) / GIB
    nodes = [node(2.0, memory_gib=needed / 2), node(0.0, memory_gib=64)]
    check_memory([pack], [*nodes, node(1.0, memory_gib=needed)], 0.0)
    with pytest.raises(
        UsageError,
        match=rf"^{pack.label}: needs {needed:.1f} GiB of memory, and Ray has at most",
    ):
        check_memory([pack], nodes, 0.0)


def test_address_at_which_nothing_listens_is_refused():
    with pytest.raises(
        UsageError,
        match=r"^address: 127\.0\.0\.1:1: no Ray cluster answers .*start one with: ray start --head",
    ):
        check_head("127.0.0.1:1")


@pytest.mark.parametrize("address", [".cluster:6379", f"{'a' * 70}.b:6379"])
def test_a_host_that_is_no_name_is_no_cluster(address):
    """Such an address is that of an unset variable: $HEAD.cluster:6379."""
    with pytest.raises(UsageError, match=f"{address}: no Ray cluster answers"):
        check_head(address)


@pytest.mark.parametrize(
    "address", ["127.0.0.1:\N{SUPERSCRIPT TWO}", "127.0.0.1:", ":6379", "auto", "http://a:1"]
)
def test_what_is_no_host_and_port(address):
    assert not is_host_and_port(address)
