from __future__ import annotations

import pytest

from analysis import write_report
from tests.analysis.planted_study import COMMAND, MADE, MISSING, SHORT, lenets, planted, trees


@pytest.fixture(scope="session")
def study():
    """Runs and epochs of two architectures, seven widths and eight seeds."""
    return planted([*lenets(), *trees()], recipe=SHORT)


@pytest.fixture(scope="session")
def report(study, tmp_path_factory):
    runs, epochs = study
    out = tmp_path_factory.mktemp("report")
    return write_report(
        study="planted <study>",
        runs=runs,
        epochs=epochs,
        out=out,
        command=COMMAND,
        created=MADE,
        missing=MISSING,
    )
