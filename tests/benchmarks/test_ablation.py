"""Each cause of the speed that acts in the driver is removed and restored."""

from __future__ import annotations

from ray import tune

from benchmarks import ablation
from benchmarks.sweeps import SWEEPS
from scaling.config import load_study
from scaling.plan.packs import make_packs
from scaling.sweep import ray_tune
from scaling.sweep.ray_trial import SweepTrial


def test_causes_are_removed_and_restored(tmp_path):
    """The study has three widths with eight seeds each."""
    config = tmp_path / "study.yaml"
    config.write_text(SWEEPS[0].study(1))
    wanted = list(load_study(config, data=tmp_path).runs())
    with ablation.not_fused():
        assert [pack.size for pack in make_packs(wanted)] == [1] * 24
    packs = make_packs(wanted)
    assert [pack.size for pack in packs] == [8, 8, 4, 4]
    trials = ray_tune.make_trials(packs, workers=2)
    with ablation.shortest_trials_first():
        assert ray_tune.make_trials(packs, workers=2) == trials[::-1]
    with ablation.no_worker_reuse():
        assert not tune.TuneConfig(reuse_actors=True).reuse_actors
    assert tune.TuneConfig(reuse_actors=True).reuse_actors
    assert ray_tune.make_trials(packs, workers=2) == trials


def test_patched_names_exist():
    """The DataLoader is patched in the worker, which no test starts."""
    with ablation.with_data_loader():
        trial = ray_tune.SweepTrial
        assert issubclass(trial, SweepTrial)
        assert trial._work is not SweepTrial._work
    assert ray_tune.SweepTrial is SweepTrial
