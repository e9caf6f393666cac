"""``scaling submit`` against a cluster of two machines, of which one leaves and joins; and Slurm's template.

    pip install '.[cluster]'
    pytest -m slow -s tests/sweep/test_submit_cluster.py

The machines are namespaces of this one. There is no Slurm: a stand-in for ``srun``, with Slurm's variables
set, runs its command once on each machine.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scaling.store import open_store
from scaling.temporary_folder import temporary_folder
from tests.sweep.two_machines import FIRST, ROOT, are_permitted, run_on_two_machines

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not are_permitted(), reason="this machine permits no namespaces"),
]
STUDY = """\
study: tiny
dataset: {type: synthetic, size: 200, test_size: 100, side: 16}
architectures: [{type: lenet5, filters: [1, 2]}]
recipe: {epochs: 1, batch_size: 50, learning_rate: 0.05, precision: fp32}
seeds: 2
"""
START = f"""\
export RAY_AUTH_MODE=token
ray get-auth-token --generate > /dev/null
$ON_FIRST ray start --head --num-cpus 0 --disable-usage-stats > /dev/null
join() {{ $ON_SECOND ray start --address {FIRST}:6379 --num-cpus 1 --disable-usage-stats > /dev/null; }}
join
"""
SUBMIT = """
code=0
scaling submit study.yaml --store "$STORE" --set seeds=0 || code=$?
echo "exit code $code"

echo "the second machine leaves and joins"
scaling submit study.yaml --store "$STORE" --set 'architectures[0].filters=[1,2,3,4,5,6]' &
submitted=$!
until ls "$STORE"/runs/*.parquet > /dev/null 2>&1; do sleep 0.1; done
$ON_SECOND pkill -9 raylet
join
code=0
wait "$submitted" || code=$?
echo "exit code $code"

echo "Ctrl+C"
python - <<'END'
import os, signal, subprocess
words = ["scaling", "submit", "study.yaml", "--store", os.environ["STORE"], "--set", "seeds=1000"]
with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
    for line in process.stdout:
        print(line, end="")
        if line.startswith("Running entrypoint"):
            process.send_signal(signal.SIGINT)
print("exit code", process.returncode)
END
"""
SRUN = """\
#!/bin/bash
# Runs a command on both machines, as srun would with one task for each.
while [[ $1 == --* ]]; do shift; done
SLURM_PROCID=1 SLURM_NODEID=1 $ON_SECOND "$@" &
code=0
SLURM_PROCID=0 SLURM_NODEID=0 $ON_FIRST "$@" || code=$?
wait
exit $code
"""


@pytest.fixture
def study(tmp_path) -> Path:
    file = tmp_path / "study.yaml"
    file.write_text(STUDY)
    return file


def test_submit_trains_on_the_second_machine_and_returns_the_exit_code(study, tmp_path):
    """The head has no cores: every run is trained on the second machine."""
    pytest.importorskip("aiohttp_cors", reason="the head needs ray[default]")
    with temporary_folder() as folder:
        result = run_on_two_machines(
            START + SUBMIT, folder=folder, variables={"STORE": str(tmp_path / "store")}, cwd=tmp_path
        )
    print(result.output)
    assert result.code == 0
    assert re.findall(r"exit code (\d+)", result.output) == ["2", "0", "130"]
    assert "seeds: expected a number >= 1, got 0" in result.output
    assert "tiny: 12 runs trained" in result.output
    assert "the job goes on; follow it with: RAY_AUTH_MODE=token ray job logs --follow" in result.output
    assert len(open_store(tmp_path / "store").ids()) >= 12


def test_template_for_slurm_trains_on_both_machines(study, tmp_path):
    template = (ROOT / "examples/cluster/slurm.sh").read_text()
    store, env = tmp_path / "store", tmp_path / "env"
    for start, value in {"study": "study.yaml", "folder that": store, "folder of": env}.items():
        template = re.sub(rf"<{start}[^>]*>", str(value), template)
    (env / "bin").mkdir(parents=True)
    (env / "bin/activate").write_text(f"PATH={env}/bin:$PATH")
    (env / "bin/srun").write_text(SRUN)
    (env / "bin/srun").chmod(0o755)
    variables = {
        "SLURM_JOB_ID": "7",
        "SLURM_JOB_NAME": "scaling",
        "SLURM_JOB_NODELIST": "node[0-1]",
        "SLURM_JOB_NUM_NODES": "2",
        "SLURM_NNODES": "2",
        "SLURM_NTASKS": "2",
        "SLURM_CPUS_ON_NODE": "1",
        "SLURM_SUBMIT_DIR": str(tmp_path),
    }
    with temporary_folder() as folder:
        result = run_on_two_machines(template, folder=folder, variables=variables, cwd=tmp_path)
    print(result.output)
    assert result.code == 0
    assert result.output.count("On head node.") == result.output.count("On worker node.") == 1
    assert "tiny: 4 runs trained" in result.output
    assert len(open_store(store).ids()) == 4
