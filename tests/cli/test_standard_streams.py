"""Commands whose output cannot be written: they go on, with the exit code and the effects of any other."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from functools import partial
from pathlib import Path
from threading import Thread

import pytest

from scaling.cli import main
from scaling.cli.standard_streams import lasting_streams
from scaling.store import open_store
from scaling.sweep import worker
from tests.api.simulated_training import SimulatedTraining

INCOMPLETE = "stdout cannot be written (No space left on device), so the output is incomplete\n"
SMALL = ("--in-process", "--set", "architectures[0].filters=[1,2]", "--set", "seeds=2")


@pytest.fixture
def replace_stream(monkeypatch):
    """Return a function that makes a file descriptor stdout or stderr."""
    streams = []

    def replace(name: str, descriptor: int) -> None:
        streams.append(os.fdopen(descriptor, "w"))
        monkeypatch.setattr(sys, name, streams[-1])

    yield replace
    for stream in streams:
        stream.close()


def closed_pipe() -> int:
    reader, writer = os.pipe()
    os.close(reader)
    return writer


def closed_terminal() -> int:
    controller, terminal = pty.openpty()
    os.close(controller)
    return terminal


def full_device() -> int:
    return os.open("/dev/full", os.O_WRONLY)


def write_some(descriptor: int) -> int:
    """Return the number of bytes that were written: 0 once a pipe is full."""
    try:
        return os.write(descriptor, b"x" * 4096)
    except BlockingIOError:
        return 0


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
@pytest.mark.parametrize("open_stream", [closed_pipe, closed_terminal])
@pytest.mark.parametrize("fails", [False, True])
def test_a_sweep_goes_on_after_its_reader_has_gone(
    scaling, simulated_study, monkeypatch, replace_stream, stream, open_stream, fails
):
    """The first line, that the store is new, comes before the training."""
    failing = RuntimeError("no luck") if fails else None
    monkeypatch.setattr(worker, "train", SimulatedTraining(failing=lambda pack, attempt: failing))
    replace_stream(stream, open_stream())
    assert scaling("run", simulated_study, *SMALL).code == fails
    assert len(open_store("artifacts/store").ids()) == (0 if fails else 4)


def test_exit_codes_do_not_depend_on_the_reader(scaling, study, store, replace_stream):
    for file in (store / "epochs").iterdir():
        file.write_bytes(b"damaged")
    commands = {
        ("store", "verify", "--store", store): 1,
        ("plan", "none.yaml"): 2,
        ("status", study, "--store", store): 0,
        ("--help",): 0,
    }
    assert {words: scaling(*words).code for words in commands} == commands
    for words, code in commands.items():
        replace_stream("stdout", closed_pipe())
        replace_stream("stderr", closed_pipe())
        assert scaling(*words).code == code


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
def test_a_full_disk_is_named_once_and_the_command_goes_on(scaling, simulated_study, replace_stream):
    for words, code, message in [
        (("run", simulated_study, "--quiet", *SMALL), 1, INCOMPLETE),
        (("models",), 1, INCOMPLETE),
        (("--help",), 1, INCOMPLETE),
        (("fit", "none.csv"), 2, "none.csv: no such file; give the path of a table of runs\n"),
    ]:
        replace_stream("stdout", full_device())
        result = scaling(*words)
        assert (result.code, result.err) == (code, message)
    assert len(open_store("artifacts/store").ids()) == 4


def test_a_broken_pipe_that_is_not_stdout_is_an_error(scaling, monkeypatch, replace_stream):
    def break_pipe() -> None:
        os.write(writer, b"x")

    writer = closed_pipe()
    monkeypatch.setattr("scaling.api.list_models", break_pipe, raising=False)
    replace_stream("stdout", closed_pipe())
    with pytest.raises(BrokenPipeError):
        scaling("models")
    os.close(writer)


def test_a_pipe_that_is_full_and_does_not_block_gets_everything(replace_stream):
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    replace_stream("stdout", writer)
    filled = sum(iter(partial(write_some, writer), 0))
    texts = []
    with os.fdopen(reader) as stream:
        thread = Thread(target=lambda: texts.append(stream.read()))
        thread.start()
        with lasting_streams() as output:
            sys.stdout.write("01" * 50_000)
        sys.stdout.close()
        thread.join()
    assert (texts, output.failure) == (["x" * filled + "01" * 50_000], None)


def test_a_closed_stderr_does_not_write_to_stdout(capsys, monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    assert main(["plan", "none.yaml"]) == 2
    sys.stderr.close()
    assert capsys.readouterr().out == ""


def test_files_do_not_get_the_descriptors_of_closed_streams():
    code = "import os; from scaling.cli import main; os._exit(main(['models']) or os.open('/', 0) < 3)"
    command = ["sh", "-c", 'exec "$0" -c "$1" <&- >&- 2>&-', sys.executable, code]
    assert subprocess.run(command, timeout=120).returncode == 0
