"""Tables of README, docs/benchmarks.md and docs/performance.md, from the file of results."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.commands import ROOT
from benchmarks.measurement import Measurement
from benchmarks.results_file import Environment, Results, labelled_measurements

README = ROOT / "README.md"
BENCHMARKS_PAGE = ROOT / "docs" / "benchmarks.md"
PERFORMANCE_PAGE = ROOT / "docs" / "performance.md"
NOT_MEASURED = "Nothing has been measured yet; run `make bench`."
NO_GPU_MEASURED = "No GPU has been measured yet; run `python -m benchmarks gpu` on a machine with one."


@dataclass(frozen=True)
class Selection:
    """Selection of measurements for a table."""

    benchmark: str
    quantity: str
    """Beginning of the quantity."""
    cases: tuple[str, ...] = ()
    """Permitted endings of the case; empty for all cases."""

    def matches(self, measurement: Measurement) -> bool:
        """Return whether a measurement is selected."""
        return (
            measurement.benchmark == self.benchmark
            and measurement.quantity.startswith(self.quantity)
            and (not self.cases or measurement.case.endswith(self.cases))
        )


@dataclass(frozen=True)
class Headline:
    """Row of README: a measurement of a selection, on each processor, under a label."""

    label: str
    selection: Selection
    case_prefix: str = ""
    """Beginning of the case."""


HEADLINES = (
    Headline(
        "Runs per hour relative to one Ray Tune trial for each network, MNIST",
        Selection("sweeps", "runs per hour relative to the peer"),
        "mnist",
    ),
    Headline(
        "Runs per hour relative to one Ray Tune trial for each network, CIFAR-10",
        Selection("sweeps", "runs per hour relative to the peer"),
        "cifar10",
    ),
    Headline(
        "Share of one core's matrix-product rate in a fused training step, LeNet-5 with d1 = 24 on CIFAR-10",
        Selection("steps", "share of the matrix-product rate, fused", ("cifar10, lenet5, d1=24",)),
    ),
    Headline(
        "Images per second of a fused training step relative to the fastest rival (torch.compile,"
        " torch.func.vmap, JAX), LeNet-5 with d1 = 6 on CIFAR-10",
        Selection("rivals", "images per second relative to the fastest rival", ("cifar10, lenet5, d1=6",)),
    ),
    Headline("Wall time per run, without start-up and training", Selection("overhead", "wall time per run,")),
)

SELECTIONS = (
    Selection("sweeps", "runs per hour relative to the peer"),
    Selection("sweeps", "runs per hour"),
    Selection("sweep_errors", "mean test error relative to the peer"),
    Selection("sweeps", "mean test error relative to the peer"),  # CIFAR-10, measured before sweep_errors
    Selection("ablation", "relative wall time"),
    Selection("rivals", "images per second relative"),
    Selection("steps", "rate in bf16"),
    Selection("steps", "matrix-product rate", ("mnist, lenet5, d1=6",)),
    Selection("steps", "images per second, fused", ("lenet5, d1=6", "lenet5, d1=24")),
    Selection(
        "steps",
        "share of the matrix-product rate, fused",
        ("lenet5, d1=1", "lenet5, d1=6", "lenet5, d1=24", "lenet5, d1=48", "tree3, K=6", "tree3, K=15"),
    ),
    Selection("single_images", ""),
    Selection("precision", "mean test error"),
    Selection("learning_rates", "mean test error"),
    Selection("overhead", "wall time"),
    Selection("overhead", "start-up"),
    Selection("overhead", "imports"),
    Selection("store_reading", "scaling"),
    Selection("fits", "fit"),
    Selection("memory", "copies of the data"),
    Selection("memory", "predicted peak"),
    Selection("estimates", "wall time, actual", ("configs/quickstart.yaml",)),
    Selection("estimates", "actual wall time relative"),
    Selection("step_estimates", "estimates within"),
    Selection("step_estimates", "time of an epoch"),
)
"""Rows of docs/benchmarks.md."""

STEP_QUANTITIES = {
    "images per second, alone": "images per second, alone",
    "images per second, fused": "images per second, fused",
    "useful work, fused": "useful work, fused",
    "share of the matrix-product rate, alone": "share, alone",
    "share of the matrix-product rate, fused": "share, fused",
    "speed, fused relative to alone": "fused relative to alone",
}
"""Headings of the columns of the table of training steps, by quantity."""

RIVAL_QUANTITIES = {
    "images per second": "images per second, smallest to largest",
    "share of the bf16 matrix-product rate": "share of the matrix-product rate, smallest to largest",
    "time of the first step": "first step",
    "largest difference of a loss from the reference": "largest difference of a loss",
}
"""Headings of the columns of the table of rivals, by the quantity in front of the rival's label."""


