"""``scaling fit`` on the tables of trackers, as they are: Ray Tune, Lightning, and exports of W&B."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import pytest

from tests.fit.data.test_run_logs import RAY_TRIALS, last_loss, write_lightning_logs

WIDTHS, SEEDS = (1, 2, 4, 8, 16, 32), (-2, -1, 1, 2)


def fit_json(scaling, *words: object) -> dict:
    result = scaling("fit", *words, "--json")
    assert (result.code, result.err) == (0, "")
    (fitted,) = json.loads(result.out)["fits"]
    return fitted


def check_law(fitted: dict) -> None:
    power = fitted["laws"]["power"]
    assert power["status"] == "usable", fitted["notes"]
    assert power["parameters"]["exponent"]["estimate"] == pytest.approx(0.5)
    assert fitted["points"]["runs"] == [len(SEEDS)] * len(WIDTHS)


def test_a_folder_of_lightning_logs(scaling, tmp_path):
    write_lightning_logs(tmp_path / "logs", WIDTHS, SEEDS)
    check_law(fit_json(scaling, tmp_path / "logs", "--x", "width", "--y", "val_loss"))


def test_a_folder_of_ray_trials(scaling):
    fitted = fit_json(scaling, RAY_TRIALS, "--x", "width", "--y", "loss")
    assert fitted["laws"]["power"]["parameters"]["exponent"]["estimate"] == pytest.approx(0.5)
    assert fitted["points"]["runs"] == [2] * 4
    curve = fit_json(
        scaling, RAY_TRIALS, "--x", "training_iteration", "--y", "loss", "--where", "width=4"
    )  # along the steps, no row is left out
    assert curve["points"]["runs"] == [2] * 3


def test_the_log_of_one_run_names_the_folder_of_all(scaling):
    trial = sorted(RAY_TRIALS.iterdir())[0]
    for log, problem in (("progress.csv", "no such column"), ("result.json", "has one value")):
        result = scaling("fit", trial / log, "--x", "width", "--y", "loss")
        assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
        assert f"width: {problem} in the log of this one run; give the folder of all runs" in result.err
        assert str(RAY_TRIALS) in result.err


def runs_table(path: Path, rows: list[dict[str, object]]) -> Path:
    """Write a CSV as the tracker's page does: every cell of text and every header in quotes."""
    header = ",".join(f'"{name}"' for name in rows[0])
    lines = [
        ",".join(f'"{value}"' if isinstance(value, str) else str(value) for value in row.values())
        for row in rows
    ]
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def test_the_table_of_runs_of_weights_and_biases(scaling, tmp_path):
    rows = [
        {
            "Name": f"lively-sun-{number}",
            "State": "finished",
            "Notes": "-",
            "User": "me",
            "Tags": "",
            "Created": f"2026-01-01T00:00:{number:02}.000Z",
            "Runtime": 60 + number,
            "Sweep": "",
            "lr": 0.1,
            "model.width": width,
            "seed": seed,
            "val/loss": last_loss(width, seed),
            "val/loss (min)": last_loss(width, seed) / 2,
        }
        for number, (width, seed) in enumerate(product(WIDTHS, SEEDS))
    ]
    crashed = rows[0] | {"Name": "lost-moon-99", "State": "crashed", "val/loss": 9.0}
    table = runs_table(tmp_path / "wandb_export.csv", [*rows, crashed])
    fitted = fit_json(scaling, table, "--x", "width", "--y", "val/loss")
    check_law(fitted)
    assert "Left out: 1 of 25 runs (State: 1 crashed)." in fitted["notes"]


def test_the_export_by_the_api_of_weights_and_biases(scaling, tmp_path):
    """Its documentation writes the dictionaries ``summary`` and ``config`` as text."""
    lines = [",summary,config,name"]
    for number, (width, seed) in enumerate(product(WIDTHS, SEEDS)):
        summary = {"loss": last_loss(width, seed), "_step": 9, "grad": float("nan")}
        config = {"width": width, "seed": seed, "model": {"act": "relu"}}
        lines.append(f'{number},"{summary}","{config}",run-{number}')
    table = tmp_path / "project.csv"
    table.write_text("\n".join(lines) + "\n")
    check_law(fit_json(scaling, table, "--x", "width", "--y", "loss"))


def test_histories_of_several_runs(scaling, tmp_path):
    """``run.history()`` of each run, one below the other, with the configuration beside."""
    lines = [",_step,_runtime,_timestamp,train/loss,val/loss,name,width,seed"]
    for width, seed in product(WIDTHS, SEEDS):
        name = f"run-{width}-{seed}"
        lines.append(f"0,0,1.5,1700000000.5,2.0,,{name},{width},{seed}")
        lines.append(f"1,1,2.5,1700000001.5,,3.0,{name},{width},{seed}")
        lines.append(f"2,2,3.5,1700000002.5,,{last_loss(width, seed)},{name},{width},{seed}")
        lines.append(f"3,3,4.5,1700000003.5,1.0,,{name},{width},{seed}")
    table = tmp_path / "history.csv"
    table.write_text("\n".join(lines) + "\n")
    words = (table, "--x", "width", "--y", "val/loss")
    assert any("`" not in note and "--last-of _step" in note for note in fit_json(scaling, *words)["notes"])
    check_law(fit_json(scaling, *words, "--last-of", "_step"))


def test_a_chart_of_weights_and_biases_says_what_to_choose(scaling, tmp_path):
    runs = {f"width: {width}, seed: {seed}": last_loss(width, seed) for width, seed in product(WIDTHS, SEEDS)}
    names = [f'"{run} - val_loss{end}"' for run in runs for end in ("", "__MIN", "__MAX")]
    cells = [str(value) for loss in runs.values() for value in (loss, loss, loss)]
    chart = tmp_path / "wandb_export.csv"
    chart.write_text(
        "\n".join(['"Step",' + ",".join(names), "0" + ',""' * len(names), "1," + ",".join(cells)]) + "\n"
    )
    result = scaling("fit", chart, "--x", "width", "--y", "val_loss")
    assert (result.code, result.err.count("\n")) == (2, 1)
    assert "--wide melts it" in result.err
    assert "--last-of Step keeps the last row of each run" in result.err
    check_law(fit_json(scaling, chart, "--x", "width", "--y", "val_loss", "--wide", "--last-of", "Step"))


def test_short_names_that_fit_several_columns_are_refused(scaling, tmp_path):
    table = tmp_path / "a.csv"
    table.write_text("config/width,old/width,loss\n1,2,0.5\n2,3,0.4\n")
    result = scaling("fit", table, "--x", "width", "--y", "loss")
    assert result.code == 2
    assert "width: no such column; did you mean config/width or old/width? columns: " in result.err
    assert result.err.endswith("; --x chooses one\n")


def test_a_table_without_the_default_error_says_how_to_choose_it(scaling, tmp_path):
    table = tmp_path / "a.csv"
    table.write_text("width,loss\n1,0.5\n2,0.4\n")
    result = scaling("fit", table, "--x", "width")
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(f"{table}: test_error: no such column; columns: ")
    assert result.err.endswith("; --y chooses one\n")
