"""Engine of a sweep: what runs the workers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from scaling.config.study import Resources
from scaling.durations import format_duration
from scaling.errors import UsageError

LONGEST_WITHOUT_RAY_S = 600.0
"""Estimated wall time up to which worker processes train without Ray.

Set here: the start and the end of Ray, about ten seconds, are then less than two percent of a longer sweep.
"""


class Engine(Enum):
    """Engine of a sweep."""

    IN_PROCESS = "in_process"
    """The driver itself trains, one pack after the other."""
    PROCESSES = "processes"
    """Worker processes on this machine, without Ray."""
    RAY = "ray"


@dataclass(frozen=True, kw_only=True)
class EngineChoice:
    """Engine, and why it was chosen."""

    engine: Engine
    reason: str
    """Sentence for the user; empty if the user chose the engine."""


def choose_engine(
    resources: Resources, *, wall_s: float, address: str | None, in_process: bool
) -> EngineChoice:
    """Choose what runs the workers of a sweep.

    Args:
        resources: resources of the study, which may name an engine.
        wall_s: estimated wall time of the sweep on this machine, in seconds.
        address: address of a running Ray cluster, which takes precedence over the resources.
        in_process: True to train without workers, which takes precedence over the resources.

    Raises:
        UsageError: the engine that the study names cannot share GPUs between packs.
    """
    if in_process:
        return EngineChoice(engine=Engine.IN_PROCESS, reason="")
    if address is not None:
        return EngineChoice(engine=Engine.RAY, reason="")
    if resources.engine != "auto":
        engine = Engine(resources.engine)
        if engine is Engine.PROCESSES and resources.gpus:
            raise UsageError(
                "resources.engine: only ray assigns GPUs to packs; use it, or set resources.gpus to 0"
            )
        return EngineChoice(engine=engine, reason="")
    if resources.gpus:
        return _explain(Engine.RAY, "Ray trains, because packs request GPUs")
    plan_text = f"the plan takes about {format_duration(wall_s)}"
    limit = format_duration(LONGEST_WITHOUT_RAY_S)
    if wall_s > LONGEST_WITHOUT_RAY_S:
        return _explain(Engine.RAY, f"Ray trains, because {plan_text}, more than {limit}")
    return _explain(
        Engine.PROCESSES, f"worker processes train without Ray, because {plan_text}, at most {limit}"
    )


def _explain(engine: Engine, text: str) -> EngineChoice:
    return EngineChoice(engine=engine, reason=f"{text} (resources.engine: auto)")
