"""Texts of small studies, and lists of names that messages contain."""

from __future__ import annotations

from scaling.architectures import registered

HEAD = "study: example\ndataset: {type: mnist}\n"
LENET = "architectures:\n  - {type: lenet5, filters: 6}\n"
STUDY = HEAD + LENET
AUTO = STUDY + "recipe: {learning_rate: auto}\n"
RECIPE = (
    "augmentation, batch_size, epochs, input_range, learning_rate, loss, optimizer, precision, schedule, "
    "targets, weight_decay"
)
LENETS = (
    "activation, base_filters, convolutions, filters, hidden, kernel, macs, parameters, parametrization, "
    "pooling, ratio, second_filters, type"
)
SCHEDULES = "'constant', 'step', 'piecewise', 'cosine', 'one_cycle'"
TYPES = ", ".join(repr(spec.model_fields["type"].default) for spec in registered())
STUDIES = "architectures, dataset, pilots, pruning, recipe, resources, seeds, store, study"

NOT_A_MAPPING = (
    "expected a mapping with the keys study, dataset, architectures, recipe, seeds, pilots, pruning, "
    "resources, store"
)


def network(settings: str, recipe: str = "{}") -> str:
    """Return a study whose second architecture has the given settings."""
    return f"{HEAD}recipe: {recipe}\n{LENET}  - {{{settings}}}\n"


def second(problem: str) -> str:
    """Return the problem of a setting of the second architecture."""
    return f"architectures[1].{problem}"
