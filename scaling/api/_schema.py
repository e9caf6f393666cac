"""Schema and reference of a study's file, and a first study."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scaling.api._workspace import Workspace
from scaling.errors import UsageError
from scaling.files import write_atomically, writing


@dataclass(frozen=True, kw_only=True)
class NewStudy:
    """Files of a first study."""

    study: Path
    """The study's YAML file."""
    schema: Path
    """JSON Schema beside it, with which editors complete and check the file."""
    schema_is_new: bool
    """False if the folder had a schema already, which was left alone."""


def schema_text() -> str:
    """Return the JSON Schema of a study's file as text."""
    from scaling.config.schema import study_schema

    return json.dumps(study_schema(), indent=1, ensure_ascii=False) + "\n"


def schema_reference() -> str:
    """Return the reference of a study's keys as Markdown."""
    from scaling.config.reference import reference_page

    return reference_page()


def column_reference() -> str:
    """Return the data dictionary of all tables as Markdown."""
    from scaling.api._columns import columns_page

    return columns_page()


def init(
    file: Path, workspace: Workspace | None = None, *, dataset: str, architectures: Sequence[str]
) -> NewStudy:
    """Write a commented study that can be run as it is, and the schema beside it.

    Args:
        file: YAML file to write; there must be no such file.
        workspace: folders.
        dataset: type of the data set.
        architectures: types of the networks.

    Raises:
        UsageError: there is such a file, it cannot be written, or a type does not fit.
    """
    from scaling.api._load import STUDY_SUFFIXES
    from scaling.config.first_study import SCHEMA_FILE, first_study

    if file.suffix not in STUDY_SUFFIXES:
        raise UsageError(f"{file}: expected a name that ends in .yaml, such as {file.stem or 'study'}.yaml")
    if file.exists() or file.is_symlink():
        raise UsageError(f"{file}: exists already, and is left as it is; choose another name")
    data = (workspace or Workspace()).data
    text = first_study(file, dataset=dataset, architectures=architectures, data=data)
    schema = file.with_name(SCHEMA_FILE)
    with writing(file, hint="choose another path"):
        schema_is_new = not schema.exists()
        if schema_is_new:
            write_atomically(schema, schema_text().encode())
        write_atomically(file, text.encode())
    return NewStudy(study=file, schema=schema, schema_is_new=schema_is_new)
