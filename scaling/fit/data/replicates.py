"""Rows that are no replicates: steps of one run, copies, and runs that differ in more than chance.

A fit takes the rows of one x for replicates and derives its intervals from their scatter. This module finds
tables for which that is wrong. The rules, in this order:

- steps: a column such as ``step`` varies between rows of one run. Ids, seeds and settings tell runs apart;
  without any of them, the column has to be chosen or to explain y.
- copies: rows agree in every column more often than values of this resolution do by chance.
- settings: a column whose name is that of a setting of training, such as ``lr``, varies within one x.
- factors: any other column that varies within one x and explains y (``scaling.fit.data.association``) at
  0.1 %, or at 1 % if all x have the same values of it, divided by the number of tested columns. Texts and
  truth values are tested; numbers only if their values were chosen (``design_share``), or if their name is
  that of a size or of a setting, because other numbers are outcomes of a run. So are objects in JSON with the
  name of an outcome.
- repeated seeds: rows of one x repeat a seed, and no column says why.

A number with an unknown name whose values all differ is taken for an outcome. Nothing else separates it from
a setting that was drawn at random.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import pi, sqrt

import numpy as np
import pyarrow as pa
from jaxtyping import Float
from scipy.special import pdtrc

from scaling.fit.data.association import (
    association_p,
    centre,
    design_share,
    is_crossed,
    rank_correlation,
)
from scaling.fit.data.column_types import is_number
from scaling.fit.data.columns import numeric_column
from scaling.fit.data.roles import (
    is_id,
    is_label,
    is_outcome,
    is_seed,
    is_setting,
    is_size,
    is_state,
    is_step,
    may_be_setting,
    short_name,
)
from scaling.fit.data.row_codes import Codes, combine_codes, encode_column
from scaling.notes import Hint, Note

LEVEL, CROSSED_LEVEL = 1e-3, 1e-2
"""Levels of the tests for all columns of a table together: of any column, and of one with the same values at
every x."""

_MIN_DESIGN_SHARE = 0.5
"""Share of the x above which a column's values count as chosen."""
_FOLLOWS_Y = 0.95
"""Spearman's correlation with y from which a column counts as a function of y."""
INDEX_NAMES = frozenset(("", "index", "unnamed_0", "row", "level_0"))
"""Names that writers of tables give to the number of a row."""
JOINT_ARGUMENTS = frozenset(("cost",))
"""Arguments that functions for joint laws have, and others have not."""
MAX_LISTED = 3
"""Largest number of columns that a note lists beside the first one."""


@dataclass(frozen=True, kw_only=True)
class NonReplicates:
    """Rows of one x that are no replicates."""

    columns: tuple[str, ...]
    """Columns that tell the rows apart, the clearest first; empty for copies."""
    note: Note
    """Sentences on the rows, and what to do."""


def caution_reason(found: Sequence[NonReplicates]) -> str:
    """Return the reason for caution about the laws of such rows; empty for replicates."""
    columns = [rows.columns[0] for rows in found if rows.columns]
    what = [f"rows that differ in {' and '.join(columns)}"] if columns else []
    if len(columns) < len(found):
        what.append("copies of rows")
    return f"the means are over {' and '.join(what)}, which are no replicates" if what else ""


def find_non_replicates(
    runs: pa.Table, *, x: str, y: str, ignored: Collection[str] = ()
) -> tuple[NonReplicates, ...]:
    """Find out whether rows of one x are no replicates.

    Args:
        runs: rows of one group that are fitted.
        x: column of sizes.
        y: column of errors.
        ignored: columns that say nothing about it, such as those of the groups.
    """
    rows = RowsOfOneX(runs, x=x, y=y, ignored=ignored)
    if not rows.has_several:
        return ()
    if steps := _steps(rows):
        return (steps,)
    found = [*_copies(rows), *_differences(rows)]
    return tuple(found or _repeated_seeds(rows))


