"""Plan a study: the runs of the study, the finished runs, and the cost of the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from math import inf
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from scaling.api._workspace import Workspace
from scaling.config import Study, StudySource, load_study
from scaling.datasets import OwnDataset
from scaling.errors import StoreError, UsageError
from scaling.plan import OtherContent, Plan, make_plan
from scaling.store import StoreUnion, open_store


def plan(
    config: StudySource,
    workspace: Workspace | None = None,
    *,
    overrides: Sequence[str] = (),
    trains: bool = True,
) -> Plan:
    """Compare the runs of the study with the runs in the stores, without training anything.

    Args:
        config: YAML file of the study, or its settings.
        workspace: stores and folders.
        overrides: changed settings, such as ``recipe.epochs=5``.
        trains: True if the missing runs are to be trained on this machine; then memory for them is required.

    Raises:
        ConfigError: the study is invalid, or a network needs more memory than there is.
    """
    workspace = workspace or Workspace()
    _refuse_table(config)
    study = load_study(config, data=workspace.data, overrides=overrides)
    resolved = study.with_learning_rates(_validation_errors(study, workspace))
    made = make_plan(resolved, workspace.stores().ids(), trains=trains)
    return replace(made, other_contents=_find_other_contents(made, workspace))


def _refuse_table(config: StudySource) -> None:
    """Refuse a table or a store in the place of a study, and name the command that takes it.

    Raises:
        UsageError: the path is a table or a store.
    """
    from scaling.api._load import STUDY_SUFFIXES, is_external_table

    if not isinstance(config, Path) or config.suffix in STUDY_SUFFIXES:
        return
    with suppress(StoreError):  # another folder is reported as what it is
        is_store = config.is_dir() and open_store(config).has_runs
        kind = "a table" if is_external_table(str(config)) else "a store" if is_store else ""
        if kind and config.exists():
            raise UsageError(
                f"{config}: is {kind}, and a study (.yaml) is expected; to fit laws to {kind}",
                next_command=("fit", str(config)),
            )


def _find_other_contents(plan: Plan, workspace: Workspace) -> tuple[OtherContent, ...]:
    """Return the stored runs that are missing runs of a plan but for the content of the user's own files.

    Without them, a file with one changed pixel would look like a study of which nothing was ever trained.
    """
    own = [(cell, run) for cell, run in plan.wanted if isinstance(cell.dataset, OwnDataset)]
    missing = {
        _without(cell.info.fingerprint, run.config_json): cell.info.title
        for cell, run in own
        if run.id not in plan.done
    }
    if not missing:
        return ()
    stores = workspace.stores()
    runs = stores.runs(["dataset", "fingerprint", "config_json"])
    types = pa.array(dict.fromkeys(cell.dataset.content_type for cell, _ in own), pa.string())
    runs = runs.filter(pc.is_in(runs["dataset"], types))
    counts = Counter(
        (title, row["fingerprint"])
        for row in runs.to_pylist()
        if (title := missing.get(_without(row["fingerprint"], row["config_json"])))
    )
    return tuple(
        OtherContent(title=title, fingerprint=fingerprint, runs=count)
        for (title, fingerprint), count in counts.most_common()
        if _stored_title(fingerprint, stores) in (title, None)
    )


def _stored_title(fingerprint: str, stores: StoreUnion) -> str | None:
    """Return the title of a data set as its test set gives it; None if no store has the test set."""
    try:
        return str(stores.test_sets([fingerprint])["title"][0])
    except StoreError:
        return None


def _without(fingerprint: str, config_json: str) -> str:
    """Return a run's identity without the content of its data."""
    return config_json.replace(fingerprint, "")


def _validation_errors(study: Study, workspace: Workspace) -> dict[str, float]:
    """Return validation errors of the stored pilot runs by run id; infinity for a run that diverged."""
    pilot_ids = pa.array([run.id for _, run in study.pilot_runs()], pa.string())
    if not len(pilot_ids):
        return {}
    runs = workspace.stores().runs(["id", "val_error", "diverged"])
    runs = runs.filter(pc.is_in(runs["id"], pilot_ids))
    valid = pc.and_kleene(pc.is_finite(runs["val_error"]), pc.invert(runs["diverged"]))
    errors = pc.fill_null(pc.if_else(valid, runs["val_error"], inf), inf)
    return dict(zip(runs["id"].to_pylist(), errors.to_pylist(), strict=True))