def headline_table(results: Results) -> str:
    """Return the table of README: a row for each headline, and a column for each processor."""
    cells = {
        (headline.label, processor): f"{_format_value(measurement)}, {_format_range(measurement)}"
        for headline in HEADLINES
        for processor, measurement in labelled_measurements(results)
        if headline.selection.matches(measurement) and measurement.case.startswith(headline.case_prefix)
    }
    if not cells:
        return NOT_MEASURED
    labels, processors = (list(dict.fromkeys(names)) for names in zip(*cells, strict=True))
    lines = [_line("median, smallest to largest", *processors), _line(*["---"] * (1 + len(processors)))]
    lines += [_line(label, *(cells.get((label, name), "") for name in processors)) for label in labels]
    return "\n".join(lines)


def selected_table(results: Results) -> str:
    """Return the table of docs/benchmarks.md, and the environments of its rows."""
    measurements = list(labelled_measurements(results))
    selected = dict.fromkeys(
        (processor, measurement)
        for selection in SELECTIONS
        for processor, measurement in measurements
        if selection.matches(measurement)
    )
    return _measurement_table(results, list(selected))


def variants_table(results: Results) -> str:
    """Return the table of all variants of the training step."""
    return _measurement_table(results, _of_benchmark(results, "step_variants"))


def gpu_table(results: Results) -> str:
    """Return the table of everything that was measured on a GPU."""
    selected = _of_benchmark(results, "gpu")
    return _measurement_table(results, selected) if selected else NO_GPU_MEASURED


def steps_table(results: Results) -> str:
    """Return the medians of the training step, one row per processor and network."""
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for processor, measurement in _of_benchmark(results, "steps"):
        if measurement.quantity in STEP_QUANTITIES:
            rows.setdefault((processor, measurement.case), {})[measurement.quantity] = _format_value(
                measurement
            )
    if not rows:
        return NOT_MEASURED
    headings = ("processor", "network", *STEP_QUANTITIES.values())
    lines = [_line(*headings), _line(*["---"] * len(headings))]
    lines += [_line(*row, *(cells.get(name, "") for name in STEP_QUANTITIES)) for row, cells in rows.items()]
    return "\n".join([*lines, "", *_environment_lines(results, {"steps"})])


def growth_table(results: Results) -> str:
    """Return the costs by the number of runs: one row for each quantity, with the exponent of its growth."""
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for processor, measurement in _of_benchmark(results, "growth"):
        column = "exponent" if measurement.case.startswith("exponent") else measurement.case
        rows.setdefault((processor, measurement.quantity), {})[column] = _format_value(measurement)
    if not rows:
        return NOT_MEASURED
    columns = [*max(rows.values(), key=len)]
    lines = [_line("processor", "quantity", *columns), _line(*["---"] * (2 + len(columns)))]
    lines += [_line(*row, *(cells.get(column, "") for column in columns)) for row, cells in rows.items()]
    return "\n".join([*lines, "", *_environment_lines(results, {"growth"})])


def rivals_table(results: Results) -> str:
    """Return the measurements of the training step: one row per processor, case and implementation."""
    rows: dict[tuple[str, str, str], dict[str, str]] = {}
    for processor, measurement in _of_benchmark(results, "rivals"):
        quantity, _, label = measurement.quantity.partition(": ")
        if quantity in RIVAL_QUANTITIES:
            spread = f", {_format_range(measurement)}" if measurement.rounds > 1 else ""
            cells = rows.setdefault((processor, measurement.case, label), {})
            cells[quantity] = _format_value(measurement) + spread
    if not rows:
        return NOT_MEASURED
    headings = ("processor", "case", "implementation", *RIVAL_QUANTITIES.values())
    lines = [_line(*headings), _line(*["---"] * len(headings))]
    lines += [_line(*row, *(cells.get(name, "") for name in RIVAL_QUANTITIES)) for row, cells in rows.items()]
    return "\n".join([*lines, "", *_environment_lines(results, {"rivals"})])


