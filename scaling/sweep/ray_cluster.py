"""Checks of a Ray cluster before a sweep: that it answers, has room for a trial, and sees the store."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from math import inf
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from scaling.errors import StoreError, UsageError
from scaling.store import open_store, probe_is_visible, write_probe

_CONNECT_TIMEOUT_S = 10.0


def no_cluster_error(address: str, reason: str) -> UsageError:
    """Return the error for an address at which no cluster answers."""
    return UsageError(
        f"{address}: no Ray cluster answers ({reason}); start one with: ray start --head", option="address"
    )


def check_address(address: str) -> None:
    """Check that a server listens at ``host:port``; Ray itself would try for minutes.

    Raises:
        UsageError: nothing listens at the address.
    """
    host, _, port = address.rpartition(":")
    if host and port.isdigit() and "/" not in host:
        try:
            socket.create_connection((host, int(port)), timeout=_CONNECT_TIMEOUT_S).close()
        except OSError as error:
            raise no_cluster_error(address, error.strerror or str(error)) from error


def live_nodes() -> list[dict[str, Any]]:
    """Return the nodes of the cluster that are alive, as Ray describes them."""
    return [node for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]


def cluster_capacity(nodes: Sequence[Mapping[str, Any]], gpus: float) -> int:
    """Return the number of trials that fit at once on the nodes.

    Args:
        nodes: nodes as ``live_nodes`` returns them.
        gpus: GPUs for a trial: a fraction of one GPU, or a whole number.

    Raises:
        UsageError: no node has room for a trial. Ray itself would wait forever for such a node.
    """
    capacity = sum(node_capacity(node["Resources"], gpus) for node in nodes)
    if capacity:
        return capacity
    cpu_total, gpu_total = (sum(node["Resources"].get(kind, 0) for node in nodes) for kind in ("CPU", "GPU"))
    if gpus:
        raise UsageError(
            f"resources.gpus: no node has {gpus:g} free GPUs and one core for a pack"
            f" (Ray has {gpu_total:g} GPUs and {cpu_total:g} cores in all); set resources.gpus to 0,"
            " or name another cluster with `address`"
        )
    raise UsageError(
        f"Ray has {cpu_total:g} cores, and a pack needs one: start its nodes with num-cpus of at least 1,"
        " or train without Ray with `in_process`"
    )


def node_capacity(resources: Mapping[str, float], gpus: float) -> int:
    """Return the number of trials that fit at once on a node.

    Args:
        resources: resources of the node, by Ray's names.
        gpus: GPUs for a trial: a fraction of one GPU, or a whole number.
    """
    if not gpus:
        gpu_capacity = inf
    elif gpus <= 1:  # a trial never spans two GPUs
        gpu_capacity = int(resources.get("GPU", 0)) * int(1 / gpus)
    else:
        gpu_capacity = int(resources.get("GPU", 0) / gpus)
    return int(min(resources.get("CPU", 0), gpu_capacity))


def check_store_visible(store: str, nodes: Sequence[Mapping[str, Any]]) -> None:
    """Check that all nodes see the same store; the results of the other nodes would be lost.

    Raises:
        StoreError: a node does not see the store.
    """
    name = write_probe(open_store(store))

    @ray.remote(num_cpus=0)
    def sees_probe(uri: str) -> bool:
        return probe_is_visible(open_store(uri), name)

    for node in nodes:
        strategy = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        if not ray.get(sees_probe.options(scheduling_strategy=strategy).remote(store)):
            raise StoreError(
                f"{store}: node {node['NodeManagerAddress']} does not see this store;"
                " choose a folder that all nodes share, or an object store such as s3://bucket/path",
                option="store",
            )
