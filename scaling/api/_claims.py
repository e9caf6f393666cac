"""Verdicts on claims of the literature, from stored runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from scaling.api._claim_evidence import StoredEvidence
from scaling.api._figures import OUT_HINT
from scaling.api._workspace import Workspace
from scaling.errors import DataError, FitError, StoreError
from scaling.files import write_atomically, writing

if TYPE_CHECKING:
    from analysis.claims.claim import Claim, Finding, Ledger
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
