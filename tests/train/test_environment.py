"""Variables of schedulers and launchers: a pack is one process, and trains to the same bits."""

from __future__ import annotations

import os

import numpy as np
import pytest
from safetensors.torch import save_file

from scaling.train import PackResult, train
from tests.train.tiny_packs import TREE, cell, few_images, loaded_dataset, pack

ENVIRONMENTS = {
    "slurm": {
        "SLURM_JOB_ID": "1",
        "SLURM_JOB_NAME": "train",
        "SLURM_JOB_NODELIST": "localhost",
        "SLURM_LOCALID": "1",
        "SLURM_NODEID": "1",
        "SLURM_NTASKS": "4",
        "SLURM_NNODES": "2",
        "SLURM_PROCID": "3",
    },
    "lsf": {
        "JSM_NAMESPACE_LOCAL_RANK": "1",
        "JSM_NAMESPACE_RANK": "5",
        "JSM_NAMESPACE_SIZE": "8",
        "LSB_DJOB_RANKFILE": "/nowhere/rankfile",
        "LSB_JOBID": "1",
    },
    "pbs": {"NCPUS": "8", "PBS_JOBID": "1", "PBS_NODEFILE": "/nowhere/nodes", "PBS_NODENUM": "3"},
    "kubernetes": {
        "KUBERNETES_SERVICE_HOST": "10.0.0.1",
        "MASTER_ADDR": "head",
        "MASTER_PORT": "23456",
        "RANK": "2",
        "WORLD_SIZE": "4",
    },
    "torchrun": {
        "GROUP_RANK": "1",
        "LOCAL_RANK": "1",
        "LOCAL_WORLD_SIZE": "2",
        "MASTER_ADDR": "10.0.0.1",
        "MASTER_PORT": "29500",
        "RANK": "3",
        "TORCHELASTIC_RUN_ID": "none",
        "WORLD_SIZE": "4",
    },
    "mpi": {
        "OMPI_COMM_WORLD_LOCAL_RANK": "1",
        "OMPI_COMM_WORLD_RANK": "3",
        "OMPI_COMM_WORLD_SIZE": "4",
        "PMI_RANK": "3",
        "PMI_SIZE": "4",
    },
    "lightning": {
        "NODE_RANK": "1",
        "PL_TRAINER_LIMIT_TRAIN_BATCHES": "0",
        "PL_TRAINER_MAX_STEPS": "1",
        "PL_TRAINER_NUM_NODES": "2",
        "PL_TRAINER_PRECISION": "16-true",
    },
}


def train_tiny_pack() -> PackResult:
    tiny = pack(cell(TREE, few_images(TREE), epochs=2), seeds=range(2))
    return train(tiny, loaded_dataset(tiny.cell.dataset), device="cpu")


@pytest.fixture(scope="module")
def undisturbed() -> PackResult:
    return train_tiny_pack()


@pytest.mark.parametrize("variables", ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_variables_of_a_scheduler_change_no_bit(variables, undisturbed, monkeypatch):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    before = dict(os.environ)
    result = train_tiny_pack()
    assert dict(os.environ) == before
    assert len(result.history) == 2
    assert np.array_equal(result.logits, undisturbed.logits)


def test_checkpoint_of_another_program_in_the_working_folder_is_ignored(undisturbed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SLURM_NTASKS", "1")
    save_file({}, "hpc_ckpt_1.ckpt")  # Lightning resumes from such a file under Slurm
    assert np.array_equal(train_tiny_pack().logits, undisturbed.logits)
