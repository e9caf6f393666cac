"""Publish a study as a data set of the Hugging Face hub: its runs, its report and a card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from scaling.api._figures import figure_folder
from scaling.api._report import report
from scaling.api._store import store_merge
from scaling.api._table import table, write_table
from scaling.api._workspace import Workspace
from scaling.config import StudySource
from scaling.config.yaml_file import read_settings, yaml_text
from scaling.errors import UsageError, install_command, shorten
from scaling.files import write_atomically, writing

if TYPE_CHECKING:
    from analysis.report import Report

_SIZE_CATEGORIES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
)
"""Numbers of rows below which a data set has a size category of the hub, and the category."""
_LARGEST_CATEGORY = "n>1M"
_FOLDER_HINT = "name another `to`"
_TAG = "scaling-studies"
"""Tag of every card."""
_OWN_FILES = ("README.md", "study.yaml")
"""Files of a folder that a person may have written, and that a data set has as well."""


@dataclass(frozen=True, kw_only=True)
class PushedStudy:
    """A study as a data set of the hub."""

    folder: Path
    """Folder with the files of the data set."""
    runs: int
    """Number of finished runs, without pilot runs."""
    url: str
    """Address of the data set; empty if it was not uploaded."""


def push(
    config: StudySource,
    repo: str | None = None,
    workspace: Workspace | None = None,
    *,
    to: Path | None = None,
    overrides: Sequence[str] = (),
    predictions: bool = False,
) -> PushedStudy:
    """Write a study as a data set of the Hugging Face hub into a folder, and upload the folder.

    The folder has a store with the study's runs, one table of them, the study, the report with its figures,
    and a card. A repository that does not exist is created as a private one. What people add to the header of
    the card, such as a license, stays there.

    Args:
        config: YAML file of the study, or its settings.
        repo: repository of the hub, such as ``me/digits``; None to upload nothing.
        workspace: stores and folders.
        to: folder to write; by default ``artifacts/<study>/hub``.
        overrides: changed settings, such as ``recipe.epochs=5``.
        predictions: True to include the predictions, by far the largest table.

    Raises:
        StoreError: no store holds a run of the study, or the folder cannot be written.
        UsageError: neither a repository nor a folder is named, the folder has a README.md or a study.yaml
            that no earlier call wrote, the package for uploads is missing, or the hub refuses the upload.
    """
    if repo is None and to is None:
        raise UsageError("name a repository, such as me/digits, or a folder with `to`")
    if repo is not None:
        _check_package()
    workspace = workspace or Workspace()
    runs = table(config, workspace, overrides=overrides).runs
    folder = to or figure_folder(config, workspace, overrides=overrides).parent / "hub"
    _check_folder(folder)
    page = report(config, workspace, overrides=overrides, out=folder)
    store_merge(config, str(folder / "store"), workspace, overrides=overrides, predictions=predictions)
    write_table(runs, folder / "runs.parquet")
    with writing(folder, hint=_FOLDER_HINT):
        study, readme = yaml_text(read_settings(config, overrides)), folder / "README.md"
        text = card(page, study=study, runs=len(runs))
        if readme.is_file():
            text = _keep_metadata(text, readme.read_text(errors="replace"))
        # The card comes first, because it marks the folder as one that may be written again.
        write_atomically(readme, text.encode())
        write_atomically(folder / "study.yaml", study.encode())
    return PushedStudy(
        folder=folder, runs=len(runs), url=_upload(folder, repo, runs=len(runs)) if repo else ""
    )


def card(page: Report, *, study: str, runs: int) -> str:
    """Return the card of a data set: what the hub reads at its top, and what people read below.

    Args:
        page: report of the study.
        study: the study as YAML.
        runs: number of rows of the table of runs.
    """
    name = page.context.study
    category = next((text for rows, text in _SIZE_CATEGORIES if runs < rows), _LARGEST_CATEGORY)
    header: dict[str, Any] = {
        "pretty_name": f"Scaling study {name}",
        "tags": ["scaling-laws", _TAG],
        "size_categories": [category],
        "configs": [{"config_name": "runs", "data_files": "runs.parquet", "default": True}],
    }
    figures = [
        path.relative_to(page.path.parent).as_posix() for path in page.figures if path.suffix == ".png"
    ]
    return "\n".join(
        [
            *("---", yaml_text(header).rstrip(), "---", "", f"# {name}", ""),
            f"{runs} networks, trained over the grid of the study below: one row each in `runs.parquet`, with"
            " every setting and result. `store` has the same runs with their learning curves.",
            *("", "## Results", "", *(f"- {text}" for text in (*page.context.notes, *page.findings)), ""),
            *(f"![{Path(figure).stem.replace('_', ' ')}]({figure})" for figure in figures),
            *("", "[report.html](report.html) has all figures and laws.", ""),
            *("## Study", "", "```yaml", study.rstrip(), "```", ""),
            *("## Use", "", "```", "scaling fit store", "scaling report study.yaml --store store", "```", ""),
        ]
    )


def _check_folder(folder: Path) -> None:
    """Check that no file of a person would be replaced.

    Raises:
        UsageError: the folder has a README.md or a study.yaml, and no card.
    """
    present = [name for name in _OWN_FILES if (folder / name).exists()]
    readme = folder / "README.md"
    if present and not (readme.is_file() and _is_card(readme.read_text(errors="replace"))):
        raise UsageError(
            f"{folder}: has a {present[0]} that would be replaced; name an empty folder, or one that an"
            " earlier push wrote",
            option="to",
        )


def _is_card(text: str) -> bool:
    """Return True if a README.md is the card of a study: its header has the tag."""
    return _TAG in _split_header(text)[0]


def _split_header(text: str) -> tuple[str, str]:
    """Return the YAML at the top of a card, empty if there is none, and the text below it."""
    opening, _, rest = text.partition("---\n")
    header, separator, body = rest.partition("\n---\n")
    return (header, body) if separator and not opening else ("", text)


def _keep_metadata(text: str, earlier: str) -> str:
    """Return a card with what an earlier card says beyond it in its header, such as a license."""
    try:
        kept = YAML(typ="safe", pure=True).load(_split_header(earlier)[0])
    except YAMLError:
        return text
    header, body = _split_header(text)
    own = YAML(typ="safe", pure=True).load(header)
    merged = {**(kept if isinstance(kept, dict) else {}), **own}
    return f"---\n{yaml_text(merged).rstrip()}\n---\n{body}"


def _check_package() -> None:
    if find_spec("huggingface_hub") is None:
        raise UsageError(
            f"uploads need the package huggingface_hub; install it with: {install_command('hub')}; or write a"
            " folder with `to`, without a repository"
        )


def _upload(folder: Path, repo: str, *, runs: int) -> str:
    """Upload a folder as a data set, and return its address.

    Raises:
        UsageError: the hub refuses it or cannot be reached.
    """
    from huggingface_hub import HfApi

    hub = HfApi()
    try:
        hub.create_repo(repo, repo_type="dataset", private=True, exist_ok=True)
        if hub.file_exists(repo, "README.md", repo_type="dataset"):
            earlier = Path(hub.hf_hub_download(repo, "README.md", repo_type="dataset")).read_text()
            readme = folder / "README.md"
            write_atomically(readme, _keep_metadata(readme.read_text(), earlier).encode())
        message = f"{runs} runs"
        hub.upload_folder(repo_id=repo, repo_type="dataset", folder_path=str(folder), commit_message=message)
    except Exception as error:  # of the client, of its HTTP library, or of the network
        problem = shorten((str(error).splitlines() or [""])[0])
        raise UsageError(
            f"{repo}: the upload failed ({type(error).__name__}: {problem}); every file is in {folder}:"
            " log in with: hf auth login, and run the same command again, or upload the folder yourself"
        ) from error
    return f"{hub.endpoint}/datasets/{repo}"
