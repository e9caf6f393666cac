"""Schemas of a store's tables.

The metadata of each field say what the column means, and in which unit, in every file as well. The metadata
of every file name the version of its schema. Column names carry units, too.
"""

from __future__ import annotations

import pyarrow as pa

SCHEMA_VERSION = 1
"""Version of the schemas; a file with a higher version is refused."""


def column(name: str, kind: pa.DataType, description: str, unit: str = "") -> pa.Field:
    """Return a column whose metadata say what it means.

    Args:
        name: name of the column.
        kind: type of its values.
        description: meaning, as a phrase without a full stop.
        unit: unit of a number; empty for text, truth values and numbers that only name something.
    """
    return pa.field(name, kind, metadata={"description": description} | ({"unit": unit} if unit else {}))


def _table(*columns: pa.Field) -> pa.Schema:
    return pa.schema(columns, metadata={"scaling.schema": str(SCHEMA_VERSION)})


_TEXT, _INTEGER, _REAL, _BOOLEAN = pa.string(), pa.int64(), pa.float64(), pa.bool_()

RUNS_SCHEMA = _table(
    column("id", _TEXT, "Id of the run: the first 20 hexadecimal digits of the SHA-256 of config_json"),
    column(
        "config_json", _TEXT, "Canonical JSON of the run's identity: data, architecture, recipe, seed, order"
    ),
    column("dataset", _TEXT, "Data set"),
    column("fingerprint", _TEXT, "SHA-256 of the data set's content in canonical order"),
    column("train_images", _INTEGER, "Training images in an epoch", "images"),
    column("validation_images", _INTEGER, "Training images held out for validation", "images"),
    # Channels, side, classes and the configuration determine the network.
    column("channels", _INTEGER, "Channels of an image; null in older rows", "channels"),
    column("side", _INTEGER, "Height and width of an image; null in older rows", "pixels"),
    column("classes", _INTEGER, "Classes in use; null in older rows", "classes"),
    column("architecture", _TEXT, "Architecture"),
    column("depth", _INTEGER, "Layers with weights", "layers"),
    column(
        "filters",
        _INTEGER,
        "Filters of the first convolution; per colour if colours are convolved separately",
        "filters",
    ),
    column("filters_total", _INTEGER, "All filters of the first layer", "filters"),
    column("epochs", _INTEGER, "Epochs of the training", "epochs"),
    column("batch_size", _INTEGER, "Images of a minibatch", "images"),
    column("optimizer", _TEXT, "Optimiser"),
    column("learning_rate", _REAL, "Largest learning rate of the schedule", "1"),
    column("weight_decay", _REAL, "Weight decay", "1"),
    column("precision", _TEXT, "Number format of the products"),
    column("seed", _INTEGER, "Seed of the initial weights"),
    column("order", _INTEGER, "Seed of the order of the minibatches and of the augmentation"),
    column("training_version", _INTEGER, "Version of the training code; another version gives other numbers"),
    column("parameters", _INTEGER, "Parameters, including those that a pruning deleted", "parameters"),
    column("connections", _INTEGER, "Links into the units; a bias counts as one link", "links"),
    column("macs", _INTEGER, "Multiply-adds of a forward pass of one image", "multiply-adds"),
    column("units", _INTEGER, "Units of all layers", "units"),
    column(
        "train_accuracy", _REAL, "Accuracy over the last epoch's minibatches, during training", "fraction"
    ),
    column("train_error", _REAL, "Error over the last epoch's minibatches, during training", "fraction"),
    # Older rows lack the three losses; their epochs have the first and the last of the three.
    column(
        "train_loss",
        _REAL,
        "Mean of the recipe's loss over the last epoch's minibatches, during training; null in older rows",
        "1",
    ),
    column(
        "val_loss",
        _REAL,
        "Mean of the recipe's loss on the validation images; null without them and in older rows",
        "1",
    ),
    column("test_loss", _REAL, "Mean of the recipe's loss on the test images; null in older rows", "1"),
    column("val_error", _REAL, "Error on the validation images; null without them", "fraction"),
    column("test_accuracy", _REAL, "Accuracy on the test images after the last epoch", "fraction"),
    column(
        "test_error",
        _REAL,
        "Error on the test images after the last epoch; null if the run diverged",
        "fraction",
    ),
    column("test_errors", _INTEGER, "Test images that are classified wrongly", "images"),
    column("test_images", _INTEGER, "Test images", "images"),
    column("diverged", _BOOLEAN, "Whether a loss of the run was not finite"),
    column(
        "zero_gradients",
        _REAL,
        "Share of weights with gradient 0 in an epoch's last step, mean over epochs; null in older rows",
        "fraction",
    ),
    column("layer_zero_gradients", _TEXT, "zero_gradients of each layer, as a JSON object", "fraction"),
    column(
        "test_mse",
        _REAL,
        "Mean squared error on the test images; null for another loss and in older rows",
        "1",
    ),
    # The following five are null for a network that is not pruned.
    column("pruning_method", _TEXT, "How deleted parameters are chosen; null without pruning"),
    column(
        "parameters_left", _INTEGER, "Parameters that are not deleted; null without pruning", "parameters"
    ),
    column(
        "predicted_increase",
        _REAL,
        "Increase of the training MSE by the last deletion, as the saliencies predict; null without pruning",
        "1",
    ),
    column(
        "measured_increase",
        _REAL,
        "Increase of the training MSE by the last deletion, before the retraining; null without pruning",
        "1",
    ),
    column(
        "train_mse",
        _REAL,
        "MSE on the whole training split after the retraining; null without pruning",
        "1",
    ),
    column("wall_s", _REAL, "Wall time of the pack, all of its replicas together", "s"),
    column(
        "replicas",
        _INTEGER,
        "Networks that trained together in the pack, including discarded ones",
        "networks",
    ),
    column(
        "images_per_s", _REAL, "Speed of the pack: training images times replicas in a second", "images/s"
    ),
    column("device", _TEXT, "Kind of the device that trained the run"),
    column("threads", _INTEGER, "CPU threads of the training", "threads"),
    column("host", _TEXT, "Machine that trained the run"),
    column("commit", _TEXT, "Git commit of this software's checkout; null outside a checkout"),
    column("dirty", _BOOLEAN, "Whether the checkout had uncommitted changes; null outside a checkout"),
    column("versions", _TEXT, "Versions of the software, as a JSON object"),
    column("created_at", pa.timestamp("us", tz="UTC"), "When the results were written, in UTC"),
)
"""One row per run."""

