"""Tables and figures of single runs claim no interval, and no mean over seeds."""

from __future__ import annotations

from math import nan

import numpy as np
import pyarrow as pa
import pytest

from analysis.formatting import format_points
from analysis.pruning import PrunedNetwork, PrunedRuns, StudyPruning, render_pruning
from analysis.pruning_figures import draw_errors
from analysis.shifts import CellShifts, StudyShifts, render_shifts
from analysis.shifts_figure import draw_shifts
from scaling.datasets import Shift
from scaling.fit import Interval
from scaling.fit.diagnosis.status import assess_runs


def pruned(method, parameters_left: int, runs: int) -> PrunedRuns:
    value = Interval.of_mean(np.linspace(0.1, 0.2, runs))
    return PrunedRuns(
        method=method,
        parameters_left=parameters_left,
        runs=runs,
        test_error=value,
        test_mse=value,
        error_change=value,
        train_mse=value,
        predicted_increase=value,
        measured_increase=value,
        assessment=assess_runs(runs),
    )


def pruning(runs: int) -> StudyPruning:
    network = PrunedNetwork(
        label="net",
        unpruned=pruned(None, 100, runs),
        rounds=(pruned("saliency", 50, runs),),
        deletions=pa.table({}),
    )
    return StudyPruning(networks=(network,), title="9 test images", diverged=0)


def shifts(runs: int) -> StudyShifts:
    steps = tuple(Shift(right=right, down=down) for right in (-1, 0, 1) for down in (-1, 0, 1))
    errors = np.tile(np.linspace(0.1, 0.2, runs), (len(steps), 1))
    cell = CellShifts(
        curve="net", filters=1, architecture="lenet5", parameters=9, shifts=steps, errors=errors
    )
    table = pa.table({"test_images": [9]})
    return StudyShifts(largest=1, cells=(cell,), runs=table, dataset_title="MNIST", diverged=0)


@pytest.mark.parametrize("runs", [1, 2])
@pytest.mark.parametrize(
    ("plant", "render", "draw"),
    [(pruning, render_pruning, draw_errors), (shifts, render_shifts, draw_shifts)],
)
def test_only_several_runs_have_intervals(plant, render, draw, runs):
    study = plant(runs)
    figure = draw(study)
    legend = [text.get_text() for entries in figure.figure.legends for text in entries.get_texts()]
    for text in (str(render(study).caption), figure.caption, " ".join(legend)):
        assert ("95 % interval" in text) == (runs > 1), text
        assert runs > 1 or "over seeds" not in text


def test_changes_of_an_error_are_in_percentage_points():
    assert format_points(Interval(estimate=-0.01234, low=nan, high=nan)) == "-1.23 points"
    assert format_points(Interval(estimate=0.02, low=0.01, high=0.03)) == "2.0 [1.0, 3.0] points"
