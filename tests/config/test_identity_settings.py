"""A new setting needs an identity default; otherwise every stored run would get a new id."""

from __future__ import annotations

from typing import Annotated

from pydantic import TypeAdapter

from scaling.config import Run
from tests.config.identity_settings import nested_models

ALWAYS = {
    "Run": {"data", "architecture", "recipe", "seed", "order", "training_version"},
    "Data": {"type", "fingerprint"},
    "Pruning": {"method", "sizes", "recipe"},
    "Lenet5": {"type", "filters", "second_filters"},
    "Tree3": {"type", "filters", "rows"},
    "Vgg": {"type", "filters", "depth"},
    "OwnLightning": {"type", "filters", "factory", "code"},
    "OwnModule": {"type", "filters", "factory", "code"},
    "Lenet1": {"type", "filters"},
    "Lenet1Teaching": {"type", "filters"},
    "Zipcode1989": {"type", "filters"},
    **{f"Net{number}": {"type", "filters"} for number in range(1, 6)},
    "Hybrid1988": {"type", "filters"},
    "Lenet4": {"type", "filters"},
    "Lenet5Of1998": {"type", "filters"},
    "Svm": {"type", "filters", "C", "gamma"},
    "Knn": {"type", "filters", "k"},
    "LinearClassifier": {"type", "filters", "C"},
    "Recipe": {"optimizer", "learning_rate", "schedule", "epochs", "batch_size", "precision"},
    "Sgd": {"type", "momentum", "nesterov"},
    "Adam": {"type", "beta1", "beta2", "epsilon"},
    "AdamW": {"type", "beta1", "beta2", "epsilon"},
    "Constant": {"type"},
    "Step": {"type", "every", "factor"},
    "Cosine": {"type"},
    "OneCycle": {"type", "warmup"},
    "Piecewise": {"type", "epochs", "factors"},
    "Augmentation": set(),
    "Affine": set(),
}
"""Settings that every identity includes.

Only a new model adds to this list. A new setting of an old model has an ``IdentityDefault`` that reproduces
the behaviour before the setting existed.
"""
LISTS = {"hidden", "targets"}
"""Settings whose value is a list. A file's list is accepted in place of a tuple, so they are not strict."""


def test_every_other_setting_has_a_marker():
    included = {
        group.__name__: set(group.setting_names()) - set(group.identity_defaults())
        for group in nested_models(Run)
    }
    assert included == ALWAYS, (
        "give a new setting the marker IdentityDefault(value that reproduces the old behaviour)"
    )


def test_identity_defaults_are_valid_values():
    for group in nested_models(Run):
        assert set(group.identity_defaults()) <= set(group.setting_names())
        for name, marker in group.identity_defaults().items():
            adapter = TypeAdapter(
                Annotated[group.model_fields[name].annotation, *group.model_fields[name].metadata]
            )
            assert adapter.validate_python(marker.value, strict=name not in LISTS) == marker.value
