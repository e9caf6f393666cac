"""A network of the user's own goes through every use case, and a store of its runs needs no code."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from scaling import api
from scaling.architectures.own_networks import records
from scaling.errors import ConfigError, UsageError
from scaling.store import open_store
from tests.own_specs import NETS

STUDY = """\
study: own
dataset: {type: synthetic, size: 200, test_size: 100, side: 8}
architectures:
  - {type: module, module: nets.py:ConvNet, filters: [1, 2, 3, 4], hidden: [[], [5]]}
recipe: {epochs: 1, batch_size: 50, precision: fp32}
seeds: 2
store: {weights: all}
"""
EXAMPLES = Path(__file__).parents[2] / "examples"
CODE = "architecture.code"


@pytest.fixture
def own_study(study, tmp_path, monkeypatch):
    monkeypatch.setattr(records, "user_cache_path", lambda name: tmp_path / "cache" / name)
    monkeypatch.setattr(records, "_known", {})
    shutil.copy(NETS, tmp_path / "nets.py")
    return study(STUDY)


def forget(tmp_path, monkeypatch) -> None:
    """Empty the cache of records."""
    shutil.rmtree(tmp_path / "cache")
    monkeypatch.setattr(records, "_known", {})


def test_every_use_case(own_study, workspace, tmp_path, monkeypatch):
    plan = api.plan(own_study, workspace)
    assert plan.new == 4 * 2 * 2
    assert {row.label for row in plan.rows()} == {"ConvNet, hidden none", "ConvNet, hidden 5"}
    assert plan.training_notes == ("ConvNet: the replicas of a pack train as one fused network",)
    outcome = api.run(own_study, workspace, in_process=True, quiet=True)
    assert (outcome.trained, outcome.failures) == (16, ())
    assert api.plan(own_study, workspace).new == 0
    assert len(api.fit(str(own_study), workspace)) == 2
    assert "ConvNet, hidden 5" in api.report(own_study, workspace).path.read_text()
    run_id = open_store(workspace.store).runs(["id"])["id"][0].as_py()
    with pytest.raises(UsageError, match="name a study"):
        api.inspect(run_id, workspace)
    assert api.inspect(run_id, workspace, configs=[own_study]).figures
    other_settings = tmp_path / "other.yaml"
    other_settings.write_text(own_study.read_text().replace("filters: [", "norm: true, filters: ["))
    assert "norm: true" in other_settings.read_text()
    assert api.inspect(run_id, workspace, configs=[other_settings]).figures

    code = tmp_path / "nets.py"
    stored = api.load_results(own_study, workspace).runs["config_json"][0].as_py()
    code_hash = json.loads(stored)["architecture"]["code"]
    text = code.read_text()
    code.write_text(text + "# a comment\n")
    with pytest.raises(UsageError, match="no study that `config` names has the code of ConvNet that trained"):
        api.inspect(run_id, workspace, configs=[own_study])
    changed = api.plan(own_study, workspace)
    assert changed.new == 16
    reason = api.why(changed.wanted[0].run.id, workspace, configs=[own_study])
    assert [difference.setting for difference in reason.differences] == [CODE]

    code.unlink()
    forget(tmp_path, monkeypatch)
    monkeypatch.setitem(sys.modules, "nets", None)  # an import of the code would fail
    assert len(api.fit(workspace.store, workspace)) == 2
    assert len(api.fit(workspace.store, workspace, options=api.FitOptions(x="parameters"))) == 2
    with pytest.raises(ConfigError, match=r"architectures\[0\]\.module: .*nets.py: no such file"):
        api.plan(own_study, workspace)
    own_study.write_text(STUDY.replace("filters", f"code: {code_hash}, filters"))
    assert len(api.fit(str(own_study), workspace)) == 2
    with pytest.raises(ConfigError, match=r"architectures\[0\]\.module: missing runs need nets.py:ConvNet"):
        api.plan(own_study, workspace, overrides=["seeds=12"])


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        (
            "module: nets.py",
            r"architectures\[0\]\.module: expected FILE\.py:NAME or package.*, got 'nets\.py'",
        ),
        ("factory: ConvNet", r"architectures\[0\]\.module: is missing"),
        ("module: nets.py:ConvNet, dropuot: 0.1", r"unexpected keyword argument 'dropuot'"),
        ("module: nets.py:ConvNet, image: 3", r"image follows from the data set"),
        ("module: nets.py:ConvNet, norm: {a: 1}", r"norm: expected a number, text"),
        ("module: nets.py:ConvNet, code: abc", r"architectures\[0\]\.code: "),
        ("module: nets.py:ConvNet, seeds: 0", r"architectures\[0\]\.seeds: "),
        ("module: nets.py:ConvNet, parameters: -1", r"architectures\[0\]\.parameters: "),
        (f"module: nets.py:ConvNet, code: '{'0' * 64}'", r"code: the code of nets.py has changed"),
        ("module: nets.py:ConvNet, recipe: {precision: bf16}", r"precision: expected fp32.*ConvNet trains"),
    ],
)
def test_refusals_of_a_study(own_study, workspace, settings, problem):
    text = STUDY.replace("module: nets.py:ConvNet", settings).replace("[[], [5]]", "[]")
    own_study.write_text(text.replace("[1, 2, 3, 4]", "2"))
    with pytest.raises(ConfigError, match=problem) as error:
        api.plan(own_study, workspace)
    assert "Traceback" not in str(error.value)


LIGHTNING = """\
study: own
dataset: {type: synthetic, size: 200, test_size: 100, side: 12}
architectures:
  - {type: lightning, module: my_lightning.py:SmoothNet, filters: 2}
