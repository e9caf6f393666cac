"""What runs the workers of a sweep: the choice of the user, or one by GPUs and estimated time."""

from __future__ import annotations

import pytest

from scaling.config.study import Resources
from scaling.errors import UsageError
from scaling.plan.engine import LONGEST_WITHOUT_RAY_S, Engine, choose_engine


@pytest.mark.parametrize(
    ("resources", "wall_s", "engine", "reason"),
    [
        ({}, 60.0, Engine.PROCESSES, "because the plan takes about 60 s, at most 10 min"),
        ({}, LONGEST_WITHOUT_RAY_S, Engine.PROCESSES, "because the plan takes about 10 min, at most 10 min"),
        ({}, 7200.0, Engine.RAY, "because the plan takes about 2.0 h, more than 10 min"),
        ({"gpus": 0.5}, 60.0, Engine.RAY, "because packs request GPUs"),
        ({"engine": "ray"}, 60.0, Engine.RAY, ""),
        ({"engine": "processes"}, 7200.0, Engine.PROCESSES, ""),
    ],
)
def test_engine_follows_from_the_study_and_its_estimated_time(resources, wall_s, engine, reason):
    choice = choose_engine(Resources(**resources), wall_s=wall_s, address=None, in_process=False)
    assert choice.engine is engine
    assert reason in choice.reason
    assert bool(choice.reason) == bool(reason)


@pytest.mark.parametrize("engine", ["auto", "processes", "ray"])
def test_arguments_take_precedence_over_the_study(engine):
    resources = Resources(engine=engine)
    cluster = choose_engine(resources, wall_s=60.0, address="head:6379", in_process=False)
    alone = choose_engine(resources, wall_s=7200.0, address=None, in_process=True)
    assert (cluster.engine, alone.engine) == (Engine.RAY, Engine.IN_PROCESS)
    assert cluster.reason == alone.reason == ""


def test_worker_processes_do_not_share_gpus():
    resources = Resources(engine="processes", gpus=0.5)
    with pytest.raises(UsageError, match=r"^resources\.engine: only ray assigns GPUs"):
        choose_engine(resources, wall_s=60.0, address=None, in_process=False)
