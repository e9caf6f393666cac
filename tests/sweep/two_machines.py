"""Two machines on this one, with processes, network interfaces and ports of their own: namespaces of Linux.

Other programs on this machine, clusters of Ray among them, are not seen there. At the end of the script the
operating system kills all processes of both machines.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FIRST = "10.99.0.1"
"""Address of the first machine, whose network the script has as well."""
_UNSHARE = ("unshare", "-r", "--net", "--pid", "--mount-proc", "--fork", "--kill-child")
_SETUP = f"""\
set -euo pipefail
unshare --pid --fork --mount-proc sleep infinity &
until first=$(pgrep -P $!); do :; done
unshare --net --pid --fork --mount-proc sleep infinity &
until second=$(pgrep -P $!); do :; done
export ON_FIRST="nsenter --target $first --pid --mount --wd=$PWD"
export ON_SECOND="nsenter --target $second --net --pid --mount --wd=$PWD"
$ON_SECOND mount -t tmpfs tmpfs "$RAY_TMPDIR"
ip link set lo up
ip link add node0 type veth peer name node1 netns "$second"
ip address add {FIRST}/24 dev node0
ip link set node0 up
ip route add default dev node0
$ON_SECOND ip link set lo up
$ON_SECOND ip address add 10.99.0.2/24 dev node1
$ON_SECOND ip link set node1 up
$ON_SECOND ip route add default dev node1
"""


@dataclass(frozen=True)
class Result:
    """Exit code of a script, and what its commands printed to stdout and stderr."""

    code: int
    output: str


def are_permitted() -> bool:
    """Return True if this machine permits such namespaces."""
    if not shutil.which("unshare"):
        return False
    return subprocess.run([*_UNSHARE, "true"], capture_output=True).returncode == 0


def run_on_two_machines(script: str, *, folder: Path, variables: Mapping[str, str], cwd: Path) -> Result:
    """Run a script for bash, which starts commands on the machines.

    Args:
        script: the script; a command after ``$ON_FIRST`` or ``$ON_SECOND`` runs on that machine.
        folder: folder with a short path for Ray's files.
        variables: environment variables.
        cwd: working folder, and home folder, of both machines.
    """
    environment = {
        "HOME": str(cwd),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))),
        "RAY_TMPDIR": str(folder),
        "RAY_worker_niceness": "0",  # a busy machine would not run Ray's workers for minutes
    }
    with (cwd / "output.txt").open("w+") as file:
        code = subprocess.run(
            [*_UNSHARE, "bash", "-c", _SETUP + script],
            env=os.environ | environment | variables,
            cwd=cwd,
            stdout=file,
            stderr=subprocess.STDOUT,
        ).returncode
        file.seek(0)
        return Result(code, file.read())
