"""Roles of a table's columns by their names: seeds, ids, steps, settings, sizes, outcomes, states.

Names come from many tools: ``lr``, ``config/lr`` (Ray Tune), ``params_lr`` (Optuna) and ``optimizer.lr`` are
one name here, and so are ``learning_rate`` and ``Learning Rate``.
"""

from __future__ import annotations

import re


def name_set(names: str) -> frozenset[str]:
    """Return the names of a text with spaces between them."""
    return frozenset(names.split())


_NAMESPACES = name_set(
    "config cfg conf param params hparam hparams hp hyperparameters args recipe optimizer optim "
)
"""First parts of the names of settings: ``config/lr``, ``params_lr``."""
_TIDY_PREFIX = r"^(architecture|recipe(_optimizer|_schedule|_augmentation(_affine)?)?)_(?!type$)"
"""Groups of settings in the columns of a tidy table: ``recipe_optimizer_momentum``."""
_SEEDS = name_set(
    "seed seeds random_seed random_state rng rng_seed init_seed data_seed model_seed torch_seed "
    "order data_order replicate replica rep repeat repetition fold cv_fold "
)
_IDS = name_set("id uid uuid run_id run_uuid trial_id wandb_id ")
_LABELS = name_set(
    "run trial name run_name trial_name run_index run_number trial_number number experiment_tag index "
)
_STEPS = name_set(
    "training_iteration step steps global_step train_step training_step trainer_global_step iteration "
    "iterations iter iters iterations_since_restore timesteps_total update updates epoch current_epoch "
    "checkpoint tokens_seen samples_seen examples_seen"
)
_SETTINGS = name_set(
    "lr learning_rate learningrate base_lr max_lr peak_lr init_lr initial_lr lr_max bs batch_size "
    "batchsize global_batch_size train_batch_size mini_batch_size per_device_train_batch_size wd "
    "weight_decay l2 momentum beta1 beta2 dropout dropout_rate label_smoothing optimizer optim "
    "optimiser opt epochs n_epochs num_epochs max_epochs max_steps num_steps n_steps train_steps "
    "training_steps scheduler schedule lr_schedule lr_scheduler warmup warmup_steps precision dtype "
    "dataset dataset_name data_set train_images augmentation augment activation loss_function "
    "loss_fn "
)
_SIZES = name_set(
    "d n data data_size dataset_size train_size n_train num_train tokens n_tokens num_tokens "
    "train_tokens training_tokens samples n_samples num_samples examples n_examples num_examples "
    "images train_images flop flops training_flop training_flops compute c parameters params "
    "n_params num_params n_parameters model_size width depth layers n_layers num_layers heads hidden "
    "hidden_size filters channels "
)
_OUTCOMES = name_set(
    "loss losses error errors err acc accuracy accuracies nll mse rmse mae ppl perplexity bpb bpc "
    "auc f1 bleu score metric metrics r2 pred prediction predicted predictions fitted residual std "
    "stderr se time times wall runtime duration elapsed seconds secs sec timestamp date created "
    "started finished memory mem gpu throughput speed per_s grad gradient gradients norm pid rank "
)
_OUTCOME_ENDINGS = ("_s", "_ms", "_sec", "_secs", "_seconds", "_at", "_time")
_STATES = name_set("status state run_state run_status trial_status ")


def short_name(column: str) -> str:
    """Return a column's name in small letters, without what only says where it comes from."""
    last = re.split(r"[/.:]", column.strip())[-1]
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", last)
    name = re.sub(r"\W+", "_", snake).strip("_").lower()
    name = re.sub(_TIDY_PREFIX, "", name)
    first, _, rest = name.partition("_")
    return rest if rest and first in ("param", "params", "hparam", "hparams", "hp", "config", "cfg") else name


def is_seed(column: str) -> bool:
    """Return True for a number that tells replicates apart, such as a seed or a fold."""
    return short_name(column) in _SEEDS


def is_id(column: str) -> bool:
    """Return True for a name that one run has, such as ``trial_id``."""
    return short_name(column) in _IDS


def is_label(column: str) -> bool:
    """Return True for a name that may be that of one run or of several, such as ``name``."""
    return short_name(column) in _LABELS


def is_step(column: str) -> bool:
    """Return True for a count that grows while one run trains, such as ``step`` or ``epoch``."""
    return short_name(column) in _STEPS


def is_setting(column: str) -> bool:
    """Return True for a setting of training, of which replicates have one value, such as ``lr``."""
    return short_name(column) in _SETTINGS


def is_size(column: str) -> bool:
    """Return True for a size of a network or of its training, such as ``parameters`` or ``tokens``."""
    return short_name(column) in _SIZES


def may_be_setting(column: str) -> bool:
    """Return True for a size, such as ``tokens``, and for a column that its name calls a setting."""
    namespace = re.split(r"[/.:_]", column.strip().lower())[0]
    return is_size(column) or (namespace in _NAMESPACES and len(short_name(column)) < len(column))


def is_outcome(column: str) -> bool:
    """Return True for a number that a run produces, such as an error or a time."""
    name = short_name(column)
    return name.endswith(_OUTCOME_ENDINGS) or not _OUTCOMES.isdisjoint(name.split("_"))


def is_state(column: str) -> bool:
    """Return True for the state of a run, such as ``finished`` or ``crashed``."""
    return short_name(column) in _STATES


def is_accuracy(column: str) -> bool:
    """Return True for a share of right predictions; ``1 - accuracy`` is an error."""
    return not column.startswith("1 - ") and not {"acc", "accuracy", "accuracies", "top1", "top5"}.isdisjoint(
        short_name(column).split("_")
    )
