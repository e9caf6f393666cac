"""Tests of ``scaling claims``, with the first claim alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from analysis.claims import claims

STUDIES = Path(__file__).parents[2] / "configs"


@pytest.fixture(autouse=True)
def _one_claim(monkeypatch):
    """Keep the claim on the power law on CIFAR-10."""
    monkeypatch.setattr(claims, "CLAIMS", claims.CLAIMS[:1])


def test_a_store_without_runs_gives_no_verdict(scaling):
    result = scaling("claims", STUDIES, "--out", "docs")
    assert (result.code, result.err) == (0, "")
    assert "cannot tell" in result.out
    assert result.out.split()[-1] == "docs/claims.md"
    assert (
        "Verdicts of 1 claim: holds 0, does not hold 0, cannot tell 1." in Path("docs/claims.md").read_text()
    )


def test_json_has_the_claim_its_rule_and_the_next_command(scaling):
    values = json.loads(scaling("claims", STUDIES, "--json").out)
    (claim,) = values["claims"]
    assert (claim["verdict"], claim["n"], values["page"]) == ("cannot tell", 0, None)
    assert claim["criterion"].startswith("Holds if")
    assert "scaling run configs/forecast_cifar10.yaml" in claim["reason"]
    assert not Path("docs").exists()


def test_a_missing_study_is_named(scaling, tmp_path):
    result = scaling("claims", tmp_path)
    assert (result.code, result.out) == (2, "")
    assert "forecast_cifar10.yaml" in result.err
