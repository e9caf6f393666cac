"""Training computes the same losses as when the stored runs were trained."""

from __future__ import annotations

import json

import numpy as np
import pytest

from scaling.config import TRAINING_VERSION
from tests.train.golden_losses import FILE, PACKS, losses

pytestmark = pytest.mark.simulation

GOLDEN = json.loads(FILE.read_text())
SAME_NUMBERS = 1e-5
"""Relative tolerance. Processors sum fp32 in different orders, with an error of 2^-24 for each sum.

Over 32 steps the difference stays some orders of magnitude below this tolerance.
"""
DECIDED = 2e-3
"""Relative tolerance for VGG.

About once in these steps rounding decides which of two values is the larger (see test_against_a_plain_loop).
"""


def test_the_golden_losses_are_of_this_training_version():
    assert GOLDEN["training_version"] == TRAINING_VERSION
    assert set(GOLDEN["packs"]) == set(PACKS)
    for golden in GOLDEN["packs"].values():
        assert {"device", "machine", "vector_instructions", "versions"} < set(golden)


@pytest.mark.parametrize("name", PACKS)
def test_losses_are_the_golden_ones(name):
    golden = GOLDEN["packs"][name]
    for kind, made in losses(PACKS[name]).items():
        np.testing.assert_allclose(
            made,
            golden[kind],
            rtol=DECIDED if name.startswith("vgg") else SAME_NUMBERS,
            err_msg=f"other numbers than on {golden['machine']} with {golden['versions']}: if the code is "
            "the cause, raise TRAINING_VERSION and write new golden losses (see golden_losses.py)",
        )
