"""Schemas of a store's tables.

Column names carry units. The metadata of every file names the version of its schema.
"""

from __future__ import annotations

import pyarrow as pa

SCHEMA_VERSION = 1
"""Version of the schemas; a file with a higher version is refused."""


def _table(*fields: tuple[str, pa.DataType]) -> pa.Schema:
    return pa.schema(
        [pa.field(name, kind) for name, kind in fields], metadata={"scaling.schema": str(SCHEMA_VERSION)}
    )


_TEXT, _INTEGER, _REAL, _BOOLEAN = pa.string(), pa.int64(), pa.float64(), pa.bool_()

RUNS_SCHEMA = _table(
    ("id", _TEXT),
    ("config_json", _TEXT),  # canonical JSON of the run's identity; its SHA-256 begins with the id
    ("dataset", _TEXT),
    ("fingerprint", _TEXT),  # of the data set's content
    ("train_images", _INTEGER),  # used in an epoch
    ("validation_images", _INTEGER),
    # Channels, side, classes and the configuration determine the network.
    ("channels", _INTEGER),
    ("side", _INTEGER),
    ("classes", _INTEGER),
    ("architecture", _TEXT),
    ("depth", _INTEGER),  # number of layers with weights
    ("filters", _INTEGER),  # of the first convolution; per colour if colours are convolved separately
    ("filters_total", _INTEGER),  # all filters of the first layer
    ("epochs", _INTEGER),
    ("batch_size", _INTEGER),
    ("optimizer", _TEXT),
    ("learning_rate", _REAL),  # maximum of the schedule
    ("weight_decay", _REAL),
    ("precision", _TEXT),
    ("seed", _INTEGER),
    ("order", _INTEGER),
    ("training_version", _INTEGER),
    ("parameters", _INTEGER),
    ("connections", _INTEGER),
    ("macs", _INTEGER),  # of a forward pass of one image
    ("units", _INTEGER),
    ("train_accuracy", _REAL),  # over the last epoch's minibatches, during training
    ("train_error", _REAL),
    # Means of the recipe's loss; null in older rows, whose epochs have the first and the last of the three.
    ("train_loss", _REAL),  # over the last epoch's minibatches, during training
    ("val_loss", _REAL),  # null without validation images
    ("test_loss", _REAL),
    ("val_error", _REAL),  # null without validation images
    ("test_accuracy", _REAL),
    ("test_error", _REAL),  # null if the run diverged
    ("test_errors", _INTEGER),
    ("test_images", _INTEGER),
    ("diverged", _BOOLEAN),
    # Share of the weights whose gradient is 0 in an epoch's last step, mean over epochs; null in older rows.
    ("zero_gradients", _REAL),
    ("layer_zero_gradients", _TEXT),  # the same for each layer, as JSON: {"conv1": 0.0, ...}
    ("test_mse", _REAL),  # null for another loss, and in older rows
    # The following five are null for a network that is not pruned.
    ("pruning_method", _TEXT),
    ("parameters_left", _INTEGER),  # that are not deleted; ``parameters`` includes the deleted ones
    ("predicted_increase", _REAL),  # of the training MSE by the last deletion: sum of the saliencies
    ("measured_increase", _REAL),  # of the training MSE by the last deletion, before the retraining
    ("train_mse", _REAL),  # after the retraining, on the whole training split
    ("wall_s", _REAL),  # of the pack, all of its replicas together
    ("replicas", _INTEGER),  # that trained together, including the discarded replicas
    ("images_per_s", _REAL),  # of the pack: training images times replicas
    ("device", _TEXT),
    ("threads", _INTEGER),
    ("host", _TEXT),
    ("commit", _TEXT),  # of this software's checkout; null outside a checkout
    ("dirty", _BOOLEAN),
    ("versions", _TEXT),  # JSON: {"torch": "2.14.1", ...}
    ("created_at", pa.timestamp("us", tz="UTC")),
)
"""One row per run."""

EPOCHS_SCHEMA = _table(
    ("id", _TEXT),
    ("epoch", _INTEGER),  # from 1
    ("train_loss", _REAL),  # mean over the epoch's minibatches
    ("train_accuracy", _REAL),
    ("val_loss", _REAL),  # null without validation images, and in older rows
    ("val_accuracy", _REAL),
    ("test_loss", _REAL),
    ("test_accuracy", _REAL),
    ("test_error", _REAL),
    ("learning_rate", _REAL),  # in the epoch's last step
    ("zero_gradients", _REAL),  # in the epoch's last step, as in the runs table
    ("layer_zero_gradients", _TEXT),
    ("wall_s", _REAL),  # since the pack began
)
"""One row per run and epoch."""

PREDICTIONS_SCHEMA = _table(
    ("id", _TEXT),
    ("fingerprint", _TEXT),
    ("classes", _INTEGER),
    ("logits", pa.list_(pa.float16())),  # row-major [test images, classes], in canonical order
)
"""One row per run."""

TEST_SETS_SCHEMA = _table(
    ("fingerprint", _TEXT),
    ("title", _TEXT),
    ("labels", pa.list_(pa.uint8())),  # of the test images, in canonical order
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
