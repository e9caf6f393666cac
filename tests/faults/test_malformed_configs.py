"""Malformed configs are refused with a short message that names the place, or are valid studies."""

from __future__ import annotations

import pytest

from tests.faults.malformed_configs import CONFIGS, judge, mutants

SMALL = [CONFIGS / "history" / f"{name}.yaml" for name in ("hybrid1988", "lenet4", "zipcode1989_distorted")]


@pytest.mark.parametrize(
    ("count", "configs"),
    [
        (28, SMALL),  # each mutation once
        pytest.param(1000, sorted(CONFIGS.rglob("*.yaml")), marks=pytest.mark.slow),
    ],
)
def test_malformed_config_is_refused_or_is_a_valid_study(tmp_path, count, configs):
    outcomes = [judge(mutant, tmp_path) for mutant in mutants(count, 0, configs)]
    assert [(o.mutant.mutation, o.violation) for o in outcomes if o.violation] == []
    assert {bool(o.message) for o in outcomes} == {True, False}
