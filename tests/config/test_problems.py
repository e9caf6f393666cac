"""Problems of a study: one line each, with the file, the path, what is wrong and what is permitted."""

from __future__ import annotations

import re

import pytest

from scaling.config import load_study
from scaling.errors import ConfigError, DataError, shorten
from tests.config.example_studies import AUTO, HEAD, LENET, STUDY, network
from tests.config.problem_cases import CASES

HUNDRED = list(range(1, 101))
"""Values of a grid."""


@pytest.mark.parametrize("name", CASES)
def test_problem_is_named(load, tmp_path, name):
    text, problem = CASES[name]
    with pytest.raises(ConfigError) as error:
        load(text)
    assert error.value.problems == (problem,)
    file = str(tmp_path / "study.yaml")
    line = re.match(rf"{re.escape(file)}(:\d+)?: ", str(error.value))
    assert line
    assert str(error.value) == line[0] + shorten(problem)


def test_an_empty_grid_of_types_is_named_beside_settings_that_no_network_takes(load):
    study = network("type: [], filters: 6", recipe="{epochs: 2}") + "seeds: 3\n"
    with pytest.raises(ConfigError) as error:
        load(study)
    assert error.value.problems == ("architectures[1].type: an empty grid; give at least one value",)


@pytest.mark.parametrize(
    ("study", "problem"),
    [
        (
            STUDY + "seeds: 3000000\n",
            "seeds: 3,000,000 seeds make 3,000,000 runs; a study may have at most 100,000",
        ),
        (
            network("type: lenet5, filters: [6, 8], seeds: 3000000"),
            "architectures[1].seeds: 3,000,000 seeds make 6,000,008 runs; a study may have at most 100,000",
        ),
        (
            HEAD.replace("mnist}", f"mnist, train_images: {HUNDRED}}}")
            + "recipe: {epochs: [1, 2]}\n"
            + f"architectures:\n  - {{type: lenet5, filters: {HUNDRED}, "
            + f"recipe: {{epochs: {HUNDRED}, batch_size: {HUNDRED}}}}}\n",
            "architectures: the grids have 100,000,000 networks, which make 800,000,000 runs with "
            "their seeds; a study may have at most 100,000",
        ),
        (
            AUTO + "pilots: {seeds: 20000}\n",
            "pilots: 160,000 pilots of each network make 160,008 runs; a study may have at most 100,000",
        ),
        (
            AUTO.replace("auto", f"auto, epochs: {list(range(1, 71))}, batch_size: {HUNDRED}"),
            "architectures: the grids have 7,000 networks, which make 112,000 runs with "
            "their seeds and pilots; a study may have at most 100,000",
        ),
    ],
    ids=["seeds", "own seeds", "grids", "pilots", "grids with pilots"],
)
def test_study_with_too_many_runs_is_refused_before_cells_are_created(load, study, problem):
    with pytest.raises(ConfigError) as error:
        load(study)
    assert error.value.problems == (problem,)


def test_all_problems_are_reported_once(load):
    with pytest.raises(ConfigError) as error:
        load(
            HEAD
            + "architectures:\n  - {type: tree3, rows: 5, filters: [1, 2, 0]}\n  - {type: tree3, rows: 7}\n"
            + "recipe: {epochs: 0}"
        )
    assert error.value.problems == (
        "recipe.epochs: expected a number >= 1, got 0",
        "architectures[0].filters[2]: expected a number >= 1, got 0",
        "architectures[0].rows: expected a divisor of the 12 rows of the pooled map: 1, 2, 3, 4, 6, 12; "
        "got 5",
        "architectures[1].filters: is missing",
    )


def test_a_problem_names_the_line_of_its_setting(load, tmp_path):
    networks = "architectures:\n  - type: lenet5\n    filters:\n      - 6\n      - 0\n  - type: lenet5\n"
    with pytest.raises(ConfigError) as error:
        load(HEAD + networks + "recipe:\n  epochs: 0\n")
    lines = [line.removeprefix(f"{tmp_path / 'study.yaml'}:") for line in str(error.value).splitlines()]
    assert [line.partition(" ")[0] for line in lines] == ["10:", "7:", "8:"]


@pytest.mark.parametrize(
    ("text", "line"), [("study: x\nseeds: [1\n", ":3: "), ("seeds: 1\nseeds: 2\n", ":2: "), ("[]", ": ")]
)
def test_a_file_that_cannot_be_read_names_the_line(load, tmp_path, text, line):
    with pytest.raises(ConfigError) as error:
        load(text)
    assert str(error.value).startswith(f"{tmp_path / 'study.yaml'}{line}")


def test_a_problem_beside_overrides_names_no_line(load, tmp_path):
    with pytest.raises(ConfigError) as error:
        load(STUDY, "seeds=0")
    assert str(error.value) == f"{tmp_path / 'study.yaml'}: seeds: expected a number >= 1, got 0"


def test_problems_of_all_sections_are_reported_together(load):
    with pytest.raises(ConfigError) as error:
        load(
            "study: example\nfoo: 1\nseeds: 0\ndataset: {type: npz, path: nowhere.npz, foo: 1}\n"
            "recipe: {epochs: 1, lr: 3}\narchitectures:\n  - {type: lenet5, filters: [0, 2]}\n  - five\n"
            "  - {type: tree3, rows: 2, filters: 1, kernel: []}\n"
        )
    paths = [problem.partition(": ")[0] for problem in error.value.problems]
    assert sorted(paths) == [
        "architectures[0].filters[0]",
        "architectures[1]",
        "architectures[2].kernel",
        "dataset.foo",
        "foo",
        "recipe.lr",
        "seeds",
    ]


def test_problems_of_the_file_are_reported_before_a_missing_data_set(load):
    with pytest.raises(ConfigError, match=r"recipe\.epochs"):
        load("study: example\ndataset: {type: npz, path: nowhere.npz}\nrecipe: {epochs: 0}\n" + LENET)


def test_synthetic_data_set_that_exceeds_the_memory_is_refused(load):
    with pytest.raises(
        ConfigError, match=r"dataset: size, test_size, channels and side give .* at most 268,435,456"
    ):
        load("study: example\ndataset: {type: synthetic, side: 5000000}\n" + LENET)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.yaml: no such file; give the path of a study's YAML file"):
        load_study(tmp_path / "none.yaml", data=tmp_path)


def test_folder_or_binary_file_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="is a folder; give a YAML file"):
        load_study(tmp_path, data=tmp_path)
    (tmp_path / "picture.yaml").write_bytes(b"\x89PNG\r\n\xff\xff")
    with pytest.raises(ConfigError, match=r"picture\.yaml: (cannot be read|is not YAML)"):
        load_study(tmp_path / "picture.yaml", data=tmp_path)


def test_missing_npz_file_is_named(load, tmp_path):
    with pytest.raises(
        DataError,
        match=r"study\.yaml: dataset\.path: no such file; searched .*/mine\.npz, mine\.npz and .*/mine\.npz;",
    ):
        load("study: example\ndataset: {type: npz, path: mine.npz}\n" + LENET)