class RowsOfOneX:
    """Columns of a table that vary between rows of one x, with the role of each."""

    def __init__(self, runs: pa.Table, *, x: str, y: str, ignored: Collection[str] = ()) -> None:
        self.runs, self.x, self.y = runs, x, y
        self._codes: dict[str, Codes] = {}
        self.x_index = self.codes(x)
        self.n_x = len(np.unique(self.x_index))
        nested = (pa.types.is_nested, pa.types.is_temporal, pa.types.is_binary)
        names = [
            name
            for name in runs.column_names
            if name not in (x, y, *ignored)
            and short_name(name) not in INDEX_NAMES
            and not any(is_of(runs.schema.field(name).type) for is_of in nested)
        ]
        self.ids = tuple(name for name in names if is_id(name) and self.codes(name).any())
        varying = [name for name in names if self.has_several and self._varies(name)]
        self.seeds = tuple(filter(is_seed, varying))
        self.labels = tuple(name for name in varying if is_label(name) and not self._is_unique(name))
        self.steps = tuple(name for name in varying if is_step(name) and self.is_number(name))
        known = {*self.ids, *self.seeds, *self.labels, *self.steps}
        self.others = tuple(
            name for name in varying if name not in known and not is_state(name) and not is_label(name)
        )

    @property
    def has_several(self) -> bool:
        """True if some x has several rows."""
        return self.n_x < len(self.runs)

    @property
    def has_unique_id(self) -> bool:
        """True if an id shows that each row is a run of its own."""
        return any(map(self._is_unique, self.ids))

    @cached_property
    def _y(self) -> Float[np.ndarray, " rows"]:
        return numeric_column(self.runs, self.y)

    @cached_property
    def deviations(self) -> Float[np.ndarray, " rows"]:
        """Relative deviations of y from the mean of its x."""
        means = np.bincount(self.x_index, self._y) / np.bincount(self.x_index)
        return centre(
            np.divide(self._y, means[self.x_index], out=np.zeros(len(self._y)), where=self._y != 0),
            self.x_index,
        )

    def codes(self, name: str) -> Codes:
        """Return a column as codes."""
        if name not in self._codes:
            self._codes[name] = encode_column(self.runs[name])
        return self._codes[name]

    def count(self, *names: str) -> int:
        """Return the number of distinct rows of x and some columns."""
        codes = combine_codes([self.x_index, *map(self.codes, names)], len(self.runs))
        return int(codes.max()) + 1

    def is_number(self, name: str) -> bool:
        """Return True for a column of numbers."""
        return is_number(self.runs.schema.field(name).type)

    def is_designed(self, name: str) -> bool:
        """Return True if somebody chose the values of a column, and did not measure them.

        Numbers that order all rows as y does come from y, such as a rounded accuracy, unless they repeat at
        every x.
        """
        share = design_share(self.codes(name), self.x_index)
        if share in (0, 1) or not self.is_number(name):
            return share > _MIN_DESIGN_SHARE
        numbers = np.nan_to_num(numeric_column(self.runs, name))
        return share > _MIN_DESIGN_SHARE and abs(rank_correlation(numbers, self._y)) < _FOLLOWS_Y

    def are_equivalent(self, first: str, second: str) -> bool:
        """Return True if, within each x, one column determines the other and the reverse."""
        return self.count(first) == self.count(second) == self.count(first, second)

    def level(self, name: str) -> float:
        """Return the level of the test of a column: a column that is crossed with x needs less evidence."""
        return CROSSED_LEVEL if is_crossed(self.codes(name), self.x_index) else LEVEL

    def p_value(self, name: str) -> float:
        """Return the p-value of the association of a column with y within x."""
        codes = self.codes(name)
        is_factor = not self.is_number(name) or self.is_designed(name)
        numbers = None if is_factor else np.nan_to_num(numeric_column(self.runs, name))
        sizes = numeric_column(self.runs, self.x)
        return association_p(self.deviations, codes, self.x_index, x=sizes, numbers=numbers)

    def settings_beside(self, step: str) -> list[str]:
        """Return the settings and the chosen columns that tell runs apart, beside a column of steps."""
        return [
            name
            for name in self.others
            if (is_setting(name) or (self.is_designed(name) and not is_outcome(name)))
            and not self.are_equivalent(name, step)
        ]

    def _varies(self, name: str) -> bool:
        return self.count(name) > self.n_x

    def _is_unique(self, name: str) -> bool:
        return len(np.unique(self.codes(name))) == len(self.runs)


