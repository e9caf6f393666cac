"""The ratio with the smallest error, on simulated stores: at one cost, at one width, along other axes."""

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

BEST_RATIO, RATIOS = 3.0, [0.5, 1, 1.5, 2, 3, 4, 8, 12, 16]


def simulate_tables(pack):
    """Return tables of a pack with the smallest error where d2/d1 or branches / 16 is ``BEST_RATIO``."""
    network = pack.cell.architecture
    ratio = network.second_filters / network.filters if network.type == "lenet5" else network.branches / 16
    tables = planted_store.planted_tables(pack, {"host": "here", "versions": "{}"})
    rng, images = np.random.default_rng(int(pack.key, 16)), pack.cell.info.test_images
    wrong = rng.binomial(images, 0.2 * np.exp(0.1 * np.log(ratio / BEST_RATIO) ** 2), len(pack.runs))
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
        store.publish(simulate_tables(pack))
    return file


def test_both_numbers_of_filters_change_along_a_curve_of_one_cost(tmp_path, workspace):
    file = study(
        tmp_path,
        workspace,
        *({"type": "lenet5", "macs": macs, "ratio": RATIOS} for macs in (300_000, 1_000_000)),
    )
    result = api.optimum(file, workspace)
    assert [optimum.label for optimum in result.optima] == ["lenet5, 300,000 MACs", "lenet5, 1,000,000 MACs"]
    for optimum in result.optima:
        assert (
            optimum.reason == "all runs share one order of minibatches, and others may have another optimum"
        )
        # Half as wide again as a 95 % interval: four standard errors.
        assert (
            (optimum.x_opt.low / optimum.x_opt.estimate) ** 1.5
            < BEST_RATIO / optimum.x_opt.estimate
            < (optimum.x_opt.high / optimum.x_opt.estimate) ** 1.5
        )
        (rule,) = result.compare_size_depth(optimum)
        assert (rule.maps, rule.ratio) == ("unpooled and pooled", 12 / 2)
        assert "sqrt(size) x depth = constant predicts 6 (unpooled and pooled maps)" in describe_optimum(
            result, optimum
        )
    files = api.draw_optimum(result, tmp_path / "figures")
    assert [file.name for file in files] == [f"optimum_of_ratio.{kind}" for kind in ("svg", "png", "csv")]
    assert len(files[2].read_text().splitlines()) == 1 + 2 * len(RATIOS)


def test_each_width_is_a_curve_and_free_pairs_are_one_curve(tmp_path, workspace):
    file = study(tmp_path, workspace, {"type": "lenet5", "filters": [6, 7], "ratio": RATIOS})
    assert [optimum.label for optimum in api.optimum(file, workspace).optima] == [
        "lenet5, filters 6",
        "lenet5, filters 7",
    ]
    pairs = [
        {"type": "lenet5", "filters": d1, "second_filters": d2}
        for d1, d2 in ((9, 4), (8, 7), (7, 11), (6, 16), (5, 22), (4, 31))
    ]
    (one,) = api.optimum(study(tmp_path, workspace, *pairs), workspace).optima
    assert (one.label, len(one.points.widths)) == ("lenet5", 6)
    assert "differ in width" not in one.reason


def test_ratios_that_follow_from_rounding_at_different_widths_have_no_optimum(tmp_path, workspace):
    entries = (
        {"type": "lenet5", "filters": [1, 2, 3, 4, 6, 8, 12]},
        {"type": "tree3", "filters": [1, 2, 3], "rows": 2},
    )
    result = api.optimum(study(tmp_path, workspace, *entries), workspace)
    (lenet,) = result.optima
    reason = "the networks at different ratios differ in width; give macs or parameters"
    assert (lenet.status, lenet.reason) == (Status.REJECTED, reason)
    assert reason in describe_optimum(result, lenet)
    assert result.failures == ("tree3: this architecture has no ratio",)


def test_any_setting_can_be_the_axis_and_other_networks_are_left_out(tmp_path, workspace):
    entries = (
        {"type": "tree3", "filters": 2, "branches": [4, 12, 36, 100, 300]},
        {"type": "lenet5", "filters": [2, 4, 8]},
    )
    result = api.optimum(study(tmp_path, workspace, *entries), workspace, x="branches")
    (tree,) = result.optima
    assert tree.x_opt.low < 16 * BEST_RATIO < tree.x_opt.high
    assert result.compare_size_depth(tree) == []
    assert result.failures == ("lenet5: this architecture has no branches",)
    with pytest.raises(FitError, match=r"an optimum needs at least 5 values of ratio, not 1"):
        api.optimum(
            study(tmp_path, workspace, {"type": "lenet5", "filters": 6, "second_filters": 12}), workspace
        )
    with pytest.raises(TableError, match=r"^rato: no such column; did you mean ratio"):
        api.optimum(tmp_path / "study.yaml", workspace, x="rato")
