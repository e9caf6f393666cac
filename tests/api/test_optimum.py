"""The ratio that errs least, from planted stores: at one cost, at one width, and along other workspace."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest

from analysis.optimum import describe_optimum
from benchmarks import planted_store
from scaling import api
from scaling.errors import FitError, TableError
from scaling.fit import Status
from scaling.store import open_store

LEAST, RATIOS = 3.0, [0.5, 1, 2, 4, 8, 16]


def curved(pack):
    """The tables of a pack whose error is lowest where d2/d1, or the branches over 16, is ``LEAST``."""
    network = pack.cell.architecture
    ratio = network.second_filters / network.filters if network.type == "lenet5" else network.branches / 16
    tables = planted_store.planted_tables(pack, {})
    rng, images = np.random.default_rng(int(pack.key, 16)), pack.cell.info.test_images
    wrong = rng.binomial(images, 0.2 * np.exp(0.1 * np.log(ratio / LEAST) ** 2), len(pack.runs))
    runs = tables["runs"]
    runs = runs.set_column(
        runs.schema.get_field_index("test_error"), runs.schema.field("test_error"), pa.array(wrong / images)
    )
    return tables | {"runs": runs}


@pytest.fixture
def workspace(tmp_path):
    return api.Workspace(store=str(tmp_path / "store"), artifacts=tmp_path / "artifacts")


def study(tmp_path, workspace, *entries):
    file = tmp_path / "study.yaml"
    file.write_text(
        json.dumps({"study": "x", "dataset": {"type": "usps"}, "architectures": entries, "seeds": 8})
    )
    store = open_store(workspace.store)
    for pack in api.plan(file, workspace).packs:
        store.publish(curved(pack))
    return file


def test_at_one_cost_both_numbers_of_filters_change_along_a_curve(tmp_path, workspace):
    file = study(
        tmp_path,
        workspace,
        *({"type": "lenet5", "macs": macs, "ratio": RATIOS} for macs in (300_000, 1_000_000)),
    )
    made = api.optimum(file, workspace)
    assert [each.label for each in made.optima] == ["lenet5, 300,000 MACs", "lenet5, 1,000,000 MACs"]
    for each in made.optima:
        assert each.status is Status.USABLE
        # Half as wide again as a 95 % interval: four standard errors.
        assert (
            (each.x_opt.low / each.x_opt.estimate) ** 1.5
            < LEAST / each.x_opt.estimate
            < (each.x_opt.high / each.x_opt.estimate) ** 1.5
        )
        (rule,) = made.compare_size_depth(each)
        assert (rule.maps, rule.ratio) == ("unpooled and pooled", 12 / 2)
        assert "sqrt(size) x depth = constant predicts 6 (unpooled and pooled maps)" in describe_optimum(
            made, each
        )
    files = api.draw_optimum(made, tmp_path / "figures")
    assert [file.name for file in files] == [f"optimum_of_ratio.{kind}" for kind in ("svg", "png", "csv")]
    assert len(files[2].read_text().splitlines()) == 1 + 2 * len(RATIOS)


def test_at_one_width_each_width_is_a_curve_and_pairs_are_one(tmp_path, workspace):
    file = study(tmp_path, workspace, {"type": "lenet5", "filters": [6, 7], "ratio": RATIOS})
    assert [each.label for each in api.optimum(file, workspace).optima] == [
        "lenet5, filters 6",
        "lenet5, filters 7",
    ]
    pairs = [
        {"type": "lenet5", "filters": d1, "second_filters": d2}
        for d1, d2 in ((9, 4), (8, 7), (7, 11), (6, 16), (5, 22), (4, 31))
    ]
    (one,) = api.optimum(study(tmp_path, workspace, *pairs), workspace).optima
    assert (one.label, len(one.points.widths)) == ("lenet5", 6)


def test_any_setting_is_an_axis_and_other_networks_are_let_be(tmp_path, workspace):
    entries = (
        {"type": "tree3", "filters": 2, "branches": [4, 12, 36, 100, 300]},
        {"type": "lenet5", "filters": [2, 4, 8]},
    )
    made = api.optimum(study(tmp_path, workspace, *entries), workspace, x="branches")
    (tree,) = made.optima
    assert tree.x_opt.low < 16 * LEAST < tree.x_opt.high
    assert made.compare_size_depth(tree) == []
    assert [line for line in made.failures if line.startswith("lenet5")]
    with pytest.raises(FitError, match=r"an optimum needs at least 3 values of ratio, not 1"):
        api.optimum(
            study(tmp_path, workspace, {"type": "lenet5", "filters": 6, "second_filters": 12}), workspace
        )
    with pytest.raises(TableError, match=r"^rato: no such column; did you mean ratio"):
        api.optimum(tmp_path / "study.yaml", workspace, x="rato")
