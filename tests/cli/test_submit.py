"""Tests of ``scaling submit``: the command that the job runs, its environment, and wrong input."""

from __future__ import annotations

import pytest

from scaling.sweep import submit
from scaling.sweep.submit import Job


@pytest.fixture
def calls(monkeypatch):
    """Replace the cluster by nothing, and return what it was called with."""
    calls = []

    def record(address, folder, command, *, variables, on_start, on_output):
        calls.append((address, folder, command, variables))
        on_start(Job(id="job", address="http://head:8265", needs_token=False))
        on_output("tiny: 4 runs trained\n")
        return 1

    monkeypatch.setattr(submit, "submit", record)
    return calls


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "tiny.yaml").write_text("study: tiny")
    return tmp_path


def test_job_runs_the_same_command_on_the_cluster(scaling, calls, folder, monkeypatch):
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.delenv("SCALING_DATA", raising=False)
    options = ("--store", "s3://bucket/path", "--also", "/shared/other", "--set", "seeds=2")
    result = scaling("submit", "configs/tiny.yaml", *options, "--env", "AWS_REGION", "--env", "A=b=c")
    assert result.code == 1
    assert result.out == (
        "job: on the cluster; stop it with: ray job stop --address http://head:8265 job\n"
        "tiny: 4 runs trained\n"
    )
    ((address, tree, command, variables),) = calls
    assert (address, tree) == ("127.0.0.1:8265", folder)
    assert command == [
        *("python", "-m", "scaling", "run", "configs/tiny.yaml", "--address", "auto"),
        *("--also", "/shared/other", "--set", "seeds=2"),
    ]
    assert variables == {"SCALING_STORE": "s3://bucket/path", "AWS_REGION": "eu-central-1", "A": "b=c"}


@pytest.mark.parametrize(
    "words",
    [
        ("wandb", "--env", "WANDB_API_KEY=key"),
        ("wandb", "--env", "WANDB_MODE=offline", "--env", "WANDB_DIR=/shared"),
        ("mlflow", "--env", "MLFLOW_TRACKING_URI=http://mlflow"),
        ("trackio",),
    ],
)
def test_the_job_copies_runs_to_a_tracker_whose_files_outlive_it(words, scaling, calls, folder):
    assert scaling("submit", "configs/tiny.yaml", "--store", "/a", "--track", *words).code == 1
    ((_, _, command, _),) = calls
    assert command[-2:] == ["--track", words[0]]


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ((), "--store artifacts/store: is a folder on this machine; name a store that all nodes"),
        (("--store", "/a", "--also", "b"), "--also b: is a folder on this machine"),
        (("--store", "/a", "--data", "b"), "--data b: name the absolute path of a folder on the cluster"),
        (("--store", "/a", "--track", "tensorboard"), "--track tensorboard: would write into the job's work"),
        (("--store", "/a", "--track", "mlflow"), "--track mlflow: would write into the job's working folder"),
        (
            ("--store", "/a", "--track", "wandb", "--env", "WANDB_MODE=offline"),
            "--track wandb: would write into the job's working folder, which Ray deletes; name its server in",
        ),
        (("--store", "/a", "--track", "clearml"), "--track clearml: expected one of tensorboard, wandb,"),
        (("--store", "/a", "--env", "NO_SUCH_NAME"), "--env NO_SUCH_NAME: this environment variable is not"),
    ],
)
def test_wrong_input_is_refused_before_anything_is_sent(words, problem, scaling, calls, folder, monkeypatch):
    monkeypatch.delenv("SCALING_DATA", raising=False)
    result = scaling("submit", "configs/tiny.yaml", *words)
    assert (result.code, calls) == (2, [])
    assert result.err.startswith(problem)


def test_study_must_be_in_the_working_folder(scaling, calls, folder, monkeypatch):
    monkeypatch.chdir(folder / "configs")
    (folder / "other.yaml").write_text("study: tiny")
    result = scaling("submit", "../other.yaml", "--store", "/a")
    assert (result.code, calls) == (2, [])
    assert result.err.startswith(f"../other.yaml: only the working folder {folder / 'configs'} is sent")
    result = scaling("submit", "none.yaml", "--store", "/a")
    assert (result.code, result.err) == (2, "none.yaml: there is no such file\n")
