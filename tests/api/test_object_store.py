"""A study whose store is a bucket: trained, damaged, repaired, trained again, compacted and copied."""

from __future__ import annotations

from dataclasses import replace

from scaling import api
from scaling.store import open_store

TEXT = """\
study: tiny
dataset: {type: synthetic, size: 50, test_size: 20, side: 10}
architectures: [{type: tree3, rows: 1, branches: 2, filters: [1, 2]}]
recipe: {epochs: 1, batch_size: 25, learning_rate: 0.1}
seeds: 1
"""


def bits(uri):
    """Return the results of all runs that depend on nothing but their settings."""
    store = open_store(uri)
    columns = ["id", "config_json", "test_errors", "train_accuracy"]
    return store.runs(columns).to_pylist(), store.predictions(store.ids()).to_pylist()


def test_study_in_a_bucket(study, workspace, s3_uri, tmp_path):
    file, workspace = study(TEXT), replace(workspace, store=s3_uri)
    assert api.run(file, workspace, in_process=True).trained == 2
    first = bits(s3_uri)

    backend = open_store(s3_uri).backend
    damaged = f"runs/{backend.list_names('runs')[0]}"
    backend.delete(damaged)
    backend.put_if_absent(damaged, b"damaged")
    (moved, *_) = api.store_repair(workspace).moved
    assert moved == f"{s3_uri}/damaged/{damaged}"
    workspace = replace(workspace)  # reads the store again
    assert api.run(file, workspace, in_process=True).trained == 1
    assert bits(s3_uri) == first

    assert api.store_compact(workspace).replaced == 2
    assert api.store_verify(workspace).damage == ()
    copy = str(tmp_path / "copy")
    assert api.store_merge(file, copy, replace(workspace), predictions=True).added == 2
    assert bits(copy) == first
