"""Capacity of a Ray cluster, and the errors before a sweep."""

from __future__ import annotations

import pytest

from scaling.errors import UsageError
from scaling.sweep.ray_cluster import Node, check_head, cluster_capacity, node_capacity


def node(cpus: float, gpus: float = 0.0) -> Node:
    return Node(id="a", address="10.0.0.1", cpus=cpus, gpus=gpus)


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


def test_capacity_of_a_cluster_is_the_sum_of_its_nodes():
    assert cluster_capacity([node(4.0), node(2.0)], 0.0) == 6


def test_cluster_without_cores_is_refused():
    with pytest.raises(UsageError, match=r"^Ray has 0 cores, and a pack needs one"):
        cluster_capacity([node(0.0)], 0.0)


def test_address_at_which_nothing_listens_is_refused():
    with pytest.raises(
        UsageError,
        match=r"^address: 127\.0\.0\.1:1: no Ray cluster answers .*start one with: ray start --head",
    ):
        check_head("127.0.0.1:1")
