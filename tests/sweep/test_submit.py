"""Jobs on a cluster, against a stand-in for Ray's client: what is sent, how it ends, and the errors."""

from __future__ import annotations

import os
import signal
from types import SimpleNamespace

import pytest
from ray.exceptions import AuthenticationError
from ray.job_submission import JobStatus

from scaling.errors import SweepError, UsageError
from scaling.interruption import Interrupted, handled_signals
from scaling.sweep import submit as module
from scaling.sweep.submit import Job, submit


class Client:
    """Stand-in for Ray's client of a cluster that runs one job."""

    exit_code: int | None = 3
    status = JobStatus.FAILED
    output = ("a line\n", "and the next")

    def __init__(self, address):
        self.address = address
        self.environment = dict(os.environ)
        Client.last = self

    def get_address(self):
        return self.address

    def submit_job(self, **options):
        self.options = options
        return "job"

    async def tail_job_logs(self, job_id):
        for text in self.output:
            yield text

    def get_job_info(self, job_id):
        return SimpleNamespace(status=self.status, driver_exit_code=self.exit_code, message="m")


@pytest.fixture
def client(monkeypatch):
    monkeypatch.setattr(module, "JobSubmissionClient", Client)
    monkeypatch.setattr(module, "connect", lambda address: None)
    monkeypatch.setenv("RAY_ADDRESS", "ray://another:1")
    monkeypatch.setenv("RAY_AUTH_TOKEN", "secret")
    return Client


def run(folder, **options) -> tuple[int, list[Job], str]:
    jobs: list[Job] = []
    output: list[str] = []
    options = {"variables": {"SCALING_STORE": "s3://bucket"}} | options
    words = ["scaling", "run", "a study.yaml"]
    code = submit("head:8265", folder, words, on_start=jobs.append, on_output=output.append, **options)
    return code, jobs, "".join(output)


def test_job_gets_the_folder_and_the_variables_and_its_exit_code_is_returned(client, tmp_path):
    code, (job,), output = run(tmp_path)
    assert (code, output) == (3, "a line\nand the next")
    options = client.last.options
    assert options["entrypoint"] == "scaling run 'a study.yaml'"
    assert options["runtime_env"]["working_dir"] == str(tmp_path)
    assert options["runtime_env"]["env_vars"]["SCALING_STORE"] == "s3://bucket"
    assert client.last.address == "http://head:8265"
    assert job.stop_command == "RAY_AUTH_MODE=token ray job stop --address http://head:8265 job"


def test_token_of_the_user_is_shown_and_another_address_in_the_environment_does_not_count(client, tmp_path):
    run(tmp_path)
    assert client.last.environment["RAY_AUTH_MODE"] == "token"
    assert "RAY_ADDRESS" not in client.last.environment
    assert os.environ["RAY_ADDRESS"] == "ray://another:1"


def test_job_that_somebody_stopped_is_an_error(client, tmp_path, monkeypatch):
    monkeypatch.setattr(client, "status", JobStatus.STOPPED)
    monkeypatch.setattr(client, "exit_code", None)
    with pytest.raises(SweepError, match=r"^job: this job has no exit code \(m\)$"):
        run(tmp_path)


def test_cluster_that_no_longer_answers_is_an_error_that_says_how_to_follow_the_job(
    client, tmp_path, monkeypatch
):
    def fail(self, job_id):
        raise RuntimeError("Request failed\nlong page")

    monkeypatch.setattr(client, "get_job_info", fail)
    with pytest.raises(
        SweepError, match=r"^the cluster no longer answers \(Request failed\); .* ray job logs --follow"
    ):
        run(tmp_path)


def test_interruption_says_that_the_job_goes_on(client, tmp_path, monkeypatch):
    async def tail(self, job_id):
        signal.raise_signal(signal.SIGTERM)
        yield ""

    monkeypatch.setattr(client, "tail_job_logs", tail)
    with handled_signals(), pytest.raises(Interrupted) as stop:
        run(tmp_path)
    assert stop.value.last_words.startswith("the job goes on; follow it with: RAY_AUTH_MODE=token ray job")


def test_dashboard_that_does_not_answer_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"^address: 127\.0\.0\.1:1: no dashboard of Ray answers \("):
        submit("127.0.0.1:1", tmp_path, [], variables={}, on_start=print, on_output=print)


def test_wrong_token_is_named(client, tmp_path, monkeypatch):
    def refuse(self, address):
        raise AuthenticationError("Authentication failed: Forbidden\n...")

    monkeypatch.setattr(client, "__init__", refuse)
    with pytest.raises(
        UsageError, match=r"^address: head:8265: this Ray cluster demands another token than that of RAY_AUTH"
    ):
        run(tmp_path)


def test_folder_that_is_too_large_is_refused_with_its_largest_part(client, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_MAX_TREE_BYTES", 10)
    for name in ("artifacts", "data", ".git", "ignored"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_bytes(bytes(100))
    (tmp_path / ".gitignore").write_text("ignored")
    assert run(tmp_path)[0] == 3
    (tmp_path / "package" / "data").mkdir(parents=True)
    (tmp_path / "package" / "data" / "module.py").write_bytes(bytes(11))
    with pytest.raises(UsageError, match=r"at most 0 MiB are sent to a cluster, .* \(package: 0\); name in"):
        run(tmp_path)
