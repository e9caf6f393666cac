"""``scaling run --retrain``: weights of finished runs, after their numbers were found again."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from scaling.models.stored_weights import decode_weights
from scaling.store import open_store


def stored_tables(store) -> dict[str, pa.Table]:
    reader = open_store(store)
    ids = sorted(reader.ids())
    return {"runs": reader.runs(), "epochs": reader.epochs(ids), "predictions": reader.predictions(ids)}


def test_weights_are_kept_for_runs_whose_numbers_are_equal(scaling, study, store, ids):
    before = stored_tables(store)
    run_ids = [ids[2, 1], ids[3, 0]]
    words = ("run", study, "--store", store, "--quiet")
    chosen = [word for run_id in run_ids for word in ("--retrain", run_id)]
    result = scaling(*words, *chosen)
    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines() == [
        f"{run_id}: {label}: its numbers are equal to the stored ones, and its weights are kept"
        for run_id, label in zip(
            run_ids, ("tree3, filters 2, seed 1", "tree3, filters 3, seed 0"), strict=True
        )
    ]
    assert all(table == stored_tables(store)[kind] for kind, table in before.items())
    reader = open_store(store)
    assert {run_id for run_id in reader.ids() if reader.has_weights(run_id)} == set(run_ids)
    assert decode_weights(reader.weights(run_ids[0])).weights
    # What reads weights and parts works on: the run is inspected, the store is verified and compacted.
    assert scaling("inspect", run_ids[0], "--store", store, "--config", study).code == 0
    assert scaling("store", "verify", "--store", store).code == 0
    assert scaling("store", "compact", "--store", store).code == 0
    assert open_store(store).has_weights(run_ids[1])
    again = scaling("run", study, "--store", store, "--retrain", run_ids[0][:6])
    assert again.out == f"{run_ids[0]}: tree3, filters 2, seed 1: its weights were in the store\n"
    assert again.err == ""  # nothing is trained, so no display says that something is


def test_weights_with_other_numbers_are_not_kept(scaling, study, store, ids, monkeypatch):
    run_id = ids[1, 0]
    from scaling import train

    def build_other_tables(*arguments):
        tables = build_tables(*arguments)
        errors = pc.add(tables["epochs"]["test_error"], 0.25)
        index = tables["epochs"].column_names.index("test_error")
        return tables | {"epochs": tables["epochs"].set_column(index, "test_error", errors)}

    build_tables = train.build_tables
    monkeypatch.setattr(train, "build_tables", build_other_tables)
    result = scaling("run", study, "--store", store, "--quiet", "--retrain", run_id)
    assert result.code == 1
    assert result.out.startswith(
        f"{run_id}: tree3, filters 1, seed 0: not kept, because test_error of epoch 1 is "
    )
    assert not open_store(store).has_weights(run_id)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--retrain", "zzzz"), "zzzz: no such run in the study tiny; give one of its runs"),
        (("--retrain", "{done}", "--set", "recipe.epochs=9"), ": no such run in the study tiny; give one of"),
        (("--retrain", "{new}", "--set", "seeds=3"), "is not finished; run the study first"),
        (("--retrain", "{done}", "--until", "0.1"), "leave out --until, --address, --track and --watch"),
    ],
)
def test_runs_that_cannot_be_trained_again_are_refused(scaling, study, store, ids, options, message):
    plan = json.loads(scaling("plan", study, "--store", store, "--json", "--set", "seeds=3").out)
    new = next(run["id"] for run in plan["runs"] if run["id"] not in ids.values())
    words = [word.format(new=new, done=ids[1, 0]) for word in options]
    result = scaling("run", study, "--store", store, *words)
    assert result.code == 2
    assert message in result.err