EPOCHS_SCHEMA = _table(
    column("id", _TEXT, "Id of the run"),
    column("epoch", _INTEGER, "Number of the epoch, from 1", "epochs"),
    column("train_loss", _REAL, "Mean of the recipe's loss over the epoch's minibatches", "1"),
    column("train_accuracy", _REAL, "Accuracy over the epoch's minibatches, during training", "fraction"),
    column(
        "val_loss",
        _REAL,
        "Mean of the recipe's loss on the validation images; null without them and in older rows",
        "1",
    ),
    column("val_accuracy", _REAL, "Accuracy on the validation images; null without them", "fraction"),
    column("test_loss", _REAL, "Mean of the recipe's loss on the test images", "1"),
    column("test_accuracy", _REAL, "Accuracy on the test images", "fraction"),
    column("test_error", _REAL, "Error on the test images", "fraction"),
    column("learning_rate", _REAL, "Learning rate in the epoch's last step", "1"),
    column(
        "zero_gradients",
        _REAL,
        "Share of the weights whose gradient is 0 in the epoch's last step; null in older rows",
        "fraction",
    ),
    column("layer_zero_gradients", _TEXT, "zero_gradients of each layer, as a JSON object", "fraction"),
    column("wall_s", _REAL, "Wall time since the pack began", "s"),
)
"""One row per run and epoch."""

PREDICTIONS_SCHEMA = _table(
    column("id", _TEXT, "Id of the run"),
    column("fingerprint", _TEXT, "SHA-256 of the data set's content, the name of the test set"),
    column("classes", _INTEGER, "Classes: logits of one image", "classes"),
    column(
        "logits",
        pa.list_(pa.float16()),
        "Outputs for the test images, row by row [test images, classes], in canonical order of the images",
        "1",
    ),
)
"""One row per run."""

TEST_SETS_SCHEMA = _table(
    column("fingerprint", _TEXT, "SHA-256 of the data set's content"),
    column("title", _TEXT, "Title of the data set"),
    column("labels", pa.list_(pa.uint8()), "Classes of the test images, in canonical order"),
)
"""One row per data set."""

ADDED_COLUMNS = {
    "runs": frozenset(
        {
            "channels",
            "side",
            "classes",
            "train_loss",
            "val_loss",
            "test_loss",
            "zero_gradients",
            "layer_zero_gradients",
            "test_mse",
            "pruning_method",
            "parameters_left",
            "predicted_increase",
            "measured_increase",
            "train_mse",
        }
    ),
    "epochs": frozenset({"val_loss", "zero_gradients", "layer_zero_gradients"}),
    "predictions": frozenset[str](),
    "test_sets": frozenset[str](),
}
"""Columns that older files of a table lack; they are read as null. Every file has the other columns."""

RESULT_COLUMNS = ("train_accuracy", "train_error", "val_error", "test_accuracy", "test_error", "test_errors")
"""Columns of the runs table that are null for a run that diverged; ``val_error`` also without validation."""

SHAPE_COLUMNS = ("channels", "side", "classes")
"""Columns of the runs table that older files lack, all of them together."""

NULLABLE_COLUMNS = {
    "runs": ADDED_COLUMNS["runs"] | {*RESULT_COLUMNS, "commit", "dirty"},
    "epochs": ADDED_COLUMNS["epochs"]
    | {"train_loss", "train_accuracy", "val_accuracy", "test_loss", "test_accuracy", "test_error"},
    "predictions": frozenset[str](),
    "test_sets": frozenset[str](),
}
"""Columns that have no value in some rows. Every row has a value in each of the other columns."""

SCHEMAS = {
    "runs": RUNS_SCHEMA,
    "epochs": EPOCHS_SCHEMA,
    "predictions": PREDICTIONS_SCHEMA,
    "test_sets": TEST_SETS_SCHEMA,
}
"""Schemas by the name of the table."""
