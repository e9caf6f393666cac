"""The tables of README and docs/performance.md, from the file of results."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks import record
from benchmarks.processes import ROOT
from benchmarks.record import Record
from benchmarks.rows import Row

README, PERFORMANCE = ROOT / "README.md", ROOT / "docs" / "performance.md"
EMPTY = "Nothing has been measured yet: `make bench`."


@dataclass(frozen=True)
class Telling:
    """Rows that README shows."""

    benchmark: str
    quantity: str
    """How it begins."""
    cases: tuple[str, ...] = ()
    """How the case ends; none for all."""

    def matches(self, row: Row) -> bool:
        told = row.benchmark == self.benchmark and row.quantity.startswith(self.quantity)
        return told and (not self.cases or row.case.endswith(self.cases))


TELLING = (
    Telling("sweeps", "speed over the peer's"),
    Telling("sweeps", "runs an hour"),
    Telling("sweeps", "mean test error over the peer's"),
    Telling("ablation", "times as long"),
    Telling("steps", "rate in bf16"),
    Telling("steps", "matrix-product rate", ("mnist, lenet5, d1=6",)),
    Telling("steps", "images a second, fused", ("lenet5, d1=6", "lenet5, d1=24")),
    Telling(
        "steps",
        "share, fused",
        ("lenet5, d1=1", "lenet5, d1=6", "lenet5, d1=24", "lenet5, d1=48", "tree3, K=6", "tree3, K=15"),
    ),
    Telling("precision", "mean test error"),
    Telling("rates", "mean test error"),
    Telling("overhead", "wall time"),
    Telling("reading", "scaling"),
    Telling("fits", "fit over"),
    Telling("memory", "data in memory"),
    Telling("memory", "predicted over measured"),
    Telling("estimates", "wall time taken over"),
)


STEP = (
    "images a second, alone",
    "images a second, fused",
    "useful work, fused",
    "share, alone",
    "share, fused",
    "speed of fused over alone",
)
"""Of a training step, in the order of the columns."""


def told(found: Record) -> str:
    """README's: the telling rows, and what they were measured on."""
    rows = list(record.rows(found))
    return _listed(found, [row for telling in TELLING for row in rows if telling.matches(row)])


def trials(found: Record) -> str:
    """Every trial."""
    return _listed(found, [row for row in record.rows(found) if row.benchmark == "trials"])


def steps(found: Record) -> str:
    """A line a network, medians only."""
    rows = [row for row in record.rows(found) if row.benchmark == "steps" and row.quantity in STEP]
    if not rows:
        return EMPTY
    values = {(row.case, row.quantity): _value(row) for row in rows}
    lines = [_line("network", *STEP), _line(*["---"] * (1 + len(STEP)))]
    lines += [
        _line(case, *(values.get((case, quantity), "") for quantity in STEP))
        for case in dict.fromkeys(row.case for row in rows)
    ]
    return "\n".join([*lines, "", *_makers(found, {"steps"})])


TABLES: tuple[tuple[Path, str, Callable[[Record], str]], ...] = (
    (README, "benchmarks", told),
    (PERFORMANCE, "trials", trials),
    (PERFORMANCE, "steps", steps),
)
"""Where each stands, between which markers."""


def _listed(found: Record, rows: list[Row]) -> str:
    """A line a row."""
    if not rows:
        return EMPTY
    lines = [_line("what", "", "median", "smallest to largest", "rounds"), _line(*["---"] * 5)]
    lines += [
        _line(
            row.case, row.quantity, _value(row), f"{_number(row.low)} to {_number(row.high)}", str(row.rounds)
        )
        for row in rows
    ]
    return "\n".join([*lines, "", *_makers(found, {row.benchmark for row in rows})])


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _value(row: Row) -> str:
    unit = f" {row.unit}" if row.unit else ""
    return f"{_number(row.value)}{unit}" + (f" ({row.note})" if row.note else "")


def _number(value: float) -> str:
    """Three digits that count; whole numbers in full."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _makers(found: Record, benchmarks: set[str]) -> Iterator[str]:
    """One sentence for each machine and code that made some of the rows."""
    by_maker: dict[str, list[str]] = {}
    for benchmark in sorted(benchmarks):
        maker = found[benchmark]["maker"]
        cpu = maker["cpu"]
        bf16 = "with" if cpu["bf16"] else "without"
        code = f"commit {maker['commit'][:10] if maker['commit'] else 'unknown'}{', changed' if maker['dirty'] else ''}"
        sentence = (
            f"{maker['cores']} cores of {cpu['model']} ({cpu['vendor']}, family {cpu['family']}, model {cpu['model_number']}; "
            f"{maker['vector_instructions']}, {bf16} bf16 instructions), torch {maker['versions']['torch']}, {code}, {maker['date']}"
        )
        by_maker.setdefault(sentence, []).append(benchmark)
    return (f"{', '.join(made)}: {sentence}." for sentence, made in by_maker.items())


def put(found: Record, tables: Iterable[tuple[Path, str, Callable[[Record], str]]] = TABLES) -> None:
    """Write each table between its markers, ``<!-- name -->`` and ``<!-- /name -->``.

    Raises:
        ValueError: a file has no such markers.
    """
    for file, name, table in tables:
        opening, closing = f"<!-- {name} -->", f"<!-- /{name} -->"
        before, opened, rest = file.read_text().partition(opening)
        _, closed, after = rest.partition(closing)
        if not (opened and closed):
            raise ValueError(f"{file}: needs a line {opening} and, below it, a line {closing}")
        file.write_text(f"{before}{opening}\n\n{table(found)}\n\n{closing}{after}")
