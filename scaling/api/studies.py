"""A study against the stores."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from scaling.api.settings import Settings
from scaling.config import load_study
from scaling.plan import Plan, make_plan


def plan(config: Path, settings: Settings | None = None, *, overrides: Sequence[str] = ()) -> Plan:
    """What a study wants, what is done and what the rest costs; nothing is trained.

    Args:
        config: the study's YAML file.
        overrides: such as ``recipe.epochs=5``.

    Raises:
        ConfigError: with every fault of the study.
    """
    settings = settings or Settings()
    study = load_study(config, data=settings.data, overrides=overrides)
    return make_plan(study, settings.stores().ids())
