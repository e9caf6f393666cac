"""Checks of a Ray cluster before a sweep: its head answers, a trial has room, and all nodes see the store."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, inf

import ray
from ray._raylet import AuthenticationTokenLoader, GcsClient  # type: ignore[attr-defined]
from ray.exceptions import AuthenticationError, RayError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from scaling.errors import StoreError, UsageError
from scaling.plan import Pack
from scaling.plan.memory import GIB, worker_bytes
from scaling.store import open_store, probe_is_visible, write_probe
from scaling.sweep.worker_config import first_line

_CONNECT_TIMEOUT_S = 10.0
_MEMORY_STEP = GIB // 2
"""Memory is requested in multiples of this, so that the next trial of a worker mostly requests the same."""


def is_host_and_port(address: str) -> bool:
    """Return True for the address of a head, which is not a word such as ``auto`` or a URL."""
    host, _, port = address.rpartition(":")
    return bool(host) and port.isascii() and port.isdecimal() and "/" not in host


def connect(address: str) -> None:
    """Connect to ``host:port`` and hang up.

    Raises:
        OSError: nothing listens at the address.
    """
    host, _, port = address.rpartition(":")
    socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_TIMEOUT_S).close()


def check_head(address: str) -> None:
    """Check that the head of a cluster answers at ``host:port``, and accepts this machine's token.

    Ray itself would try for minutes, and give no reason.

    Raises:
        UsageError: no head answers, or it demands another token.
    """
    try:
        connect(address)
        GcsClient(address=address)
    except AuthenticationError as error:
        raise UsageError(f"{address}: {token_problem()}", option="address") from error
    except (OSError, RayError, ValueError) as error:  # the last one if the host is no name
        reason = getattr(error, "strerror", None) or first_line(error)
        raise UsageError(
            f"{address}: no Ray cluster answers ({reason}); start one with: ray start --head",
            option="address",
        ) from error


def has_token() -> bool:
    """Return True if Ray finds a token in the environment or in the home folder.

    Raises:
        UsageError: the environment names a file without a token.
    """
    try:
        return bool(AuthenticationTokenLoader.instance().has_token(ignore_auth_mode=True))
    except AuthenticationError as error:
        raise UsageError(f"Ray's token cannot be read: {first_line(error)}") from error


def shows_token() -> bool:
    """Return True if this process shows a token to clusters."""
    return os.environ.get("RAY_AUTH_MODE") == "token" and has_token()


def token_problem() -> str:
    """Return what is wrong with the token that a cluster has refused, and what to do."""
    demanded = "a token"
    if shows_token():
        sources = [name for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH") if name in os.environ]
        demanded = f"another token than that of {sources[0] if sources else '~/.ray/auth_token'}"
    return (
        f"this Ray cluster demands {demanded}; copy ~/.ray/auth_token from its head to this machine, or set"
        " RAY_AUTH_TOKEN_PATH to a copy"
    )


@dataclass(frozen=True, kw_only=True)
class Node:
    """One machine of a Ray cluster."""

    id: str
    address: str
    cpus: float
    gpus: float
    memory_bytes: float
    """Memory that Ray gives to trials; the rest is for the system and for shared data."""


def live_nodes() -> list[Node]:
    """Return the nodes of the cluster that are alive."""
    return [
        Node(
            id=node["NodeID"],
            address=node["NodeManagerAddress"],
            cpus=node["Resources"].get("CPU", 0.0),
            gpus=node["Resources"].get("GPU", 0.0),
            memory_bytes=node["Resources"].get("memory", 0.0),
        )
        for node in ray.nodes()  # type: ignore[no-untyped-call]
        if node["Alive"]
    ]


def cluster_capacity(nodes: Sequence[Node], gpus: float) -> int:
    """Return the number of trials that fit at once on the nodes.

    Args:
        nodes: nodes of the cluster.
        gpus: GPUs for a trial: a fraction of one GPU, or a whole number.

    Raises:
        UsageError: no node has room for a trial. Ray itself would wait forever for such a node.
    """
    capacity = sum(node_capacity(node, gpus) for node in nodes)
    if capacity:
        return capacity
    cpu_total, gpu_total = sum(node.cpus for node in nodes), sum(node.gpus for node in nodes)
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


def node_capacity(node: Node, gpus: float) -> int:
    """Return the number of trials that fit at once on a node.

    Args:
        node: node of the cluster.
        gpus: GPUs for a trial: a fraction of one GPU, or a whole number.
    """
    if not gpus:
        gpu_capacity = inf
    elif gpus <= 1:  # a trial never spans two GPUs
        gpu_capacity = int(node.gpus) * int(1 / gpus)
    else:
        gpu_capacity = int(node.gpus / gpus)
    return int(min(node.cpus, gpu_capacity))


def memory_request(pack: Pack) -> int:
    """Return the bytes that a trial with a pack requests from Ray."""
    return ceil(worker_bytes(pack) / _MEMORY_STEP) * _MEMORY_STEP


def check_memory(packs: Sequence[Pack], nodes: Sequence[Node], gpus: float) -> None:
    """Check that a node has the memory for each pack. Ray itself would wait forever for such a node.

    Args:
        packs: packs to train.
        nodes: nodes of the cluster.
        gpus: GPUs for a trial.

    Raises:
        UsageError: a pack needs more memory than any node has.
    """
    largest = max(packs, key=worker_bytes)
    most = max(node.memory_bytes for node in nodes if node_capacity(node, gpus))
    if memory_request(largest) > most:
        raise UsageError(
            f"{largest.label}: needs {memory_request(largest) / GIB:.1f} GiB of memory, and Ray has at most"
            f" {most / GIB:.1f} on a node; add a larger node, or train fewer filters"
        )


def check_store_visible(store: str, nodes: Sequence[Node]) -> None:
    """Check that all nodes see the same store; the results of the other nodes would be lost.

    A node that leaves meanwhile is not checked.

    Raises:
        StoreError: a node does not see the store.
    """
    name = write_probe(open_store(store))

    @ray.remote(num_cpus=0)
    def sees_probe(uri: str) -> bool:
        return probe_is_visible(open_store(uri), name)

    for node in nodes:
        strategy = NodeAffinitySchedulingStrategy(node.id, soft=False)
        try:
            is_visible = ray.get(sees_probe.options(scheduling_strategy=strategy).remote(store))
        except StoreError as error:  # such as credentials that the node does not have
            raise StoreError(f"node {node.address}: {error.problem}", option="store") from None
        except RayTaskError:  # an error in the task
            raise
        except RayError:  # the node has left the cluster
            continue
        if not is_visible:
            raise StoreError(
                f"{store}: node {node.address} does not see this store;"
                " choose a folder that all nodes share, or an object store such as s3://bucket/path",
                option="store",
            )
