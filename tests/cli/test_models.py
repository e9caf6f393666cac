"""Tests of ``scaling models``."""

from __future__ import annotations

import json
import re


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


def test_counts_do_not_touch(scaling):
    """The separators of thousands tell: two counts that touch have four digits, or none, between commas."""
    words = scaling("models").out.split()
    counts = [word for word in words if word[0].isdigit() and "," in word.rstrip(",")]
    assert [count for count in counts if not re.fullmatch(r"\d{1,3}(,\d{3})+[,;]?", count)] == []