def columns_of_a_run(rows: RowsOfOneX, step: str) -> list[str]:
    """Return the columns that tell runs of one x apart, in a table with one row a step."""
    if rows.ids:
        return list(rows.ids)
    return [*rows.seeds, *rows.labels, *rows.settings_beside(step)]


def _steps(rows: RowsOfOneX) -> NonReplicates | None:
    if rows.has_unique_id:
        return None
    found = [step for step in rows.steps if _is_step_of_runs(rows, step)]
    if found:
        first = max(found, key=lambda name: rows.count(*columns_of_a_run(rows, name), name))
        beside = ", ".join([rows.x, *columns_of_a_run(rows, first)])
        note = Note(
            f"Rows with equal {beside} differ in {first}, so they are steps of one run and no replicates.",
            [
                Hint(f"keep the last row of each run with `last_of` {first}"),
                Hint(f"keep one step with `where` {first}=VALUE"),
            ],
        )
        return NonReplicates(columns=(first,), note=note)
    for name in rows.ids:
        if n_repeated := len(rows.runs) - len(np.unique(rows.codes(name))):
            note = Note(
                f"{n_repeated} of {len(rows.runs)} rows repeat the {name} of another row, so they belong to "
                "one run and are no replicates.",
                [
                    Hint(
                        "keep one row of each run, with `last_of` COLUMN for the column that counts its steps"
                    )
                ],
            )
            return NonReplicates(columns=(name,), note=note)
    return None


def _is_step_of_runs(rows: RowsOfOneX, step: str) -> bool:
    if rows.ids or rows.seeds or rows.labels:
        run = columns_of_a_run(rows, step)
        return rows.count(*run) < len(rows.runs) and rows.count(*run, step) > rows.count(*run)
    return rows.is_designed(step) or rows.p_value(step) < LEVEL


def _copies(rows: RowsOfOneX) -> Iterable[NonReplicates]:
    names = [name for name in rows.runs.column_names if short_name(name) not in INDEX_NAMES]
    simple = [name for name in names if not pa.types.is_nested(rows.runs.schema.field(name).type)]
    codes = combine_codes([rows.codes(name) for name in simple], len(rows.runs))
    counts = np.bincount(codes)
    n_copies = len(codes) - len(counts)
    if n_copies and pdtrc(_pairs(counts[counts > 1]) - 1, _expected_pairs(rows)) < LEVEL:
        note = Note(
            f"{n_copies} of {len(codes)} rows are equal to another row in every column: copies are no "
            "replicates. Remove them from the table."
        )
        yield NonReplicates(columns=(), note=note)


def _pairs(counts: np.ndarray) -> float:
    return float((counts * (counts - 1) / 2).sum())


def _expected_pairs(rows: RowsOfOneX) -> float:
    """Return the number of pairs of runs of one x whose y agree by chance, from the resolution of y.

    Two values with a standard deviation s and a resolution q, both normal, agree with the probability
    q / (2 sqrt(pi) s). Where no run differs from the others of its x, s is that of a count in units of q: the
    square root of q times the mean. Rows with different seeds or ids are never equal.
    """
    if rows.seeds or rows.ids:
        return 0.0
    values = numeric_column(rows.runs, rows.y)
    steps = np.diff(np.unique(values))
    if not len(steps):
        return np.inf
    counts = np.bincount(rows.x_index)
    means = np.bincount(rows.x_index, values) / counts
    variances = np.bincount(rows.x_index, (values - means[rows.x_index]) ** 2) / counts
    if rows.count(rows.y) == rows.n_x:
        variances = steps.min() * means
    several = counts > 1
    with np.errstate(divide="ignore"):
        chance = np.minimum(steps.min() / (2 * sqrt(pi) * np.sqrt(variances[several])), 1)
    return float((counts[several] * (counts[several] - 1) / 2) @ chance)


