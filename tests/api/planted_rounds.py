"""A study that can grow, and a stand-in for training whose networks err by a planted law."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from scaling.data import Material
from scaling.plan import Pack
from scaling.train import Epoch, Trained
from tests.sweep.planted_training import Training

STUDY = """\
study: grown
dataset: {type: synthetic, size: 50, test_size: 2000, side: 6}
architectures:
  - {type: tree3, rows: 1, branches: 2, filters: [1, 2, 3, 4, 6, 12]}
recipe: {epochs: 1, batch_size: 25, precision: fp32}
seeds: 8
"""
TWO = STUDY.replace("recipe:", "  - {type: lenet5, convolutions: 1, kernel: 3, hidden: [], filters: [1, 2, 3, 4, 6, 12]}\nrecipe:")
"""The same, and a second curve."""
LAWS = {"tree3": (0.5, 0.5, 0.05), "lenet5": (0.4, 0.7, 0.02)}


@dataclass
class Falling(Training):
    """Patch it over ``scaling.sweep.worker.train``. A pack takes a second for each of its filters."""

    diverges: Callable[[int], bool] = lambda filters: False
    """By the number of filters."""

    def trained(self, pack: Pack, material: Material, attempt: int, heard: Callable[[Epoch], None]) -> Trained:
        made = super().trained(pack, material, attempt, heard)
        labels = np.asarray(material.test.labels)
        spec: Any = pack.cell.architecture
        amplitude, exponent, floor = LAWS[spec.type]
        error = amplitude * spec.filters**-exponent + floor
        for slot, run in enumerate(pack.replicas):
            rng = np.random.default_rng([spec.filters, run.seed])
            wrong = rng.random(len(labels)) < error
            made.logits[slot, np.arange(len(labels)), (labels + wrong) % material.facts.image.classes] = 1
        made.diverged[:] = self.diverges(spec.filters)
        return replace(made, wall_s=float(spec.filters))
