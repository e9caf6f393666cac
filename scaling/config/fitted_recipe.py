"""Recipes of architectures for which only some settings have a meaning.

Of an architecture that is fitted in one go, this is ``input_range``; of a network with its own optimiser and
loss, ``epochs`` and others. The study's recipe is for all architectures: such an architecture takes its
settings from it and ignores the rest. In its own recipe, any other setting is a mistake. The identity of its
runs has placeholders, so that no recipe of another architecture changes their ids.
"""

from __future__ import annotations

from typing import Any

from scaling.config.recipe import Constant, Recipe, Sgd

_PLACEHOLDERS = Recipe(
    optimizer=Sgd(momentum=0.0, nesterov=False),
    learning_rate=1.0,
    schedule=Constant(),
    epochs=1,
    batch_size=1,
    precision="fp32",
)
"""Values of all other settings. They are part of the ids of all such runs, so they must not change."""


def used_settings(recipe: dict[str, Any], used: frozenset[str]) -> dict[str, Any]:
    """Return the settings that have a meaning, and unknown keys, which are reported like any other."""
    unused = set(unused_settings(recipe, used))
    return {name: value for name, value in recipe.items() if name not in unused}


def unused_settings(recipe: dict[str, Any], used: frozenset[str]) -> list[str]:
    """Return the names of the settings that have no meaning."""
    return [name for name in recipe if name in Recipe.model_fields and name not in used]


def with_placeholders(recipe: Recipe, used: frozenset[str]) -> Recipe:
    """Return a recipe with placeholders for the settings that have no meaning."""
    return _PLACEHOLDERS.model_copy(update={name: getattr(recipe, name) for name in used})
