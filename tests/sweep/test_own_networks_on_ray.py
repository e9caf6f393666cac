"""Networks of the user's own on real Ray: the driver is killed in the middle, and the next one continues.

pytest -m slow tests/sweep/test_own_networks_on_ray.py
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from time import sleep

import numpy as np
import pytest

from scaling import api
from scaling.store import open_store
from scaling.temporary_folder import temporary_folder

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
ENTRIES = {
    "own_network/my_nets.py": "{type: module, module: my_nets.py:SmallNet, filters: [1, 2], dropout: 0.1}",
    "own_lightning/my_lightning.py": "{type: lightning, module: my_lightning.py:SmoothNet, filters: [1, 2]}",
}
STUDY = """\
study: own
dataset: {{type: npz, path: mine.npz}}
architectures: [{entry}]
recipe: {{epochs: 8, batch_size: 20, learning_rate: 0.02, precision: fp32}}
seeds: 2
resources: {{engine: {engine}, workers: 2}}
"""


def write_images(file: Path) -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 2500)
    images = (rng.random((10, 16, 16))[labels] * 128 + rng.integers(0, 128, (2500, 16, 16))).astype(np.uint8)
    np.savez(
        file,
        train_images=images[:2000],
        train_labels=labels[:2000],
        test_images=images[2000:],
        test_labels=labels[2000:],
    )


@pytest.mark.parametrize("file", ENTRIES)
def test_a_killed_sweep_continues_and_ends_with_the_bits_of_training_without_ray(file, tmp_path):
    shutil.copy(ROOT / "examples" / file, tmp_path)
    write_images(tmp_path / "mine.npz")
    study = tmp_path / "study.yaml"
    study.write_text(STUDY.format(entry=ENTRIES[file], engine="ray"))
    store = tmp_path / "store"
    with temporary_folder() as folder:
        command = [sys.executable, "-m", "scaling", "run", str(study), "--store", str(store)]
        environment = os.environ | {"TMPDIR": str(folder), "PYTHONPATH": str(ROOT)}
        with subprocess.Popen(command, cwd=tmp_path, env=environment) as driver:
            while not open_store(store).ids():
                assert driver.poll() is None
                sleep(0.1)
            driver.send_signal(signal.SIGKILL)
        assert len(open_store(store).ids()) < 4
        subprocess.run(command, cwd=tmp_path, env=environment, check=True)
    study.write_text(STUDY.format(entry=ENTRIES[file], engine="auto"))
    alone = api.Workspace(store=str(tmp_path / "alone"), data=tmp_path, artifacts=tmp_path / "artifacts")
    assert api.run(study, alone, in_process=True, quiet=True).trained == 4
    of_ray, of_one_process = open_store(store), open_store(tmp_path / "alone")
    assert of_ray.ids() == of_one_process.ids()
    assert of_ray.predictions(of_ray.ids()).equals(of_one_process.predictions(of_ray.ids()))
