"""Partial results: how many runs there are, which curves lack some, and the core time of those."""

from __future__ import annotations

import pytest

from scaling import api
from tests.api.simulated_training import STUDY, TWO

TREES = "architectures=[{type: tree3, rows: 1, branches: 2, filters: [1, 2, 3, 4, 6, 12]}]"


@pytest.mark.parametrize(
    ("text", "overrides", "partial"),
    [
        (TWO, [], ""),
        (TWO, [TREES], "48 of 96 wanted runs; lenet5 has none"),
        (TWO, ["seeds=2"], "24 of 96 wanted runs; tree3 has 12 of 48; lenet5 has 12 of 48"),
        (STUDY, ["seeds=6"], "36 of 48 wanted runs"),
    ],
)
def test_missing_runs_are_counted_by_curve(training, workspace, study, text, overrides, partial):
    config = study(text)
    api.run(config, workspace, overrides=overrides, in_process=True)
    assert api.load_results(config, workspace).partial == partial
    notes = {note for fit in api.fit(str(config), workspace) for note in fit.notes}
    assert (f"Partial: {partial}." in notes) == bool(partial)


def test_status_report_and_recorded_packs_have_one_core_time(training, workspace, study):
    """A pack of eight replicas costs its whole time, however many of its runs the study wants."""
    config = study(STUDY.replace("seeds: 8", "seeds: 3"))
    api.run(config, workspace, in_process=True)
    packs_s = sum([1, 2, 3, 4, 6, 12])
    assert api.status(config, workspace).core_time.actual_s == pytest.approx(packs_s)
    report = api.report(config, workspace)
    assert report.context.core_s == pytest.approx(packs_s)
    assert f"{packs_s} s of core time" in report.path.read_text()
