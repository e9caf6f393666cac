"""Claims on the page of a report: those that runs of the study test."""

from __future__ import annotations

from html import escape
from pathlib import Path

import pytest

from analysis.claims.claim import Claim, ClaimVerdict, Study
from analysis.claims.power_law import PowerLaw
from scaling import api
from scaling.api._claims import claims_about
from scaling.config import StudySettings
from tests.api.simulated_training import STUDY
from tests.api.test_claims import WIDTHS, plant

CLAIM = Claim(
    name="planted",
    text="An error falls.",
    source="A paper",
    study=Study("deep/grown.yaml"),
    rule=PowerLaw("tree3"),
)
OTHERS = (
    Claim(name="elsewhere", text="Another.", study=Study("grown.yaml"), rule=PowerLaw("tree3")),
    Claim(
        name="longer",
        text="Longer.",
        study=Study("deep/grown.yaml", ("recipe.epochs=2",)),
        rule=PowerLaw("tree3"),
    ),
)


@pytest.fixture
def file(tmp_path, workspace) -> Path:
    """Return the file of a study in a folder of studies, with planted runs."""
    path = tmp_path / "configs" / "deep" / "grown.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(STUDY.replace("[1, 2, 3, 4, 6, 12]", WIDTHS))
    plant(path, workspace, lambda spec: 0.5 * spec.filters**-0.5, noise=0.005)
    return path


def run_ids(file: Path, workspace: api.Workspace) -> set[str]:
    cells = api.plan(file, workspace).study.cells
    return {cell.run(seed).id for cell in cells for seed in range(cell.seeds)}


def test_a_claim_has_the_verdict_of_the_ledger(tmp_path, workspace, file):
    judged = claims_about(file, run_ids(file, workspace), workspace, selected=[*OTHERS, CLAIM])
    ledger = api.claims(tmp_path / "configs", workspace, selected=[CLAIM])
    assert judged == ledger.rows
    assert judged[0].finding.verdict is ClaimVerdict.HOLDS


def test_a_study_that_no_claim_names_has_no_claims(tmp_path, workspace, file):
    ids = run_ids(file, workspace)
    assert claims_about(file, {"another run"}, workspace, selected=[CLAIM]) == ()
    copy = tmp_path / "deep" / "grown.yaml"
    copy.parent.mkdir()
    copy.write_text(file.read_text())
    assert claims_about(copy, ids, workspace, selected=[CLAIM]) == ()
    settings = StudySettings({"study": "grown"})
    assert claims_about(settings, ids, workspace, selected=[CLAIM]) == ()


def test_the_page_has_a_section_of_claims_only_with_claims(monkeypatch, workspace, file, tmp_path):
    def page() -> str:
        return api.report(file, workspace, out=tmp_path / "report").path.read_text()

    assert "<h2>Claims</h2>" not in page()
    monkeypatch.setattr("analysis.claims.claims.CLAIMS", (CLAIM,))
    text = page()
    (judged,) = api.claims(tmp_path / "configs", workspace).rows
    assert "<h2>Claims</h2>" in text
    assert "An error falls." in text
    verdict = ": ".join(filter(None, (judged.finding.verdict, judged.finding.reason)))
    assert f'<td class="text usable">{escape(verdict)}</td>' in text
    assert f'<td class="number">{judged.finding.n:,}</td>' in text
