"""Planted laws, candidate sizes and designs for the tests of proposals."""

from __future__ import annotations

import numpy as np

from scaling.fit import CandidateSize, EstimationOptions, Fit, Points, Quantity, SequentialDesign, fit
from tests.fit.planted_laws import bare_points, curve, plant

LAW = (0.4, 0.5, 0.05)
VALUES_LAW, SCATTER = (40.0, 0.5, 3.0), 0.02
TEST_IMAGES = 10_000
SIZES = (1, 2, 3, 4, 6, 8, 12)


def fit_planted(law=LAW, seed=0, widths=SIZES, seeds=4, test_images=TEST_IMAGES, resamplings=400):
    return fit(
        plant(law, np.random.default_rng(seed), widths=widths, seeds=seeds, test_images=test_images),
        EstimationOptions(holdout=0, resamplings=resamplings),
    )


def make_candidates(*widths: float, seeds: int = 4, block: int = 4, known=SIZES) -> list[CandidateSize]:
    """Candidate sizes whose cost rises with size; the known sizes have seeds already."""
    return [
        CandidateSize(
            x=float(x),
            existing_seeds=seeds if x in known else 0,
            block_size=block,
            block_cost_s=10.0 + float(x) ** 1.5,
        )
        for x in widths
    ]


CANDIDATES = make_candidates(*SIZES)


def make_design(planted_fit: Fit, target: float, of: str = "prediction@2x", sizes=None) -> SequentialDesign:
    return SequentialDesign(
        planted_fit,
        Quantity.parse(of, float(max(SIZES))),
        target=target,
        sizes=sizes or make_candidates(*SIZES, 16, 24),
    )


def plant_values(seed, widths=SIZES, counts=4) -> Points:
    """Return losses with a scatter of 2 % of their mean; a larger study has the runs of a smaller one."""
    counts = np.broadcast_to(counts, len(widths))
    x = np.repeat(np.array(widths, dtype=float), counts)
    scatter = [np.random.default_rng([*seed, k]).standard_normal(n) for k, n in enumerate(counts)]
    return bare_points(x, curve(x, VALUES_LAW) * np.exp(SCATTER * np.concatenate(scatter)))
