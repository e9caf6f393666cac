"""The tables of a store. Units are in the names; every part names its schema's version in its metadata."""

from __future__ import annotations

import pyarrow as pa

SCHEMA_VERSION = 1


def _table(*fields: tuple[str, pa.DataType]) -> pa.Schema:
    return pa.schema(
        [pa.field(name, kind) for name, kind in fields], metadata={"scaling.schema": str(SCHEMA_VERSION)}
    )


TEXT, WHOLE, REAL, YES_NO = pa.string(), pa.int64(), pa.float64(), pa.bool_()

RUNS_SCHEMA = _table(
    ("id", TEXT),
    ("config_json", TEXT),  # canonical JSON of the identity; its SHA-256 begins with the id
    ("dataset", TEXT),
    ("fingerprint", TEXT),
    ("train_images", WHOLE),  # used in an epoch
    ("validation_images", WHOLE),
    (
        "channels",
        WHOLE,
    ),  # of an image; with its side, the classes and the configuration: all that a network is built from
    ("side", WHOLE),
    ("classes", WHOLE),
    ("architecture", TEXT),
    ("depth", WHOLE),  # layers with weights
    ("filters", WHOLE),  # of the first convolution; for each colour, where colours are convolved apart
    ("filters_total", WHOLE),  # all of the first layer
    ("epochs", WHOLE),
    ("batch_size", WHOLE),
    ("optimizer", TEXT),
    ("learning_rate", REAL),  # the schedule's highest
    ("weight_decay", REAL),
    ("precision", TEXT),
    ("seed", WHOLE),
    ("order", WHOLE),
    ("training_version", WHOLE),
    ("parameters", WHOLE),
    ("connections", WHOLE),
    ("macs", WHOLE),  # of a forward pass of one image
    ("units", WHOLE),
    ("train_accuracy", REAL),  # over the last epoch's minibatches, as they were trained on
    ("train_error", REAL),
    ("val_error", REAL),  # null without validation images
    ("test_accuracy", REAL),
    ("test_error", REAL),  # null where the run diverged
    ("test_errors", WHOLE),
    ("test_images", WHOLE),
    ("diverged", YES_NO),
    (
        "zero_gradients",
        REAL,
    ),  # share of the weights whose gradient is 0 in an epoch's last step; mean over epochs; null in older rows
    ("layer_zero_gradients", TEXT),  # the same of each layer's weights, as JSON: {"conv1": 0.0, ...}
    ("wall_s", REAL),  # of the pack, all of its replicas together
    ("replicas", WHOLE),  # of the pack, the discarded ones too
    ("images_per_s", REAL),  # of the pack: training images times replicas
    ("device", TEXT),
    ("threads", WHOLE),
    ("host", TEXT),
    ("commit", TEXT),  # of this software's checkout; null outside one
    ("dirty", YES_NO),
    ("versions", TEXT),  # JSON: {"torch": "2.14.1", ...}
    ("created_at", pa.timestamp("us", tz="UTC")),
)

EPOCHS_SCHEMA = _table(
    ("id", TEXT),
    ("epoch", WHOLE),  # from 1
    ("train_loss", REAL),  # mean over the epoch's minibatches
    ("train_accuracy", REAL),
    ("val_accuracy", REAL),
    ("test_loss", REAL),
    ("test_accuracy", REAL),
    ("test_error", REAL),
    ("learning_rate", REAL),  # of the epoch's last step
    ("zero_gradients", REAL),  # of that step too, as in runs
    ("layer_zero_gradients", TEXT),
    ("wall_s", REAL),  # since the pack began
)

PREDICTIONS_SCHEMA = _table(
    ("id", TEXT),
    ("fingerprint", TEXT),
    ("classes", WHOLE),
    ("logits", pa.list_(pa.float16())),  # row-major [test images, classes], in canonical order
)

TEST_SETS_SCHEMA = _table(
    ("fingerprint", TEXT),
    ("title", TEXT),
    ("labels", pa.list_(pa.uint8())),  # of the test images, in canonical order
)

SCHEMAS = {
    "runs": RUNS_SCHEMA,
    "epochs": EPOCHS_SCHEMA,
    "predictions": PREDICTIONS_SCHEMA,
    "test_sets": TEST_SETS_SCHEMA,
}
