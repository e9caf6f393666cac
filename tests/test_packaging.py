"""The built wheel works on its own, and the files beside the package agree with it."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from scaling.tracking import TRACKERS

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """Run a command without the checkout on the import path, and return what it prints."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "SCALING_DATA")}
    done = subprocess.run(command, cwd=cwd, env=kept | environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """Return the ``bin`` folder of a new environment with the wheel and the dependencies installed here."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for package in ("scaling", "analysis"):
        shutil.copytree(ROOT / package, source / package, ignore=shutil.ignore_patterns("__pycache__"))
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    run(sys.executable, "-m", "venv", "--without-pip", folder / "env", cwd=folder)
    # pip builds a wheel from the source, with this environment's setuptools, and installs the wheel.
    options = ("--no-deps", "--no-build-isolation", "--no-compile", "--prefix", folder / "env")
    run(*pip, "install", "-qq", "--ignore-installed", *options, source, cwd=folder)
    # Python searches this path last, and reads no .pth files there: the editable checkout is not found.
    (site,) = (folder / "env/lib").glob("python*/site-packages")
    (site / "dependencies.pth").write_text(f"{Path(pytest.__file__).parents[1]}\n")
    return folder / "env/bin"


def test_wheel_is_imported_from_its_own_files(installed, tmp_path):
    code = "import scaling, analysis; print(scaling.__file__); print(analysis.__file__)"
    files = [Path(line) for line in run(installed / "python", "-c", code, cwd=tmp_path).splitlines()]
    assert all(file.is_relative_to(installed.parent) for file in files)
    assert all((file.parent / "py.typed").is_file() for file in files)


def test_wheel_prints_its_version(installed, tmp_path):
    assert run(installed / "scaling", "--version", cwd=tmp_path) == f"scaling {PROJECT['version']}\n"


def test_wheel_lists_the_models(installed, tmp_path):
    assert "lenet5" in run(installed / "scaling", "models", cwd=tmp_path)


def test_wheel_plans_the_quickstart(installed, tmp_path):
    shutil.copy(ROOT / "configs/quickstart.yaml", tmp_path)
    plan = run(installed / "scaling", "plan", "quickstart.yaml", cwd=tmp_path)
    assert plan.strip().startswith("quickstart: 112 runs to do, 0 done")


def test_every_imported_package_is_declared():
    declared = PROJECT["dependencies"] + [
        requirement
        for extra in ("quickstart", "cloud", "history", *TRACKERS, "hub")
        for requirement in PROJECT["optional-dependencies"][extra]
    ]
    names = {_normalized(re.split(r"[\[<>=!~ ]", requirement)[0]) for requirement in declared}
    distributions = packages_distributions()
    imported = {module.partition(".")[0] for module in _imports()} - sys.stdlib_module_names
    missing = {
        package
        for package in imported - {"scaling", "analysis"}
        # A package of an extra that is not installed has the name of its distribution.
        if not names & {_normalized(name) for name in distributions.get(package, [package])}
    }
    assert not missing


def _imports() -> set[str]:
    """Return the modules that the two packages import anywhere."""
    modules = set()
    for package in ("scaling", "analysis"):
        for file in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Import):
                    modules |= {alias.name for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    modules.add(node.module)
    return modules


def _yaml(name: str) -> dict:
    return YAML(typ="safe").load(ROOT / name)


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_direct_dependency_is_pinned():
    pins = {
        _normalized(line.split("==")[0]) for line in (ROOT / "constraints.txt").read_text().splitlines()[1:]
    }
    extras = PROJECT["optional-dependencies"].values()
    requirements = PROJECT["dependencies"] + [requirement for extra in extras for requirement in extra]
    assert {_normalized(re.split(r"[\[<>=!~ ]", requirement)[0]) for requirement in requirements} <= pins


def test_citation_names_the_version_and_the_license_of_the_package():
    citation = _yaml("CITATION.cff")
    assert citation["cff-version"] == "1.2.0"
    assert (citation["version"], citation["license"]) == (PROJECT["version"], PROJECT["license"])
    assert citation["title"] == PROJECT["name"]


def test_pre_commit_runs_the_checks_of_make_test():
    makefile = (ROOT / "Makefile").read_text()
    recipes = "".join(re.findall(r"^(?:lint|pytest):.*\n((?:\t.*\n)+)", makefile, re.MULTILINE))
    checks = recipes.replace("$(BIN)", ".venv/bin").replace(
        "$(XDIST)", "-n 2 --dist loadfile --no-loadscope-reorder"
    )
    (repository,) = _yaml(".pre-commit-config.yaml")["repos"]
    assert [hook["entry"] for hook in repository["hooks"]] == [line.strip() for line in checks.splitlines()]


def test_image_is_built_from_files_of_the_repository_and_does_not_run_as_root():
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    instructions = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    copied = {
        source
        for name, *words in instructions
        if name == "COPY"
        for source in [word for word in words if not word.startswith("--")][:-1]
    }
    included = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"}
    assert copied == included
    assert all((ROOT / source).exists() for source in copied)
    assert {"README.md", "LICENSE", "pyproject.toml", "scaling", "analysis"} <= copied
    (extras,) = re.findall(r"'\.\[([\w,]+)\]'", text)
    assert set(extras.split(",")) <= PROJECT["optional-dependencies"].keys()
    names = [name for name, *_ in instructions]
    assert names.index("USER") < len(names) - 1 - names[::-1].index("RUN")  # the plan does not run as root
    assert ["RUN", "scaling", "plan", "configs/quickstart.yaml"] in instructions
