"""Folders of logs: files that Ray Tune and Lightning wrote give one row a run, with its settings.

``ray_trials`` holds what Ray Tune wrote for 8 trials of a function that reports
``0.8 width^-0.5 (1 + 0.01 seed) (1 + 1 / (1 + i) - 1/3)`` in its iterations i = 0, 1, 2.
"""

from __future__ import annotations

import shutil
from itertools import product
from pathlib import Path

import pytest
from pytorch_lightning.loggers import CSVLogger

from scaling.errors import TableError
from scaling.fit.data.run_logs import is_run_folder, read_run_logs

RAY_TRIALS = Path(__file__).parent / "ray_trials"


def last_loss(width: int, seed: int) -> float:
    return 0.8 * width**-0.5 * (1 + 0.01 * seed)


def write_lightning_logs(folder: Path, widths, seeds) -> None:
    """Write one version a run: two training steps, one validation an epoch, and a test at the end."""
    for width, seed in product(widths, seeds):
        logger = CSVLogger(folder)
        logger.log_hyperparams({"width": width, "seed": seed, "optimizer": {"lr": 1e-5}, "tags": ["a"]})
        for epoch in range(3):
            for step in (2 * epoch, 2 * epoch + 1):
                logger.log_metrics({"epoch": epoch, "train_loss": 1.0}, step=step)
            loss = last_loss(width, seed) + 2 - epoch
            logger.log_metrics({"epoch": epoch, "val_loss": loss}, step=2 * epoch + 1)
        logger.log_metrics({"epoch": 3, "test_loss": 0.5}, step=6)
        logger.save()


def test_the_csv_logger_of_lightning_gives_the_last_value_of_each_run(tmp_path):
    write_lightning_logs(tmp_path, (1, 2, 4), (0, 1))
    assert is_run_folder(tmp_path)
    logs = read_run_logs(tmp_path)
    last = logs.last_rows("val_loss")
    rows = last.table.select(["hparams.width", "hparams.seed", "val_loss"]).to_pylist()
    expected = [(width, seed, last_loss(width, seed)) for width, seed in product((1, 2, 4), (0, 1))]
    assert [tuple(row.values()) for row in rows] == [pytest.approx(values) for values in expected]
    assert set(last.table["hparams.optimizer.lr"].to_pylist()) == {1e-5}
    assert last.table["run"].to_pylist() == [f"lightning_logs/version_{number}" for number in range(6)]
    assert last.notes == [
        "Kept the row with the largest step of each of 6 runs (told apart by run); left out: 54 of 60 rows."
    ]
    assert logs.last_rows("test_loss").table["test_loss"].to_pylist() == [0.5] * 6


@pytest.mark.parametrize("log", ["result.json", "progress.csv"])
def test_both_tables_of_ray_tune_give_the_last_value_of_each_trial(tmp_path, log):
    folder = Path(shutil.copytree(RAY_TRIALS, tmp_path / "exp"))
    for file in folder.rglob("*.*"):
        if file.name in ("result.json", "progress.csv") and file.name != log:
            file.unlink()
    last = read_run_logs(folder).last_rows("loss").table
    rows = {(row["config.width"], row["config.seed"]): row["loss"] for row in last.to_pylist()}
    expected = {(w, s): pytest.approx(last_loss(w, s)) for w, s in product((1, 2, 4, 8), (-1, 1))}
    assert rows == expected
    assert len(last) == 8
    assert set(last["training_iteration"].to_pylist()) == {3}


def test_failed_and_empty_trials_are_no_results(tmp_path):
    folder = Path(shutil.copytree(RAY_TRIALS, tmp_path / "exp"))
    first, second, third, *_ = sorted(path for path in folder.iterdir())
    (first / "error.txt").write_text("Traceback\n")
    (second / "result.json").write_text("")
    cut = (third / "result.json").read_text()[:-30]  # the last line is still being written
    (third / "result.json").write_text(cut)
    logs = read_run_logs(folder)
    assert logs.notes == ("Left out: 1 of 8 runs (their logs are empty).",)
    last = logs.last_rows("loss").table
    assert last["state"].to_pylist() == ["error"] + [None] * 6
    assert last["training_iteration"].to_pylist() == [3, 2, 3, 3, 3, 3, 3]


def test_a_value_that_is_no_number_is_a_value(tmp_path):
    """A run whose last loss is NaN diverged; its loss of an earlier step is not its result."""
    logger = CSVLogger(tmp_path)
    logger.log_metrics({"loss": 0.5}, step=0)
    logger.log_metrics({"loss": float("nan")}, step=1)
    logger.log_metrics({"accuracy": 0.5}, step=2)
    logger.save()
    (loss,) = read_run_logs(tmp_path).last_rows("loss").table["loss"].to_pylist()
    assert loss != loss


def test_settings_that_only_python_can_read_are_empty(tmp_path):
    write_lightning_logs(tmp_path, (1,), (0,))
    hparams = next(tmp_path.rglob("hparams.yaml"))
    hparams.write_text(hparams.read_text() + "path: !!python/object/apply:pathlib.PosixPath [a]\n")
    table = read_run_logs(tmp_path).table
    assert set(table["hparams.path"].to_pylist()) == {None}
    assert set(table["hparams.tags"].to_pylist()) == {'["a"]'}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("result.json", "{]\n", "cannot be read"),
        ("params.json", "{", "params.json: cannot be read"),
        ("result.json", "", "its logs have no rows yet"),
    ],
)
def test_logs_that_cannot_be_read_are_named(tmp_path, name, content, message):
    (tmp_path / "trial").mkdir()
    (tmp_path / "trial" / "result.json").write_text('{"loss": 1}\n')
    (tmp_path / "trial" / name).write_text(content)
    with pytest.raises(TableError, match=message):
        read_run_logs(tmp_path)


def test_a_column_of_numbers_in_one_log_and_text_in_another_is_named(tmp_path):
    for trial, value in (("a", "1"), ("b", '"high"')):
        (tmp_path / trial).mkdir()
        (tmp_path / trial / "result.json").write_text(f'{{"loss": {value}}}\n')
    with pytest.raises(TableError, match=r"numbers in one log and text in another.*loss"):
        read_run_logs(tmp_path)


def test_other_folders_hold_no_logs(tmp_path):
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "part.parquet").touch()
    assert not is_run_folder(tmp_path)
    assert not is_run_folder(tmp_path / "absent")
