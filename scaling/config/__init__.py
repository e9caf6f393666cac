"""A study's YAML file, its recipe, and the identity of each run."""

from __future__ import annotations

from scaling.config.identity import SEEDS_PER_ORDER, TRAINING_VERSION, Data, Run, flatten_settings
from scaling.config.load import load_study
from scaling.config.pilots import RateChoice
from scaling.config.recipe import Recipe
from scaling.config.study import Cell, CellRun, Resources, Study
from scaling.config.study_source import StudySettings, StudySource

__all__ = [
    "SEEDS_PER_ORDER",
    "TRAINING_VERSION",
    "Cell",
    "CellRun",
    "Data",
    "RateChoice",
    "Recipe",
    "Resources",
    "Run",
    "Study",
    "StudySettings",
    "StudySource",
    "flatten_settings",
    "load_study",
]
