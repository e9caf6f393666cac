"""The price of several studies is that of their plans, with shared runs counted once."""

from __future__ import annotations

import pytest

from benchmarks.price import main, prices
from scaling.api import Workspace, plan
from scaling.durations import format_duration

STUDY = """\
study: {name}
dataset: {{type: synthetic, size: 100, test_size: 100}}
architectures: [{{type: lenet5, filters: {filters}}}]
recipe: {{epochs: 1, learning_rate: 0.1}}
seeds: {seeds}
"""


@pytest.fixture
def configs(tmp_path):
    paths = []
    for name, filters, seeds in (("first", "[1, 2]", 8), ("second", "[2, 3]", 16)):
        paths.append(tmp_path / f"{name}.yaml")
        paths[-1].write_text(STUDY.format(name=name, filters=filters, seeds=seeds))
    return paths


def test_shared_packs_are_counted_in_the_first_study(configs, tmp_path):
    workspace = Workspace(store=str(tmp_path / "store"), data=tmp_path)
    first, second = prices(configs, workspace)
    assert (first.study, first.runs, first.packs) == ("first", 16, 2)
    assert (second.study, second.runs, second.packs) == ("second", 24, 3)
    plans = [plan(config, workspace) for config in configs]
    assert first.core_s == pytest.approx(plans[0].core_s)
    shared_s = next(row for row in plans[0].rows() if row.cell.architecture.filters == 2).core_s
    assert second.core_s == pytest.approx(plans[1].core_s - shared_s)


def test_the_command_prints_the_sum(configs, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SCALING_DATA", str(tmp_path))
    main(["--store", str(tmp_path / "store"), *map(str, configs)])
    workspace = Workspace(store=str(tmp_path / "store"), data=tmp_path)
    total_s = sum(price.core_s for price in prices(configs, workspace))
    assert f"40 runs, about {format_duration(total_s)} of core time" in capsys.readouterr().out
