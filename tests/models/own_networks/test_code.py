"""Which code a network consists of, its hash, and its import from text."""

from __future__ import annotations

import sys
from hashlib import sha256

import pytest

from scaling.architectures.own_networks.code import read_code
from scaling.architectures.own_networks.records import OwnNetworkError
from scaling.errors import UsageError
from scaling.interruption import Interrupted, handled_signals
from scaling.models.own_networks.load import load_factory, make_network
from scaling.settings import ImageShape

IMAGE = ImageShape(1, 4, 2)
FACTORY = "from torch import nn\ndef make(*, image, classes, filters):\n    return nn.Linear(1, HIDDEN)\n"


def test_one_file_has_the_hash_of_its_content(tmp_path):
    (tmp_path / "nets.py").write_text(FACTORY)
    (tmp_path / "other.py").write_text("never imported")
    code = read_code("nets.py", tmp_path)
    assert code.sha256 == sha256(FACTORY.encode()).hexdigest()
    assert list(code.files) == ["nets.py"]


def test_the_path_is_not_part_of_the_hash(tmp_path):
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        (folder / "nets.py").write_text(FACTORY)
    assert read_code("a/nets.py", tmp_path).sha256 == read_code("nets.py", tmp_path / "b").sha256


def test_modules_beside_the_file_are_part_of_the_hash(tmp_path):
    """Also those that only a function or another helper imports."""
    (tmp_path / "nets.py").write_text("import math\nfrom helper import HIDDEN\n")
    (tmp_path / "helper.py").write_text("def late():\n    import kit.parts\nHIDDEN = 3\n")
    (tmp_path / "kit").mkdir()
    for name in ("__init__.py", "parts.py"):
        (tmp_path / "kit" / name).write_text("")
    code = read_code("nets.py", tmp_path)
    assert sorted(code.files) == ["helper.py", "kit/__init__.py", "kit/parts.py", "nets.py"]
    before = code.sha256
    (tmp_path / "kit" / "parts.py").write_text("SIZE = 1")
    assert read_code("nets.py", tmp_path).sha256 != before


def test_what_was_read_is_what_runs(tmp_path, own):
    """Files can change or vanish between the plan and the training."""
    (tmp_path / "nets.py").write_text("from helper_of_nets import HIDDEN\n" + FACTORY)
    (tmp_path / "helper_of_nets.py").write_text("HIDDEN = 5")
    spec = own("make", file=tmp_path / "nets.py")
    for file in tmp_path.glob("*.py"):
        file.unlink()
    assert make_network(spec, IMAGE, 0).out_features == 5
    assert "helper_of_nets" in sys.modules  # for imports inside functions


def test_a_helper_hides_an_installed_module_during_the_import_only(tmp_path, own):
    import fractions

    (tmp_path / "nets.py").write_text("from fractions import HIDDEN\n" + FACTORY)
    (tmp_path / "fractions.py").write_text("HIDDEN = 2")
    assert make_network(own("make", file=tmp_path / "nets.py"), IMAGE, 0).out_features == 2
    assert sys.modules["fractions"] is fractions


def test_two_versions_of_one_helper(tmp_path, own):
    specs = []
    for hidden in (2, 3):
        (tmp_path / "nets.py").write_text("from parts_of_nets import HIDDEN\n" + FACTORY)
        (tmp_path / "parts_of_nets.py").write_text(f"HIDDEN = {hidden}")
        specs.append(own("make", file=tmp_path / "nets.py"))
    assert [make_network(spec, IMAGE, 0).out_features for spec in reversed(specs)] == [3, 2]


def test_an_installed_module_is_found_without_being_imported(tmp_path, monkeypatch):
    package = tmp_path / "unimported_package"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError")
    (package / "nets.py").write_text(FACTORY)
    monkeypatch.syspath_prepend(tmp_path)
    assert read_code("unimported_package.nets", tmp_path).sha256 == sha256(FACTORY.encode()).hexdigest()
    assert "unimported_package" not in sys.modules


@pytest.mark.parametrize(
    ("location", "problem"),
    [
        ("missing.py", "missing.py: no such file; a relative path begins in /"),
        ("no_such_package.nets", "no installed module no_such_package; install it, or name a file"),
        ("broken.py", r"broken.py, line 1: is not Python \(.*\)"),
        ("math", "math: has no Python source"),
        ("circle.py", r"circle.py: .* a relative path begins in /"),
        ("deep.py", "deep.py: has expressions that are too deep to read"),
        ("long.py", "long.py: has expressions that are too deep to read"),
    ],
)
def test_code_that_cannot_be_read(tmp_path, location, problem):
    (tmp_path / "broken.py").write_text("def (:\n")
    (tmp_path / "circle.py").symlink_to("circle.py")
    (tmp_path / "deep.py").write_text(f"x = {'-' * 100_000}1\n")
    (tmp_path / "long.py").write_text(f"x = {'1 + ' * 100_000}1\n")
    with pytest.raises(UsageError, match=problem):
        read_code(location, tmp_path)


@pytest.mark.parametrize("code", ["{}", "try:\n    {}\nexcept BaseException:\n    pass"])
def test_an_interruption_during_the_import_is_no_error_of_the_code(tmp_path, own, code):
    raising = code.format("signal.raise_signal(signal.SIGTERM)")
    (tmp_path / "nets.py").write_text(f"import signal\n{raising}\n{FACTORY}")
    with handled_signals(), pytest.raises(Interrupted) as stop:
        load_factory(own("make", file=tmp_path / "nets.py"))
    assert stop.value.exit_code == 143


def test_a_name_that_the_file_lacks(tmp_path, own):
    (tmp_path / "nets.py").write_text(FACTORY)
    with pytest.raises(OwnNetworkError, match=r"nets.py:Other: this module has no Other"):
        load_factory(own("Other", file=tmp_path / "nets.py"))
