"""Verdicts on claims of the literature, from stored runs."""

from __future__ import annotations

from collections.abc import Sequence, Set
from pathlib import Path
from typing import TYPE_CHECKING

from scaling.api._claim_evidence import StoredEvidence
from scaling.api._figures import OUT_HINT
from scaling.api._results import load_trained
from scaling.api._workspace import Workspace
from scaling.config import StudySource
from scaling.errors import ConfigError, DataError, FitError, StoreError
from scaling.files import write_atomically, writing

if TYPE_CHECKING:
    from analysis.claims.claim import Claim, Finding, JudgedClaim, Ledger
    from analysis.claims.evidence import Evidence


def claims(
    studies: Path = Path("configs"),
    workspace: Workspace | None = None,
    *,
    selected: Sequence[Claim] | None = None,
) -> Ledger:
    """Return claims of the literature, each with the verdict of the stored runs. Nothing is trained.

    A claim is ``cannot tell`` if the stores lack its runs, or if its data set is not on this machine.

    Args:
        studies: folder with the studies that the claims name.
        workspace: stores and folders.
        selected: the claims; by default those of ``analysis.claims.claims``.

    Raises:
        ConfigError: a study is missing or invalid.
        StoreError: a store cannot be read.
    """
    from analysis.claims.claim import JudgedClaim, Ledger
    from analysis.claims.claims import CLAIMS

    evidence = StoredEvidence(studies, workspace or Workspace())
    wanted = CLAIMS if selected is None else selected
    return Ledger(rows=tuple(JudgedClaim(claim=claim, finding=_judge(claim, evidence)) for claim in wanted))


def claims_about(
    config: StudySource, run_ids: Set[str], workspace: Workspace, *, selected: Sequence[Claim] | None = None
) -> tuple[JudgedClaim, ...]:
    """Return the claims that are tested by a study and by some of its given runs, with their verdicts.

    Only a file in a folder ``configs`` is a study that claims name.

    Args:
        config: YAML file of the study, or its settings.
        run_ids: ids of the runs.
        workspace: stores and folders.
        selected: the claims; by default those of ``analysis.claims.claims``.
    """
    from analysis.claims.claim import Finding, JudgedClaim
    from analysis.claims.claims import CLAIMS

    judged, evidence = [], None
    for claim in CLAIMS if selected is None else selected:
        studies = _find_studies(config, claim.study.path)
        if studies is None or not _uses_runs(studies, claim, run_ids, workspace):
            continue
        evidence = evidence or StoredEvidence(studies, workspace)
        try:
            finding = _judge(claim, evidence)
        except ConfigError as error:  # another study of the claim is missing or invalid
            finding = Finding.unknown(str(error))
        judged.append(JudgedClaim(claim=claim, finding=finding))
    return tuple(judged)


def _find_studies(config: StudySource, path: str) -> Path | None:
    """Return the folder of studies below which a study's file has a path; None if it has another one."""
    if not isinstance(config, Path):
        return None
    file, parts = config.resolve(), Path(path).parts
    studies = file.parents[len(parts) - 1] if len(file.parts) > len(parts) else None
    is_named = studies is not None and studies.name == "configs" and studies / path == file
    return studies if is_named else None


def _uses_runs(studies: Path, claim: Claim, run_ids: Set[str], workspace: Workspace) -> bool:
    try:
        tested = load_trained(studies / claim.study.path, workspace, overrides=claim.study.overrides)
    except StoreError:  # no store holds a run
        return False
    return not run_ids.isdisjoint(tested.final_runs["id"].to_pylist())


def _judge(claim: Claim, evidence: Evidence) -> Finding:
    from analysis.claims.claim import Finding

    try:
        return claim.rule.judge(evidence, claim.study)
    except FitError as error:
        return Finding.unknown(str(error))
    except DataError:
        return Finding.unknown(
            "its data set is not on this machine; `scaling data` lists and downloads data sets"
        )
    except StoreError as error:
        if error.next_command is None:  # the store is damaged or unreadable
            raise
        return Finding.unknown(f"the stores lack its runs; `{claim.study.command('run')}` trains them")


def write_claims(ledger: Ledger, folder: Path) -> Path:
    """Write the page ``claims.md``, and return its path.

    Raises:
        UsageError: the folder cannot be written.
    """
    from analysis.claims.page import claims_page

    page = folder / "claims.md"
    with writing(page, hint=OUT_HINT):
        write_atomically(page, claims_page(ledger).encode())
    return page
