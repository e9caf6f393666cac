"""The figures of docs/statistics.md are what the code draws, and the page shows each of them."""

from __future__ import annotations

import re

import pytest

from tests.benchmarks.processes import ROOT
from tests.simulations import figures

PAGE = ROOT / "docs" / "statistics.md"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("figures")
    figures.main(folder)
    return folder


def test_what_is_committed_is_what_the_code_draws(drawn):
    assert {file.name for file in drawn.iterdir()} == {file.name for file in figures.FOLDER.iterdir()}
    for file in drawn.iterdir():
        assert file.read_bytes() == (figures.FOLDER / file.name).read_bytes(), f"{file.name}: run python -m tests.simulations.figures"


def test_the_page_shows_every_figure_and_says_how_to_draw_them():
    text = PAGE.read_text()
    shown = re.findall(r"!\[[^]]+\]\(figures/([^)]+)\)", text)
    assert sorted(shown) == sorted(file.name for file in figures.FOLDER.glob("*.svg"))
    assert "python -m tests.simulations.figures" in text
