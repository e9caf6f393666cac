"""Notes of commands: each option that a note names is an option of the command that prints it."""

from __future__ import annotations

import csv
import json
import re

import numpy as np
import pytest

from tests.cli.test_surface import SURFACE

WIDTHS = (1, 2, 4, 8, 16, 32)
SEEDS = range(4)
COMMANDS = {
    "fit": ("--y", "loss"),
    "fit, joint": ("--x", "width,D", "--y", "loss"),
    "report": ("--y", "loss"),
    "optimum": ("--y", "loss"),
}
"""Options of each command with notes on a table; the x is ``width`` if none is given."""


def base_rows() -> list[dict[str, object]]:
    """Return honest replicates over widths and a second size, with seeds and one loss each."""
    rng = np.random.default_rng(0)
    return [
        {"width": w, "D": d, "seed": s, "loss": (w**-0.5 + d**-0.3) * np.exp(0.01 * rng.standard_normal())}
        for w in WIDTHS
        for d in (10, 100, 1000)
        for s in SEEDS
    ]


def times(rows: list[dict[str, object]], name: str, values: list[object], effect: float = 0.3) -> list:
    """Return each row once for each value of a further column, which changes the loss."""
    return [
        {**row, name: value, "loss": row["loss"] * (1 + effect * k)}
        for row in rows
        for k, value in enumerate(values)
    ]


TABLES = {
    "setting": lambda: times(base_rows(), "lr", [0.1, 0.2]),
    "setting that may be steps": lambda: times(base_rows(), "epochs", [5, 10]),
    "second size": base_rows,
    "third size": lambda: times(base_rows(), "depth", [2, 4]),
    "factor": lambda: times(base_rows(), "corpus", ["a", "b"]),
    "steps": lambda: times(base_rows(), "step", [1, 2, 3]),
    "repeated trials": lambda: [{**row, "trial_id": row["width"]} for row in base_rows()],
    "copies": lambda: base_rows() * 2,
    "repeated seeds": lambda: [{**row, "seed": 0} for row in base_rows()],
    "accuracy": lambda: [{**row, "loss": 1 - row["loss"] / 5} for row in base_rows()],
    "percent": lambda: [{**row, "loss": 100 - 20 * row["loss"]} for row in base_rows()],
}


def flags_in(text: str) -> set[str]:
    """Return the options that a text names."""
    without_styles = re.sub(r"<style>.*?</style>|<!--.*?-->", "", text, flags=re.DOTALL)
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", without_styles))


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("case", COMMANDS)
def test_notes_name_options_of_their_command_and_no_arguments(scaling, tmp_path, case, table):
    command, path = case.partition(",")[0], tmp_path / "runs.csv"
    rows = TABLES[table]()
    renamed = {"loss": "accuracy"} if table in ("accuracy", "percent") else {}
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(renamed.get(name, name) for name in rows[0])
        writer.writerows(row.values() for row in rows)
    options = [renamed.get(word, word) for word in COMMANDS[case]]
    words = (command, path, *(() if "--x" in options else ("--x", "width")), *options)
    texts = [scaling(*words).out]
    answer = json.loads(scaling(*words, "--json").out)
    results = answer.get("optima") or answer["fits"]
    notes = [note for result in results for note in result["notes"]]
    texts += [*notes, *(page.read_text() for page in tmp_path.rglob("report.html"))]
    assert flags_in(" ".join(texts)) <= SURFACE[command]
    assert flags_in(" ".join(notes)) or table == "copies" or case == "fit, joint"
    assert not any("`" in note for note in notes)
    joint = [note for note in notes if "joint law" in note]
    assert not joint or case == "fit"


def test_a_second_size_is_separated_as_the_command_can(scaling, tmp_path):
    """Only ``fit`` has joint laws, and only ``fit`` chooses the best value."""
    path = tmp_path / "runs.csv"
    rows = times(base_rows(), "lr", [0.1, 0.2])
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    expected = {"fit": {"--x width,D", "--best-over lr", "--by D", "--where lr=VALUE"}}
    expected["report"] = {"--by D", "--where lr=VALUE"}
    for command, hints in expected.items():
        answer = scaling(command, path, "--x", "width", "--y", "loss", "--json").out
        notes = " ".join(json.loads(answer)["fits"][0]["notes"])
        assert all(hint in notes for hint in hints)
        assert ("--best-over" in notes) == ("--x width,D" in notes) == (command == "fit")