@dataclass(frozen=True)
class RenderedTable:
    """A table between two markers of a file."""

    file: Path
    marker: str
    """Name in the markers ``<!-- name -->`` and ``<!-- /name -->``."""
    render: Callable[[Results], str]


TABLES = (
    RenderedTable(README, "benchmarks", headline_table),
    RenderedTable(BENCHMARKS_PAGE, "benchmarks", selected_table),
    RenderedTable(BENCHMARKS_PAGE, "gpu", gpu_table),
    RenderedTable(BENCHMARKS_PAGE, "growth", growth_table),
    RenderedTable(BENCHMARKS_PAGE, "rivals", rivals_table),
    RenderedTable(PERFORMANCE_PAGE, "variants", variants_table),
    RenderedTable(PERFORMANCE_PAGE, "steps", steps_table),
)


def write_tables(results: Results, tables: Iterable[RenderedTable] = TABLES) -> None:
    """Write each table between its markers.

    Raises:
        ValueError: a file lacks the markers.
    """
    for table in tables:
        opening, closing = f"<!-- {table.marker} -->", f"<!-- /{table.marker} -->"
        before, found_opening, rest = table.file.read_text().partition(opening)
        _, found_closing, after = rest.partition(closing)
        if not (found_opening and found_closing):
            raise ValueError(f"{table.file}: needs a line {opening} and, below it, a line {closing}")
        table.file.write_text(f"{before}{opening}\n\n{table.render(results)}\n\n{closing}{after}")


def _of_benchmark(results: Results, benchmark: str) -> list[tuple[str, Measurement]]:
    return [row for row in labelled_measurements(results) if row[1].benchmark == benchmark]


def _measurement_table(results: Results, rows: list[tuple[str, Measurement]]) -> str:
    if not rows:
        return NOT_MEASURED
    headings = ("processor", "case", "quantity", "median", "smallest to largest", "rounds")
    lines = [_line(*headings), _line(*["---"] * len(headings))]
    lines += [
        _line(
            processor,
            measurement.case,
            measurement.quantity,
            _format_value(measurement),
            _format_range(measurement),
            str(measurement.rounds),
        )
        for processor, measurement in rows
    ]
    benchmarks = {measurement.benchmark for _, measurement in rows}
    return "\n".join([*lines, "", *_environment_lines(results, benchmarks)])


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _format_value(measurement: Measurement) -> str:
    unit = f" {measurement.unit}" if measurement.unit else ""
    note = f" ({measurement.note})" if measurement.note else ""
    return f"{_format_number(measurement.value)}{unit}{note}"


def _format_range(measurement: Measurement) -> str:
    return f"{_format_number(measurement.low)} to {_format_number(measurement.high)}"


def _format_number(value: float) -> str:
    """Return three significant digits, or a whole number from 100 on."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _environment_lines(results: Results, benchmarks: set[str]) -> Iterator[str]:
    """Yield one sentence for each environment, with the names of the benchmarks that it produced."""
    benchmarks_by_sentence: dict[str, list[str]] = {}
    for (benchmark, _), result in sorted(results.items()):
        if benchmark in benchmarks:
            benchmarks_by_sentence.setdefault(_describe(result.environment), []).append(benchmark)
    return (f"{', '.join(names)}: {sentence}." for sentence, names in benchmarks_by_sentence.items())


def _describe(environment: Environment) -> str:
    cpu = environment.cpu
    instructions = f"{'with' if cpu.bf16 else 'without'} bf16 instructions{', AMX' if cpu.amx else ''}"
    commit = environment.commit[:10] if environment.commit else "unknown"
    changed = ", changed" if environment.dirty else ""
    return (
        f"{environment.cores} cores of {cpu.model} ({cpu.vendor}, family {cpu.family},"
        f" model {cpu.model_number}; {environment.vector_instructions}, {instructions})"
        f"{f', {environment.gpu}' if environment.gpu else ''},"
        f" torch {environment.versions['torch']}, commit {commit}{changed}, {environment.date}"
    )
