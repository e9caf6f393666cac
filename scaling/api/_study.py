"""A study as one object, for notebooks and scripts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaling.api._compare import compare
from scaling.api._fit import fit
from scaling.api._fit_options import FitOptions, RowOptions
from scaling.api._plan import plan
from scaling.api._report import report
from scaling.api._run import RunOutcome, run
from scaling.api._status import StudyStatus, status
from scaling.api._table import table
from scaling.api._workspace import Workspace
from scaling.config import StudySettings, StudySource
from scaling.config.moved_paths import move_paths
from scaling.config.yaml_file import read_settings, yaml_text
from scaling.errors import UsageError
from scaling.files import writing
from scaling.plan import Plan

if TYPE_CHECKING:
    import pyarrow as pa

    from analysis.comparison_page import WrittenComparison
    from analysis.drawable_fit import FitList
    from analysis.report import Report


class Study:
    """A study: plan it, run it, and look at its results.

    Args:
        source: YAML file of the study, or a dictionary with the keys of such a file.
        settings: the keys themselves, in the place of ``source``, such as ``dataset={"type": "mnist"}``.
        overrides: changed settings by their dotted paths, such as ``{"recipe.epochs": 5}``.
        store: folder or URI of the store for new runs; by default SCALING_STORE, or ``artifacts/store``.
        also: folders or URIs of further stores that are read.
        data: folder with the data sets; by default SCALING_DATA, or the user's data folder.
        artifacts: folder for figures, reports and logs.

    Raises:
        UsageError: there are both a source and settings, or neither; or an argument of another type.

    The settings are checked when a method needs them. Each method reads the store again, so that runs which
    another process has finished meanwhile are seen.
    """

    def __init__(
        self,
        source: str | PathLike[str] | Mapping[str, Any] | None = None,
        /,
        *,
        overrides: Mapping[str, Any] | None = None,
        store: str | PathLike[str] | None = None,
        also: Sequence[str] | str = (),
        data: str | PathLike[str] | None = None,
        artifacts: str | PathLike[str] = "artifacts",
        **settings: Any,
    ) -> None:
        if (source is None and not settings) or not isinstance(source, str | PathLike | Mapping | None):
            raise UsageError("Study: expected the path of a YAML file, a dictionary, or settings by name")
        if source is not None and settings:
            raise UsageError(
                f"Study: {', '.join(settings)}: a study from a file or a dictionary has no settings by name;"
                ' change one with overrides={"recipe.epochs": 5}'
            )
        if overrides is not None and not isinstance(overrides, Mapping):
            raise UsageError('Study: overrides: expected a dictionary, such as {"recipe.epochs": 5}')
        self.source: StudySource
        if isinstance(source, Mapping) or source is None:
            self.source = StudySettings(source or settings)
        else:
            self.source = Path(source)
        self.overrides = tuple(f"{path}={_inline_yaml(value)}" for path, value in (overrides or {}).items())
        chosen = {"store": str(store) if store else None, "data": Path(data) if data else None}
        self.workspace = Workspace(
            also=_listed(also),
            artifacts=Path(artifacts),
            **{name: value for name, value in chosen.items() if value is not None},  # type: ignore[arg-type]
        )

    def plan(self) -> Plan:
        """Return which runs are wanted, which are finished, and what the rest costs.

        Raises:
            ConfigError: the study is invalid, or a network needs more memory than there is.
        """
        return plan(self.source, self._fresh_workspace(), overrides=self.overrides)

    def run(
        self,
        *,
        address: str | None = None,
        in_process: bool = False,
        quiet: bool = False,
        track: Sequence[str] = (),
    ) -> RunOutcome:
        """Train the runs that no store has, and return what became of them.

        Args:
            address: address of a running Ray cluster; by default this machine trains.
            in_process: True to train without workers, one pack after the other.
            quiet: True for no progress display.
            track: names of trackers that get a copy of each finished run, such as ``tensorboard``.

        Raises:
            ScalingError: as ``scaling.api.run`` raises it.
        """
        return run(
            self.source,
            self._fresh_workspace(),
            overrides=self.overrides,
            address=address,
            in_process=in_process,
            quiet=quiet,
            track=track,
        )

    def status(self) -> StudyStatus:
        """Return what is done, what diverged, and estimated beside actual core time."""
        return status(self.source, self._fresh_workspace(), overrides=self.overrides)

    def table(self) -> pa.Table:
        """Return the finished runs, one a row, with a column for each setting; without pilot runs.

        Raises:
            StoreError: no store holds a run of the study.
        """
        return table(self.source, self._fresh_workspace(), overrides=self.overrides).runs

    def fit(
        self,
        *,
        x: str = "filters",
        y: str = "test_error",
        by: Sequence[str] | str | None = None,
        form: str = "auto",
        holdout: int = 3,
        where: Sequence[str] | str = (),
        population: bool = False,
    ) -> FitList:
        """Fit scaling laws to the finished runs, one fit a curve.

        Args:
            x: column of the size, such as ``parameters`` or ``macs``.
            y: column of the error, such as ``test_loss``.
            by: columns whose values separate the curves; by default those that differ beside x.
            form: ``auto``, ``power``, ``floor``, ``broken`` or ``m4``.
            holdout: largest number of widest networks that a law is tested on.
            where: conditions on the runs, such as ``recipe.epochs=8``.
            population: True to treat the test images as a sample as well.

        Raises:
            StoreError: no store holds a run of the study.
            FitError: the runs do not determine a law.
            TableError: a column does not exist, or is not numeric.
        """
        return fit(
            str(self.source) if isinstance(self.source, Path) else self.source,
            self._fresh_workspace(),
            options=FitOptions(x=x, y=y, by=by if by is None else _listed(by), form=form, holdout=holdout),
            overrides=self.overrides,
            rows=RowOptions(where=_listed(where)),
            population=population,
        )

    def compare(
        self, *, errors: Sequence[float] = (), out: str | PathLike[str] | None = None
    ) -> WrittenComparison:
        """Compare every curve with every other, and write the figures and a page.

        Args:
            errors: errors at which sizes are compared, beside the errors that the data suggest.
            out: folder of the page; by default ``artifacts/<study>/compare``.

        Raises:
            StoreError: no store holds a run of the study.
            UsageError: the study has a single curve, or the folder cannot be written.
        """
        return compare(
            self.source,
            self._fresh_workspace(),
            overrides=self.overrides,
            errors=errors,
            out=Path(out) if out else None,
        )

    def report(self, *, out: str | PathLike[str] | None = None) -> Report:
        """Draw the study's figures and write its report page.

        Args:
            out: folder of the page; by default ``artifacts/<study>``.

        Raises:
            StoreError: no store holds a run of the study.
            UsageError: the folder cannot be written.
        """
        return report(
            self.source, self._fresh_workspace(), overrides=self.overrides, out=Path(out) if out else None
        )

    def save(self, file: str | PathLike[str]) -> Path:
        """Write the study as a YAML file, which the command line and other people can run.

        Relative paths of data and code are written relative to the new file.

        Raises:
            ConfigError: a setting is no value that YAML can hold.
            UsageError: the file cannot be written.
        """
        path = Path(file)
        settings = read_settings(self.source, self.overrides)
        folder = self.source.parent if isinstance(self.source, Path) else Path()
        move_paths(settings, old=folder, new=path.parent)
        content = yaml_text(settings)
        with writing(path, hint="choose another file"):
            path.write_text(content, encoding="utf-8")
        return path

    def _fresh_workspace(self) -> Workspace:
        """Return a workspace that reads the stores again."""
        return replace(self.workspace)

    def __repr__(self) -> str:
        source = repr(str(self.source)) if isinstance(self.source, Path) else _first_keys(self.source)
        return f"Study({source}, store={self.workspace.store!r})"


def _first_keys(source: StudySettings) -> str:
    name = source.settings.get("study")
    return f"study={name!r}, ..." if name else "..."


def _listed(texts: Sequence[str] | str) -> tuple[str, ...]:
    """Return several texts; one text alone is not its letters."""
    return (texts,) if isinstance(texts, str) else tuple(texts)


def _inline_yaml(value: Any) -> str:
    """Return a value as YAML on one line."""
    return json.dumps(StudySettings({"value": value}).to_dict()["value"])