recipe: {epochs: 1, batch_size: 50, precision: fp32}
seeds: 1
"""


def test_a_lightning_module_ignores_the_optimiser_of_the_study(own_study, workspace, tmp_path):
    shutil.copy(EXAMPLES / "own_lightning" / "my_lightning.py", tmp_path)
    own_study.write_text(LIGHTNING)
    ids = {
        tuple(run.id for _, run in api.plan(own_study, workspace, overrides=overrides).wanted)
        for overrides in ([], ["recipe.learning_rate=0.05"], ["recipe.learning_rate=0.01"])
    }
    assert len(ids) == 2  # 0.05 is the default
    own_study.write_text(LIGHTNING.replace("fp32}", "fp32, weight_decay: 0.1, schedule: {type: cosine}}"))
    assert tuple(run.id for _, run in api.plan(own_study, workspace).wanted) in ids


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "filters: 2, recipe: {weight_decay: 0.1}",
            r"weight_decay: has no meaning for a network",
        ),
        ("filters: 2, recipe: {precision: bf16}", r"precision: expected fp32"),
        ("filters: 2, learning_rate: 0.1", r"learning_rate is the one of the recipe; leave it out"),
        ("filters: 2, smothing: 0.1", r"unexpected keyword argument 'smothing'"),
    ],
)
def test_refusals_of_a_lightning_module(own_study, workspace, tmp_path, text, problem):
    shutil.copy(EXAMPLES / "own_lightning" / "my_lightning.py", tmp_path)
    own_study.write_text(LIGHTNING.replace("filters: 2", text))
    with pytest.raises(ConfigError, match=problem):
        api.plan(own_study, workspace)


def test_an_override_that_a_lightning_module_does_not_use_is_refused(own_study, workspace, tmp_path):
    shutil.copy(EXAMPLES / "own_lightning" / "my_lightning.py", tmp_path)
    own_study.write_text(LIGHTNING)
    with pytest.raises(ConfigError, match=r"no run uses it; with its own: lightning"):
        api.plan(own_study, workspace, overrides=["recipe.optimizer={type: adam}"])


def test_error_in_a_training_step_ends_the_run_before_training_with_one_message(
    own_study, workspace, tmp_path
):
    text = (EXAMPLES / "own_lightning" / "my_lightning.py").read_text()
    (tmp_path / "my_lightning.py").write_text(text.replace("training_step(self, ", "training_step(self, x, "))
    own_study.write_text(LIGHTNING.replace("seeds: 1", "seeds: 3"))
    with pytest.raises(UsageError, match=r"^my_lightning\.py: the training raised TypeError: "):
        api.run(own_study, workspace, in_process=True)
    assert not open_store(workspace.store).ids()
    (tmp_path / "my_lightning.py").write_text(text)
    assert api.run(own_study, workspace, in_process=True).trained == 3


def test_a_module_that_is_no_lightning_module(own_study, workspace, tmp_path):
    own_study.write_text(STUDY.replace("type: module", "type: lightning"))
    with pytest.raises(ConfigError, match=r"unexpected keyword argument 'learning_rate'"):
        api.plan(own_study, workspace)
