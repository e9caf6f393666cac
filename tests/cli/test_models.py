"""Tests of ``scaling models``."""

from __future__ import annotations

import json


def test_models_lists_counts_beside_published_counts(scaling):
    result = scaling("models")
    assert (result.code, result.err) == (0, "")
    assert "61,706 parameters" in result.out
    assert "lenet4: The paper gives no connection tables." in result.out
    assert "…" not in result.out
    rows = json.loads(scaling("models", "--json").out)
    (lenet,) = [row for row in rows if row["name"].startswith("lenet5,") and row["images"] == "MNIST"]
    assert lenet["parameters"] == 61_706
    assert sum(layer["parameters"] for layer in lenet["layers"]) == 61_706
