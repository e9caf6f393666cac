"""plan, run, status: what is missing is trained, and nothing else."""

from __future__ import annotations

import json

import pytest

from scaling.store import open_store
from scaling.sweep import work as sweep


def planned(scaling, *words: object) -> dict:
    typed = scaling("plan", *words, "--json")
    assert (typed.code, typed.err) == (0, "")
    return json.loads(typed.out)


def test_plan_says_what_there_is_to_do_and_does_nothing(scaling, study, tmp_path):
    typed = scaling("plan", study, "--store", tmp_path / "new")
    assert (typed.code, typed.err) == (0, "")
    assert "tiny: 10 runs to do, 0 done" in typed.out
    assert "10 runs to do, packs: 5" in typed.out
    assert typed.out.count("tree3") == 5
    assert list(tmp_path.iterdir()) == []


def test_plan_as_json(scaling, study, tmp_path):
    made = planned(scaling, study, "--store", tmp_path / "new")
    assert {name: made[name] for name in ("study", "wanted", "done", "new", "packs")} == {
        "study": "tiny",
        "wanted": 10,
        "done": 0,
        "new": 10,
        "packs": 5,
    }
    assert len({run["id"] for run in made["runs"]}) == 10
    assert not any(run["done"] for run in made["runs"])
    # Branches x filters x the 3x3 pooled map, 25 weights of a filter, and a readout of 2 branches x 3 strips x 10 classes.
    assert [cell["parameters"] for cell in made["cells"]] == [2 * f * 9 + 25 * f + 60 for f in (1, 2, 3, 4, 6)]
    assert sum(cell["core_s"] for cell in made["cells"]) == pytest.approx(made["core_s"])


def test_run_trains_all_and_a_second_time_nothing(scaling, study, tmp_path):
    store = tmp_path / "new"
    words = ("run", study, "--in-process", "--store", store, "--set", "architectures[0].filters=[1,2]")
    first = scaling(*words)
    assert first.code == 0
    assert "tiny: 4 runs trained" in first.out
    assert first.err == ""  # no live table in a pipe
    assert open_store(store).runs()["filters"].to_pylist().count(2) == 2
    again = scaling(*words)
    assert (again.code, again.out) == (0, "tiny: 0 runs to do, 4 done\n")


def test_run_without_options_uses_the_store_of_the_environment(scaling, study, store, monkeypatch):
    monkeypatch.setenv("SCALING_STORE", str(store))
    assert scaling("run", study).out == "tiny: 0 runs to do, 10 done\n"


def test_a_wider_grid_trains_exactly_the_new_runs(scaling, study, store):
    before = open_store(store).ids()
    wider = (study, "--store", store, "--set", "architectures[0].filters=[2,3,5]", "--set", "seeds=3")
    new = {run["id"] for run in planned(scaling, *wider)["runs"] if not run["done"]}
    assert {run["id"] for run in planned(scaling, *wider)["runs"]} - before == new
    assert len(new) == 2 * 1 + 3
    typed = scaling("run", *wider, "--in-process")
    assert typed.code == 0
    assert "5 runs trained" in typed.out
    assert "4 were done before" in typed.out
    assert open_store(store).ids() == before | new


def test_another_recipe_is_another_run_and_resources_are_not(scaling, study, store):
    assert planned(scaling, study, "--store", store, "--set", "recipe.epochs=3")["new"] == 10
    assert planned(scaling, study, "--store", store, "--set", "resources.workers=7", "--set", "study=other")["new"] == 0


def test_runs_of_a_further_store_count_as_done(scaling, study, store, tmp_path):
    made = planned(scaling, study, "--store", tmp_path / "new", "--also", store)
    assert (made["done"], made["new"]) == (10, 0)
    assert scaling("run", study, "--store", tmp_path / "new", "--also", store).out == "tiny: 0 runs to do, 10 done\n"
    assert not (tmp_path / "new").exists()


def test_status_counts(scaling, study, store):
    typed = scaling("status", study, "--store", store, "--set", "seeds=3")
    assert (typed.code, typed.err) == (0, "")
    assert typed.out.count("2/3") == 5
    assert "10 of 15 runs done, 0 of them diverged" in typed.out
    counted = json.loads(scaling("status", study, "--store", store, "--set", "seeds=3", "--json").out)
    assert {name: counted[name] for name in ("study", "wanted", "done", "diverged")} == {
        "study": "tiny",
        "wanted": 15,
        "done": 10,
        "diverged": 0,
    }
    assert counted["left_s"] > 0


def test_a_failed_pack_is_named_with_its_log_and_tried_again_by_the_same_command(scaling, study, tmp_path, monkeypatch):
    words = ("run", study, "--in-process", "--store", tmp_path / "new", "--set", "architectures[0].filters=[1,2]")
    train = sweep.train

    def fail(pack, *arguments, **options):
        if pack.cell.architecture.filters == 2:
            raise RuntimeError("no luck")
        return train(pack, *arguments, **options)

    monkeypatch.setattr(sweep, "train", fail)
    typed = scaling(*words)
    assert typed.code == 1
    assert "tiny: 2 runs trained" in typed.out
    (line,) = [line for line in typed.out.splitlines() if line.startswith("failed: ")]
    assert "tree3 2 seeds 0-1: RuntimeError: no luck" in line
    (log,) = (tmp_path / "artifacts" / "tiny" / "logs").iterdir()
    assert line.endswith(f"log: {log}")
    assert "no luck" in log.read_text()
    assert "2 runs are missing; the same command tries them again" in typed.out

    monkeypatch.setattr(sweep, "train", train)
    typed = scaling(*words)
    assert typed.code == 0
    assert "2 runs trained" in typed.out


def test_an_interruption_keeps_what_is_finished(scaling, study, tmp_path, monkeypatch):
    store, train, asked = tmp_path / "new", sweep.train, []

    def stop(pack, *arguments, **options):
        asked.append(pack)
        if len(asked) == 2:
            raise KeyboardInterrupt
        return train(pack, *arguments, **options)

    monkeypatch.setattr(sweep, "train", stop)
    typed = scaling("run", study, "--in-process", "--store", store)
    assert typed.code == 130
    assert typed.err == "interrupted; every finished run is in the store, and the same command goes on from there\n"
    assert open_store(store).ids() == {run.id for run in asked[0].runs}
