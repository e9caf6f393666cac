"""A new leaf must say what it was before it existed, or it makes every stored run a new one."""

from __future__ import annotations

from typing import Annotated

from pydantic import TypeAdapter

from scaling.config import Run
from tests.config.identity_settings import groups

ALWAYS = {
    "Run": {"data", "architecture", "recipe", "seed", "order", "training_version"},
    "Data": {"type", "fingerprint"},
    "Lenet5": {"type", "filters", "second_filters"},
    "Tree3": {"type", "filters", "rows"},
    "Vgg": {"type", "filters", "depth"},
    "Recipe": {"optimizer", "learning_rate", "schedule", "epochs", "batch_size", "precision"},
    "Sgd": {"type", "momentum", "nesterov"},
    "Adam": {"type", "beta1", "beta2", "epsilon"},
    "AdamW": {"type", "beta1", "beta2", "epsilon"},
    "Constant": {"type"},
    "Step": {"type", "every", "factor"},
    "Cosine": {"type"},
    "OneCycle": {"type", "warmup"},
    "Augmentation": set(),
}
"""Leaves that are in every identity. Only a new group adds to this; a leaf of an old one is Frozen at what it was before it existed."""


def test_every_other_leaf_is_frozen_or_derived():
    found = {
        group.__name__: set(group.setting_names()) - set(group.identity_defaults()) for group in groups(Run)
    }
    assert found == ALWAYS, (
        "give a new leaf the mark Frozen(value that reproduces the behaviour before it), see scaling.settings"
    )


def test_frozen_values_are_values_of_their_leaves():
    for group in groups(Run):
        assert set(group.identity_defaults()) <= set(group.setting_names())
        for name, mark in group.identity_defaults().items():
            leaf = TypeAdapter(
                Annotated[group.model_fields[name].annotation, *group.model_fields[name].metadata]
            )
            assert leaf.validate_python(mark.value, strict=name != "hidden") == mark.value
