"""The committed figures of docs/statistics.md are those that the code draws, and the page shows each of
them."""

from __future__ import annotations

import re

import pytest
from pyarrow.csv import read_csv

from benchmarks.commands import ROOT
from simulations import figures
from simulations.scenarios import Scenario

PAGE = ROOT / "docs" / "statistics.md"


@pytest.fixture(scope="module")
def drawn_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("figures")
    figures.main(folder)
    return folder


def committed_names(pattern: str) -> set[str]:
    """Return the names of committed files, except those that ``scaling history`` writes."""
    return {file.name for file in figures.FOLDER.glob(pattern) if file.stem != "history"}


def test_committed_figures_are_those_that_the_code_draws(drawn_folder):
    assert {file.name for file in drawn_folder.iterdir()} == committed_names("*")
    for file in drawn_folder.iterdir():
        assert file.read_bytes() == (figures.FOLDER / file.name).read_bytes(), (
            f"{file.name}: run python -m simulations.figures"
        )


def test_the_page_shows_every_figure_and_the_command_that_draws_them():
    text = PAGE.read_text()
    shown = re.findall(r"!\[[^]]+\]\(figures/([^)]+)\)", text)
    assert sorted(shown) == sorted(committed_names("*.svg"))
    assert "python -m simulations.figures" in text


def test_the_figures_support_the_claims_of_the_page():
    """The bias of logarithms remains with more seeds, only the law with a floor predicts the widest networks,
    and unequal images reduce the dispersion."""
    table = read_csv(figures.FOLDER / "means_of_logarithms.csv").to_pylist()
    bias = {(row["fitted to"], row["seeds"]): row["bias"] / row["std_error"] for row in table}
    # In standard errors: below four without a bias.
    assert abs(bias["means", 32]) < 4 < bias["means of logarithms", 32]
    scenario = Scenario(noise="under", widths=8, seeds=8, floor=0.4)
    for row in read_csv(figures.FOLDER / "one_study.csv").to_pylist():
        if row["panel"] != "fitted to all widths" and row["filters"] > 8:
            assert (row["low"] < scenario.mean(row["filters"]) < row["high"]) == (row["form"] == "floor")
    for row in read_csv(figures.FOLDER / "dispersion.csv").to_pylist():
        # Four standard errors of a variance from 8 x 63 degrees of freedom.
        assert row["dispersion"] == pytest.approx(row["expected"], rel=4 * (2 / 504) ** 0.5)
