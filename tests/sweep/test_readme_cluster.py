"""The commands for a cluster in README.md work, in a home folder with a token of Ray and in one without.

Both nodes are on this machine. The head listens on Ray's usual port, so that no other cluster may run here.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from scaling.store import open_store
from scaling.temporary_folder import temporary_folder

README = Path(__file__).parents[2] / "README.md"
STUDY = """\
study: tiny
dataset: {type: synthetic, size: 200, test_size: 100, side: 16}
architectures: [{type: lenet5, filters: [1, 2]}]
recipe: {epochs: 1, batch_size: 50, learning_rate: 0.05}
seeds: 2
"""


def cluster_commands() -> list[str]:
    """Return the commands of the section on clusters, without their comments."""
    (section,) = re.findall(r"^## On a cluster\n(.*?)^## ", README.read_text(), re.DOTALL | re.MULTILINE)
    return [line.split("#")[0].strip() for line in section.splitlines() if line.startswith("    ")]


def kill_processes(folder: Path) -> None:
    """Kill the processes of Ray that keep their files in a folder."""
    for process in psutil.process_iter():
        try:
            if process.environ().get("RAY_TMPDIR") == str(folder):
                process.kill()
        except psutil.Error:
            continue


@pytest.mark.slow
@pytest.mark.parametrize("has_token", [True, False], ids=["token", "no_token"])
def test_commands_of_the_readme_train_on_a_cluster(has_token, tmp_path):
    study, store = tmp_path / "tiny.yaml", tmp_path / "store"
    study.write_text(STUDY)
    if has_token:
        (tmp_path / ".ray").mkdir()
        (tmp_path / ".ray" / "auth_token").write_text("0" * 64)
    lines = [
        line.replace("HEAD", "127.0.0.1")
        .replace("configs/cifar10_filters.yaml", str(study))
        .replace("s3://bucket/studies", str(store))
        for line in cluster_commands()
    ]
    assert [line.split()[0] for line in lines] == ["export", "ray", "ray", "ray", "scaling"]
    with temporary_folder() as folder:
        variables = {
            "HOME": str(tmp_path),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(README.parent),
            "RAY_TMPDIR": str(folder),
        }
        options = {"env": os.environ | variables, "cwd": tmp_path, "check": True, "shell": True, "text": True}
        try:
            # The study starts in a shell of its own, where RAY_AUTH_MODE is not set.
            for script in ("\n".join(["set -e", *lines[:-1]]), lines[-1]):
                subprocess.run(script, **options)
        finally:
            kill_processes(folder)
    assert len(open_store(store).ids()) == 4
