"""Data dictionary of all tables as Markdown, from the schemas."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa

from scaling.api._convergence import EARLY_ERRORS
from scaling.api._derived_counts import DERIVED_COUNTS
from scaling.api._table import PROMOTED_SETTINGS, RENAMED_COLUMNS
from scaling.store import SCHEMAS

_INTRODUCTION = """\
# Columns

The meaning and the unit of every column. `scaling schema --columns` prints this page. Parquet files have the
same texts in the metadata of their fields, as `description` and `unit`:
`pyarrow.parquet.read_schema("runs.parquet")` prints them.

## The table of a study

`scaling table` writes one row for each run, as .parquet or .csv, and `Study.table()` returns the same table.
SQL takes every name without quotes:

    SELECT architecture, filters, avg(test_error) FROM 'runs.parquet' GROUP BY ALL ORDER BY ALL

The table has four kinds of columns:

- The columns of the store's table [`runs`](#runs) without `config_json`. {renamed}: the names
  of the store are keywords of SQL.
- Every other setting of a run, named by its dotted path with underscores: `architecture_branches` holds
  `architecture.branches`. The metadata of the field have the path as `setting`, and the text of the
  [configuration reference](configuration.md) as `description`. A setting that is a list is JSON text. A
  setting that a network does not have is null.
- Counts that follow from the settings ([derived counts](#derived-counts)).
- The error before the end of training ([early errors](#early-errors)).

Each setting occurs once. These settings have columns with names of their own:

{promoted}

For a pruned network, the columns of `recipe` are those of the retraining. The recipe before the pruning is in
further columns, such as `recipe_epochs`.

`scaling fit` and the other commands take a setting of a study by its column, its path or its short name:
`architecture_branches`, `architecture.branches` or `branches`.

## Derived counts

A derived count is null if the shape of the images is unknown.
"""
_SECTIONS = {
    "runs": "One row for each finished run of a store.",
    "epochs": "One row for each run and epoch.",
    "predictions": "One row for each run.",
    "test_sets": "One row for each data set.",
}


def columns_page() -> str:
    """Return the page, which ends in a newline."""
    renamed = " and ".join(f"`{old}` is called `{new}`" for old, new in RENAMED_COLUMNS.items())
    promoted = [
        "| setting | column |",
        "|---|---|",
        *(f"| `{setting}` | `{column}` |" for setting, column in PROMOTED_SETTINGS.items()),
    ]
    lines = [
        _INTRODUCTION.format(renamed=renamed, promoted="\n".join(promoted)),
        *_table(DERIVED_COUNTS),
        *("", "## Early errors", "", "Null for a run without epochs in the store.", ""),
        *_table(EARLY_ERRORS),
    ]
    for name, text in _SECTIONS.items():
        lines += ["", f"## `{name}`", "", text, "", *_table(SCHEMAS[name])]
    return "\n".join(lines) + "\n"


def _table(fields: Iterable[pa.Field]) -> Iterator[str]:
    yield "| column | type | unit | meaning |"
    yield "|---|---|---|---|"
    for field in fields:
        unit = field.metadata.get(b"unit", b"").decode()
        yield f"| `{field.name}` | {field.type} | {unit} | {field.metadata[b'description'].decode()} |"