def _differences(rows: RowsOfOneX) -> Iterable[NonReplicates]:
    """Return the columns in which runs of one x differ, equivalent columns together."""
    settings = [name for name in rows.others if is_setting(name) and not _is_unique_text(rows, name)]
    candidates = [name for name in rows.others if name not in settings and _may_be_factor(rows, name)]
    p_values = {name: rows.p_value(name) for name in candidates}
    explaining = [name for name in candidates if p_values[name] * len(candidates) < rows.level(name)]
    explaining.sort(key=lambda name: (p_values[name], not rows.is_designed(name)))
    remaining = [*settings, *explaining]
    while remaining:
        first, *rest = remaining
        equivalent = [name for name in rest if rows.are_equivalent(first, name)]
        remaining = [name for name in rest if name not in equivalent]
        yield _difference(rows, first, equivalent, p_values.get(first))


def _may_be_factor(rows: RowsOfOneX, name: str) -> bool:
    if _is_unique_text(rows, name):
        return False
    if is_outcome(name) and _holds_objects(rows.runs[name]):
        return False
    if not rows.is_number(name) or may_be_setting(name):
        return True
    return not is_outcome(name) and rows.is_designed(name)


def _holds_objects(column: pa.ChunkedArray) -> bool:
    """Return True for texts that are JSON objects or arrays, such as numbers by layer."""
    texts = column.drop_null()
    return pa.types.is_string(column.type) and len(texts) > 0 and texts[0].as_py()[:1] in ("{", "[")


def _is_unique_text(rows: RowsOfOneX, name: str) -> bool:
    """Return True for texts that tell every two rows of an x apart, such as paths and dates."""
    return not rows.is_number(name) and rows.count(name) == len(rows.runs) and not rows.is_designed(name)


def _difference(rows: RowsOfOneX, first: str, equivalent: list[str], p: float | None) -> NonReplicates:
    listed = ", ".join(equivalent[:MAX_LISTED])
    more = f" and {len(equivalent) - MAX_LISTED} more" if len(equivalent) > MAX_LISTED else ""
    also = f" (and, together with it, in {listed}{more})" if equivalent else ""
    effect = "" if p is None else f", which explains differences of {rows.y} (p = {p:.1g})"
    note = Note(
        f"Runs of one {rows.x} differ in {first}{also}{effect}, and are averaged all the same: they are no "
        "replicates.",
        separation_hints(rows, first),
    )
    return NonReplicates(columns=(first, *equivalent), note=note)


def separation_hints(rows: RowsOfOneX, name: str) -> list[Hint]:
    """Return the ways to separate or choose rows that differ in a column."""
    hints = [Hint(f"group with `by` {name}"), Hint(f"keep one value with `where` {name}=VALUE")]
    if is_size(name) and rows.is_number(name):
        hints.insert(0, Hint(f"fit a joint law of both with `x` {rows.x},{name}", JOINT_ARGUMENTS))
    if _may_be_steps(name):
        hints.append(Hint(f"keep the last row of each run with `last_of` {name}"))
    if not is_size(name):
        hints.append(Hint(f"select the best value with `best_over` {name}"))
    return hints


def _may_be_steps(name: str) -> bool:
    return is_step(name) or not {"epochs", "steps", "tokens"}.isdisjoint(short_name(name).split("_"))


def _repeated_seeds(rows: RowsOfOneX) -> Iterable[NonReplicates]:
    if not rows.seeds or not (n_repeated := len(rows.runs) - rows.count(*rows.seeds)):
        return
    seeds = ", ".join(rows.seeds)
    text = f"{n_repeated} of {len(rows.runs)} rows repeat the {rows.x} and the {seeds} of another row"
    telling = (name for name in rows.others if rows.is_designed(name) and _tells_apart(rows, name))
    if name := next(telling, None):
        note = Note(f"{text}, and differ in {name}.", separation_hints(rows, name))
    else:
        note = Note(
            f"{text}, and no column says how these runs differ.",
            [
                Hint("remove the repetitions"),
                Hint("add a column with what differs and group with `by` this column"),
            ],
        )
    yield NonReplicates(columns=rows.seeds, note=note)


def _tells_apart(rows: RowsOfOneX, name: str) -> bool:
    """Return True if no two rows agree in x, seeds and a column."""
    return rows.count(*rows.seeds, name) == len(rows.runs)
