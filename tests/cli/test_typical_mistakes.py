"""Typical mistakes of a first study: each is answered by what was probably meant, without a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

STUDY = """\
study: first
dataset: {type: synthetic, size: 200, test_size: 100, side: 16}
architectures:
  - {type: lenet5, filters: [1, 2, 4]}
"""
DATASET = "{type: synthetic, size: 200, test_size: 100, side: 16}"
NETWORK = "{type: lenet5, filters: [1, 2, 4]}"

FILES = {
    "lr": (STUDY + "recipe: {lr: 0.1}", "recipe.lr: unknown key; did you mean learning_rate?"),
    "lr of a network": (
        STUDY.replace("[1, 2, 4]", "6, lr: 0.1"),
        "architectures[0].lr: unknown key; did you mean architectures[0].recipe.learning_rate?",
    ),
    "epochs at the top": (STUDY + "epochs: 3", "epochs: unknown key; did you mean recipe.epochs?"),
    "momentum": (
        STUDY + "recipe: {momentum: 0.5}",
        "recipe.momentum: unknown key; did you mean recipe.optimizer.momentum?",
    ),
    "batch size of another tool": (
        STUDY + "recipe: {bs: 32}",
        "recipe.bs: unknown key; did you mean batch_size?",
    ),
    "width": (
        STUDY.replace("filters", "width"),
        "architectures[0].width: unknown key; did you mean filters?",
    ),
    "models": (STUDY.replace("architectures", "models"), "models: unknown key; did you mean architectures?"),
    "seed": (STUDY + "seed: 3", "seed: unknown key; did you mean seeds?"),
    "optimizer by name": (STUDY + "recipe: {optimizer: adam}", "got 'adam'; write optimizer: {type: adam}"),
    "optimizers by name": (STUDY + "recipe: {optimizer: [adam, sgd]}", "got 'sgd'; write {type: sgd}"),
    "schedule by name": (STUDY + "recipe: {schedule: onecycle}", "; write schedule: {type: one_cycle}"),
    "data set by name": (STUDY.replace(DATASET, "usps"), "got 'usps'; write dataset: {type: usps}"),
    "name of a data set": (
        STUDY.replace(DATASET, "{name: mnist}"),
        "dataset.type: is missing; write type: mnist in the place of name: mnist; expected one of",
    ),
    "misspelt data set": (STUDY.replace("synthetic", "sinthetic"), "dataset.type: did you mean synthetic?"),
    "misspelt network": (STUDY.replace("lenet5", "LeNet"), "architectures[0].type: did you mean lenet5?"),
    "network by name": (
        STUDY.replace(NETWORK, "tree3"),
        "got 'tree3'; write {type: tree3, filters: [1, 2, 4, 8]}",
    ),
    "network without a dash": (
        STUDY.replace("  - {", "  {"),
        "; begin each entry with a dash, as in - {type: lenet5, filters: [1, 2, 4, 8]}",
    ),
    "list without brackets": (
        STUDY.replace("[1, 2, 4]", "1, 2, 4"),
        "expected text as a key; put a list into brackets, as in [1, 2, 4]",
    ),
    "list as text": (STUDY.replace("[1, 2, 4]", "'1, 2, 4'"), "got '1, 2, 4'; write [1, 2, 4]"),
    "range as text": (STUDY.replace("[1, 2, 4]", "1-4"), "got '1-4'; write a list such as [1, 2, 4, 8]"),
    "quoted number": (
        STUDY + "recipe: {learning_rate: '0.1'}",
        "expected a number, got '0.1'; leave out the quotation marks",
    ),
    "epochs with a point": (STUDY + "recipe: {epochs: 10.0}", "expected an integer, got 10.0; write 10"),
    "list of seeds": (
        STUDY + "seeds: [0, 1, 2]",
        "expected an integer, got [0, 1, 2]; seeds: 3 trains the seeds 0 to 2",
    ),
    "precision of another tool": (
        STUDY + "recipe: {precision: bfloat16}",
        "recipe.precision: did you mean bf16?",
    ),
    "loss of another tool": (
        STUDY + "recipe: {loss: CrossEntropy}",
        "recipe.loss: did you mean cross_entropy?",
    ),
    "file in the place of a data set": (
        STUDY.replace(DATASET, "mine.npz"),
        "got 'mine.npz'; write dataset: {type: npz, path: mine.npz}",
    ),
    "file as a type of data set": (
        STUDY.replace(DATASET, "{type: mine.npz}"),
        "dataset.type: write {type: npz, path: mine.npz}; expected",
    ),
    "code as a type of network": (
        STUDY.replace("type: lenet5", "type: nets.py:Net"),
        "architectures[0].type: write {type: module, module: nets.py:Net, filters: [1, 2, 4, 8]}; expected",
    ),
    "device": (STUDY + "device: cuda", "device: unknown key; did you mean resources.gpus?"),
    "network of another package": (
        STUDY.replace("lenet5", "resnet18"),
        "a network of your own is written {type: module, module: FILE.py:resnet18, filters: [1, 2, 4, 8]}",
    ),
    "no networks": (
        STUDY.replace(f"  - {NETWORK}\n", ""),
        "architectures: expected a list, got None; begin each entry with a dash, as in - {type: lenet5",
    ),
    "nothing": ("", "study.yaml: is empty; give the path of a study's YAML file; scaling init writes one"),
    "misspelt data set of torchvision": (
        STUDY.replace(DATASET, "{type: torchvision, name: FashionMnist}"),
        "dataset.name: did you mean FashionMNIST?",
    ),
    "tabs": (STUDY + "recipe:\n\tepochs: 3", "; indent with spaces"),
}
"""Text of a study, and a part of the message."""

COMMANDS = {
    "plan first.yaml --set epochs=3": "epochs: unknown key; did you mean recipe.epochs?",
    "plan first.yaml --set recipe.lr=0.1": "recipe.lr: unknown key; did you mean learning_rate?",
    "plan first.yaml --set recipe.epochs:3": "expected path=value, such as recipe.epochs=5",
    "plan first.yaml --epochs 3": "to change the setting: --set recipe.epochs=VALUE",
    "run first.yaml --lr 0.1": "to change the setting: --set recipe.learning_rate=VALUE",
    "plan first.yaml --set architectures.filters=[1,2]": "no such setting in first.yaml; architectures is a "
    "list: architectures[0].filters is a setting of its first entry",
    "suggest first.yaml --until 5%": "'--until': expected a valid number. Half width of the 95 % interval",
    "plan": "Missing argument 'CONFIG'. YAML file of a study.",
    "export first.yaml": "Missing option '--to'. tensorboard, wandb, mlflow or trackio.",
    "plan frist.yaml": "frist.yaml: no such file; did you mean first.yaml?",
    "plan first": "first: no such file; did you mean first.yaml?",
    "plan quickstart": "quickstart: no such file; did you mean configs/quickstart.yaml?",
    "plan nothing.yaml": "give the path of a study's YAML file; scaling init writes one",
    "compare table.csv": "table.csv: is a table, and a study (.yaml) is expected; to fit laws to a table: "
    "scaling fit table.csv",
    "status runs.csv": "runs.csv: no such file",
    "rnu first.yaml": "Did you mean 'run'?",
    "fit first.yaml --set recipe.epochs=3 --store results": "results: holds no run of this study; to train "
    "what is missing: scaling run first.yaml --set recipe.epochs=3 --store results",
    "compare first.yaml --set seeds=3 --set recipe.epochs=1": "artifacts/store: holds no run of this study; "
    "to train what is missing: scaling run first.yaml --set seeds=3 --set recipe.epochs=1",
    "suggest first.yaml --until 0.1 --store a": "to train what is missing: scaling run first.yaml --store a",
}
"""Command line, and a part of the message."""


def check(result, message: str) -> None:
    assert result.code == 2
    assert result.out == ""
    assert message in result.err
    assert "Traceback" not in result.err
    assert len(result.err.splitlines()) <= 2


@pytest.mark.parametrize("name", FILES)
def test_a_mistake_in_a_file_is_corrected(scaling, name):
    text, message = FILES[name]
    Path("study.yaml").write_text(text)
    check(scaling("plan", "study.yaml"), message)


@pytest.mark.parametrize("words", COMMANDS)
def test_a_mistake_in_a_command_is_corrected(scaling, words):
    Path("first.yaml").write_text(STUDY)
    Path("table.csv").write_text("filters,test_error\n1,0.3\n2,0.2\n")
    Path("configs").mkdir()
    Path("configs/quickstart.yaml").write_text(STUDY)
    check(scaling(*words.split()), COMMANDS[words])


def test_a_store_in_the_place_of_a_study_is_named(scaling, store):
    check(scaling("report", store), f"{store}: is a store, and a study (.yaml) is expected; to fit laws")


def test_a_new_store_is_said_before_anything_is_trained(scaling, study, store):
    mistyped = store.with_name("stroe")
    first, *_ = scaling("run", study, "--in-process", "--store", mistyped).out.splitlines()
    assert first == f"{mistyped}: a new store, so 10 runs to train; did you mean {store}, which has runs?"
