"""Bundle a study into one archive for a DOI: settings, runs, report with figures, versions and checksums."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import distributions
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from scaling.api._compare import compare
from scaling.api._figures import figure_folder
from scaling.api._report import report
from scaling.api._results import StudyResults, load_trained
from scaling.api._store import store_merge
from scaling.api._table import table, write_table
from scaling.api._workspace import Workspace
from scaling.architectures import AnyArchitecture, OwnNetwork
from scaling.config import StudySource
from scaling.config.moved_paths import bring_code_beside
from scaling.config.yaml_file import read_settings, yaml_text
from scaling.errors import UsageError
from scaling.files import write_atomically, writing
from scaling.store import paths
from scaling.temporary_folder import temporary_folder

if TYPE_CHECKING:
    from analysis.figure_options import FigureOptions

_FORMATS, _TABLES = ("pdf", "svg", "png"), ("csv", "tex", "md")
_TIME = (1980, 1, 1, 0, 0, 0)
"""Time of every file, the first that an archive can hold: equal files give equal archives."""
_MODE, _UNIX = 0o644, 3
_SUMS = "SHA256SUMS"
_CITATION = "CITATION.cff"


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """An archive of a study."""

    path: Path
    runs: int
    """Number of finished runs, without pilot runs."""
    files: tuple[str, ...]
    """Names of the files in the archive."""
    sha256: str
    """Hash of the archive."""


@dataclass(frozen=True)
class _Page:
    """A page of the archive."""

    command: str
    """Command that writes the page, from the folder of the archive."""
    figures: tuple[str, ...]
    """Paths of its figures, without the suffix."""


def bundle(
    config: StudySource,
    workspace: Workspace | None = None,
    *,
    overrides: Sequence[str] = (),
    out: Path | None = None,
    figures: FigureOptions | None = None,
) -> Bundle:
    """Write one archive with everything that a study's figures and laws rest on.

    The archive has a folder with the study, the code of networks of one's own, a store with its runs,
    epochs, predictions and forecasts, one table of the runs, the report and the comparison with figures and
    tables for papers, the command behind every figure, the versions of the installed packages, and
    SHA256SUMS. Equal stores give equal archives.

    Args:
        config: YAML file of the study, or its settings.
        workspace: stores and folders.
        overrides: changed settings, such as ``recipe.epochs=5``.
        out: the archive; by default ``artifacts/<study>/<study>.zip``.
        figures: formats, width and font of the figures; by default .pdf, .svg and .png of the usual width.

    Raises:
        StoreError: no store holds a run of the study, or a store cannot be read.
        UsageError: the name of the archive does not end in .zip, it cannot be written, or two files with the
            code of networks have one name.
    """
    from analysis.figure_options import FigureOptions

    workspace, figures = workspace or Workspace(), figures or FigureOptions(formats=_FORMATS)
    out = out or _default_path(config, workspace, overrides)
    if out.suffix != ".zip":
        raise UsageError(f"{out}: expected a file that ends in .zip", option="out")
    results = load_trained(config, workspace, overrides=overrides)
    with temporary_folder() as parent:
        folder = parent / results.plan.study.name
        folder.mkdir()
        _copy_runs(config, folder, workspace, overrides)
        _write_study(config, folder, results, overrides)
        pages = _draw(config, folder, results, workspace, overrides=overrides, figures=figures)
        (folder / "COMMANDS.md").write_text(_describe(folder, results, pages), encoding="utf-8")
        names = _write_sums(folder)
        content = _archive(folder, names)
    with writing(out, hint="choose another `out`", option="out"):
        write_atomically(out, content)
    return Bundle(
        path=out, runs=len(results.final_runs), files=tuple(names), sha256=sha256(content).hexdigest()
    )


def _default_path(config: StudySource, workspace: Workspace, overrides: Sequence[str]) -> Path:
    folder = figure_folder(config, workspace, overrides=overrides).parent
    return folder / f"{folder.name}.zip"


def _copy_runs(config: StudySource, folder: Path, workspace: Workspace, overrides: Sequence[str]) -> None:
    """Copy the runs into a store of the archive, and into one table."""
    store = str(folder / "store")
    # Runs without predictions are left out of the first merge, and copied by the second.
    for predictions in (True, False):
        store_merge(config, store, workspace, overrides=overrides, predictions=predictions)
    write_table(table(config, workspace, overrides=overrides).runs, folder / "runs.parquet")


def _write_study(config: StudySource, folder: Path, results: StudyResults, overrides: Sequence[str]) -> None:
    """Write the study, its code, the citation file of the working folder, and the versions of packages."""
    settings = read_settings(config, overrides)
    bring_code_beside(settings)
    (folder / "study.yaml").write_text(yaml_text(settings), encoding="utf-8")
    for cell in results.plan.study.cells:
        _write_code(cell.architecture, folder)
    citation = Path(_CITATION)
    if citation.is_file():
        (folder / _CITATION).write_bytes(citation.read_bytes())
    installed = {f"{found.metadata['Name']}=={found.version}" for found in distributions()}
    versions = "\n".join(sorted(installed, key=str.lower)) + "\n"
    (folder / "constraints.txt").write_text(versions, encoding="utf-8")


def _write_code(network: AnyArchitecture, folder: Path) -> None:
    """Write the code of a network of the user's own beside the study.

    Raises:
        UsageError: another file of this name is there already.
    """
    if not (isinstance(network, OwnNetwork) and network.source and network.source.is_file):
        return
    for name, code in network.source.files.items():
        path = folder / name
        if path.exists() and path.read_text(encoding="utf-8") != code:
            raise UsageError(f"{name}: two files of the study have this name; rename one of them")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code, encoding="utf-8")


def _draw(
    config: StudySource,
    folder: Path,
    results: StudyResults,
    workspace: Workspace,
    *,
    overrides: Sequence[str],
    figures: FigureOptions,
) -> list[_Page]:
    """Draw the report, and the comparison of several curves, from the runs of the archive."""
    archived = Workspace(store=str(folder / "store"), data=workspace.data)
    several = len(set(results.plan.study.curve_labels())) > 1
    pages = []
    for name, write in (("report", report), *((("compare", compare),) if several else ())):
        command = _page_command(name, figures)
        page = write(
            config,
            archived,
            overrides=overrides,
            out=folder / name,
            command=command,
            figures=figures,
            tables=_TABLES,
        )
        drawn = dict.fromkeys(path.relative_to(folder).with_suffix("").as_posix() for path in page.figures)
        pages.append(_Page(command, tuple(drawn)))
    return pages


def _page_command(name: str, figures: FigureOptions) -> str:
    words = ["scaling", name, "study.yaml", "--store", "store", "--out", name]
    words += ["--format", ",".join(figures.formats), "--width", f"{figures.width:g}in"]
    words += ["--font", figures.font] if figures.font else []
    return shlex.join([*words, "--tables", ",".join(_TABLES)])


def _describe(folder: Path, results: StudyResults, pages: Sequence[_Page]) -> str:
    """Return the page with the commands."""
    stored = (folder / "store" / name for name in (*paths.PART_TABLES, paths.FORECASTS_FOLDER))
    tables = [path.name for path in stored if path.is_dir()]
    lines = [
        f"# {results.plan.study.name}",
        "",
        f"{len(results.final_runs):,} runs of the study in `study.yaml`. `store` has the tables"
        f" {', '.join(tables)}; `runs.parquet` has one row for each run, and `constraints.txt` the versions"
        " of the packages that drew the figures.",
        "",
        *([f"Partial: {results.partial}.", ""] if results.partial else []),
        "Each command is for this folder.",
        "",
        f"    sha256sum --check {_SUMS}    # every file is as it was archived",
        "    scaling fit store    # the laws",
        *(f"    {page.command}" for page in pages),
        "",
        "| figure | command |",
        "| --- | --- |",
        *(f"| `{figure}` | `{page.command}` |" for page in pages for figure in page.figures),
    ]
    return "\n".join(lines) + "\n"


def _write_sums(folder: Path) -> list[str]:
    """Write the hash of each file, as ``sha256sum`` checks them; return the names of all files."""
    names = list(_file_names(folder))
    sums = "".join(f"{sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names)
    (folder / _SUMS).write_text(sums)
    return sorted([*names, _SUMS])


def _file_names(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.relative_to(folder).as_posix()


def _archive(folder: Path, names: Sequence[str]) -> bytes:
    """Return an archive of a folder, whose bytes depend on the names and the contents of the files only."""
    buffer = BytesIO()
    with ZipFile(buffer, "w") as archive:
        for name in names:
            info = ZipInfo(f"{folder.name}/{name}", date_time=_TIME)
            info.compress_type, info.create_system, info.external_attr = ZIP_DEFLATED, _UNIX, _MODE << 16
            archive.writestr(info, (folder / name).read_bytes())
    return buffer.getvalue()
