from __future__ import annotations

import pytest

from analysis import write_report
from analysis.html_page import PageContext
from tests.analysis.planted_study import COMMAND, CREATED, PARTIAL, SHORT_RECIPE, lenets, plant_study, trees


@pytest.fixture(scope="session")
def study():
    """Runs and epochs of two architectures, seven widths and eight seeds."""
    return plant_study([*lenets(), *trees()], recipe=SHORT_RECIPE)


@pytest.fixture(scope="session")
def report(study, tmp_path_factory):
    runs, epochs = study
    return write_report(
        runs=runs,
        epochs=epochs,
        out=tmp_path_factory.mktemp("report"),
        context=PageContext(
            study="planted <study>", command=COMMAND, created=CREATED, partial=PARTIAL, core_s=125.0
        ),
    )
