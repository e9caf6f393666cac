"""Each template for a cluster satisfies the schema or the parser of its software; a misspelled one does not.

Slurm's template is run with stand-ins for ``srun``, ``hostname`` and ``python``; ``srun`` prints its words.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import pytest
from jsonschema import Draft7Validator, ValidationError
from ray.autoscaler._private.util import prepare_config, validate_config
from ruamel.yaml import YAML

from scaling.config import load_study

FOLDER = Path(__file__).parents[2] / "examples/cluster"
SCHEMAS = Path(__file__).parent / "schemas"
ACTIVATE = """\
python() { echo 0123abcd; }
hostname() { echo 10.0.0.1 10.1.0.1; }
srun() { printf '%s\\n' "$RAY_AUTH_MODE $RAY_AUTH_TOKEN" "$@"; }
"""


def documents(name: str) -> list[dict]:
    return list(YAML(typ="safe").load_all(FOLDER / name))


def schema(name: str) -> Draft7Validator:
    return Draft7Validator(YAML(typ="safe").load(SCHEMAS / name))


def misspelled(document: dict, *path: object) -> dict:
    """Return a copy of a document with one letter too many in a key."""
    copy = deepcopy(document)
    inner = copy
    for key in path[:-1]:
        inner = inner[key]
    inner[f"{path[-1]}x"] = inner.pop(path[-1])
    return copy


def test_slurm_runs_the_study_on_all_nodes_of_the_job(tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/activate").write_text(ACTIVATE)
    script = (FOLDER / "slurm.sh").read_text().replace("<folder of the environment>", str(tmp_path))
    variables = {"SLURM_JOB_ID": "7", "SLURM_JOB_NUM_NODES": "2", "SLURM_CPUS_ON_NODE": "16"}
    done = subprocess.run(["bash", "-c", script], env=variables, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    token, *words = done.stdout.splitlines()
    assert token == "token 0123abcd"
    address = "10.0.0.1:6379"
    pid_file = words[words.index("scaling") - 1]
    assert not Path(pid_file).exists()
    assert words == [
        *("--ntasks=2", "--cpus-per-task=16", "--wait=180", "ray", "symmetric-run", "--address", address),
        *("--min-nodes", "2", "--num-cpus", "16", "--disable-usage-stats"),
        *("--", "bash", "-c", 'echo $$ > "$0"; exec "$@"', pid_file),
        *("scaling", "run", "<study.yaml>", "--address", address),
        *("--store", "<folder that all nodes share, or s3://bucket/path>"),
    ]


SCALING = f"""\
#!{sys.executable}
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, {{signal.SIGTERM}})
print("training", flush=True)
signal.sigwait({{signal.SIGTERM}})
print("released", flush=True)
raise SystemExit(143)
"""


def test_slurm_passes_sigterm_on_to_the_run_only_and_waits_for_it(tmp_path):
    """The stand-in for ``srun`` would die of a SIGTERM, as Ray does."""
    (tmp_path / "bin").mkdir()
    srun = 'srun() { while [[ $1 != -- ]]; do shift; done; shift; "$@"; }\n'
    (tmp_path / "bin/activate").write_text(f"{ACTIVATE}{srun}PATH={tmp_path}/bin:$PATH\n")
    (tmp_path / "bin/scaling").write_text(SCALING)
    (tmp_path / "bin/scaling").chmod(0o755)
    script = (FOLDER / "slurm.sh").read_text().replace("<folder of the environment>", str(tmp_path))
    variables = {"SLURM_JOB_ID": "7", "SLURM_JOB_NUM_NODES": "2", "SLURM_CPUS_ON_NODE": "16"}
    with subprocess.Popen(
        ["bash", "-c", script], env=os.environ | variables, stdout=subprocess.PIPE, text=True
    ) as job:
        assert job.stdout is not None
        assert job.stdout.readline() == "training\n"
        job.terminate()
        assert job.stdout.read() == "released\n"
        assert job.wait() == 143


def test_slurm_options_are_before_the_first_command():
    """Slurm ignores the others."""
    lines = (FOLDER / "slurm.sh").read_text().splitlines()
    first = next(number for number, line in enumerate(lines) if line and not line.startswith("#"))
    options = [number for number, line in enumerate(lines) if line.startswith("#SBATCH ")]
    assert max(options) < first
    assert all(re.match(r"#SBATCH --[a-z-]+(=\S+)?( +# .*)?$", lines[number]) for number in options)


def test_kuberay_template_satisfies_the_custom_resource_definition(tmp_path):
    config_map, job = documents("kuberay.yaml")
    validator = schema("rayjob.yaml")
    validator.validate(job)
    for path in (("spec", "entrypoint"), ("spec", "rayClusterSpec", "workerGroupSpecs", 0, "minReplicas")):
        with pytest.raises(ValidationError):
            validator.validate(misspelled(job, *path))
    pods = [
        job["spec"]["rayClusterSpec"]["headGroupSpec"],
        *job["spec"]["rayClusterSpec"]["workerGroupSpecs"],
    ]
    volumes = [pod["template"]["spec"]["volumes"][0]["configMap"]["name"] for pod in pods]
    assert volumes == [config_map["metadata"]["name"]] * 2
    ((name, study),) = config_map["data"].items()
    assert f"/study/{name}" in job["spec"]["entrypoint"]
    (tmp_path / name).write_text(study.replace("mnist", "synthetic"))
    assert load_study(tmp_path / name, data=tmp_path).name == "digits"


def test_template_for_ray_up_satisfies_the_schema_of_ray():
    (config,) = documents("ray-up.yaml")
    validate_config(prepare_config(deepcopy(config)))
    for path in (("max_workers",), ("available_node_types", "worker", "min_workers"), ("auth", "ssh_user")):
        with pytest.raises(ValidationError):
            validate_config(prepare_config(misspelled(config, *path)))


def test_template_for_skypilot_satisfies_its_schema():
    (task,) = documents("skypilot.yaml")
    validator = schema("skypilot.yaml")
    validator.validate(task)
    for path in (("num_nodes",), ("resources", "cpus")):
        with pytest.raises(ValidationError):
            validator.validate(misspelled(task, *path))
    assert all(subprocess.run(["bash", "-n", "-c", task[part]]).returncode == 0 for part in ("setup", "run"))
