"""Tests of ``scaling history``, with the first systems alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from analysis import published_systems

STUDIES = Path(__file__).parents[2] / "configs" / "history"


@pytest.fixture(autouse=True)
def _two_systems(monkeypatch):
    """Keep the systems up to the zip-code network of 1989."""
    monkeypatch.setattr(published_systems, "PUBLISHED_SYSTEMS", published_systems.PUBLISHED_SYSTEMS[:2])


def test_the_page_of_a_store_without_runs(scaling):
    result = scaling("history", STUDIES, "--out", "docs")
    assert (result.code, result.err) == (0, "")
    assert "not trained" in result.out
    names = ["docs/history.md", *(f"docs/figures/history.{kind}" for kind in ("svg", "png", "csv"))]
    assert result.out.split()[-4:] == names
    assert "5.0 % | not trained" in Path("docs/history.md").read_text()


def test_json_has_published_and_measured_errors(scaling):
    rows = json.loads(scaling("history", STUDIES, "--json").out)["systems"]
    (row,) = [row for row in rows if row["study"] == "zipcode1989.yaml"]
    assert (row["published_error"], row["error"], row["runs"]) == (0.05, None, 0)


def test_a_missing_study_is_named(scaling, tmp_path):
    result = scaling("history", tmp_path)
    assert (result.code, result.out) == (2, "")
    assert ".yaml" in result.err
