"""plan, run, status: what is missing is trained, and nothing else."""

from __future__ import annotations

import json

import pytest

from scaling.plan import speed_file
from scaling.store import open_store
from scaling.sweep import worker as sweep


def planned(scaling, *words: object) -> dict:
    typed = scaling("plan", *words, "--json")
    assert (typed.code, typed.err) == (0, "")
    return json.loads(typed.out)


def test_plan_says_what_there_is_to_do_and_does_nothing(scaling, study, tmp_path):
    typed = scaling("plan", study, "--store", tmp_path / "new")
    assert (typed.code, typed.err) == (0, "")
    assert "tiny: 10 runs to do, 0 done" in typed.out
    assert "10 runs to do in 5 packs; about" in typed.out
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
    assert [cell["parameters"] for cell in made["cells"]] == [
        2 * f * 9 + 25 * f + 60 for f in (1, 2, 3, 4, 6)
    ]
    assert sum(cell["core_s"] for cell in made["cells"]) == pytest.approx(made["core_s"])


def test_plan_tells_wall_time_and_memory_for_the_workers_that_would_run(scaling, study, tmp_path):
    words = (study, "--store", tmp_path / "new")
    two, one, short = (
        planned(scaling, *words, "--set", f"resources={{{resources}}}")
        for resources in (
            "workers: 2, memory_gib: 100",
            "workers: 1, memory_gib: 100",
            "workers: 2, memory_gib: 1",
        )
    )
    assert [made["workers"] for made in (two, one, short)] == [2, 1, 1]
    assert short["wall_s"] == one["wall_s"] > two["wall_s"]
    assert one["core_s"] < one["wall_s"] < one["core_s"] + two["wall_s"]
    assert short["peak_bytes"] < 2**30 < two["peak_bytes"] < 100 * 2**30
    assert one["peak_bytes"] > max(cell["memory_bytes"] for cell in one["cells"])
    text = scaling("plan", *words, "--set", "resources={workers: 2, memory_gib: 1}").out
    assert "1 worker on this machine (no memory for 1 more: resources.memory_gib); about" in text
    assert f"at most {short['peak_bytes'] / 2**30:.2f} GiB of memory" in text


def test_a_measured_machines_speed_is_what_estimates_are_from(scaling, study, tmp_path, monkeypatch):
    monkeypatch.setattr(speed_file, "user_cache_path", lambda name: tmp_path / "cache")
    words = (study, "--store", tmp_path / "new")
    before = planned(scaling, *words)["core_s"]
    assert (
        f"estimated with the speed of {speed_file.default_speed().machine.processor}; to measure"
        in scaling("plan", *words).out
    )
    slower = speed_file.default_speed().model_copy(
        update={"pack_start_s": speed_file.default_speed().pack_start_s + 1000}
    )
    speed_file.write_speed(slower, speed_file.speed_path())
    assert planned(scaling, *words)["core_s"] == pytest.approx(before + 5 * 1000)
    assert (
        f"estimated with the speed of this machine, measured on {slower.machine.measured_at:%Y-%m-%d}"
        in scaling("plan", *words).out
    )
    speed_file.speed_path().write_text("{}")
    typed = scaling("plan", *words)
    assert (typed.code, typed.out) == (2, "")
    assert typed.err.startswith(str(speed_file.speed_path()))
    assert typed.err.endswith("measure again with: scaling bench\n")


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
    assert (
        planned(scaling, study, "--store", store, "--set", "resources.workers=7", "--set", "study=other")[
            "new"
        ]
        == 0
    )


def test_runs_of_a_further_store_count_as_done(scaling, study, store, tmp_path):
    made = planned(scaling, study, "--store", tmp_path / "new", "--also", store)
    assert (made["done"], made["new"]) == (10, 0)
    assert (
        scaling("run", study, "--store", tmp_path / "new", "--also", store).out
        == "tiny: 0 runs to do, 10 done\n"
    )
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


def test_status_sets_the_estimate_against_the_time_that_it_took(scaling, study, store):
    counted = json.loads(scaling("status", study, "--store", store, "--json").out)
    # By a plain loop: both runs of a pack have the pack's time.
    times = {row["filters"]: row["wall_s"] for row in open_store(store).runs().to_pylist()}
    assert {cell["filters"]: cell["actual_s"] for cell in counted["cells"]} == pytest.approx(times)
    assert counted["actual_s"] == pytest.approx(sum(times.values()))
    assert counted["estimated_s"] == pytest.approx(sum(cell["estimated_s"] for cell in counted["cells"]))
    # What is estimated for packs that are to be trained is that, and their starts.
    new = json.loads(scaling("status", study, "--store", "nowhere", "--json").out)
    assert (new["estimated_s"], new["actual_s"]) == (0, 0)
    assert new["left_s"] == pytest.approx(counted["estimated_s"] + 5 * speed_file.load_speed().pack_start_s)
    typed = scaling("status", study, "--store", store)
    assert typed.out.count("2/2") == 5
    assert f"({counted['actual_s'] / counted['estimated_s']:.2f} times)" in typed.out
    assert "core time of the finished runs" not in scaling("status", study, "--store", "nowhere").out


def test_a_pack_of_which_some_runs_are_wanted_counts_whole_and_once(scaling, study, store):
    """All of its replicas trained, whatever of them is asked for."""
    both, one = (
        json.loads(scaling("status", study, "--store", store, "--set", f"seeds={seeds}", "--json").out)
        for seeds in (2, 1)
    )
    assert (both["done"], one["done"]) == (10, 5)
    assert one["actual_s"] == pytest.approx(both["actual_s"])
    assert one["estimated_s"] == pytest.approx(both["estimated_s"])


def test_a_failed_pack_is_named_with_its_log_and_tried_again_by_the_same_command(
    scaling, study, tmp_path, monkeypatch
):
    words = (
        "run",
        study,
        "--in-process",
        "--store",
        tmp_path / "new",
        "--set",
        "architectures[0].filters=[1,2]",
    )
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
    assert "2 runs missing; the same command tries them again" in typed.out

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
    assert (
        typed.err
        == "interrupted; every finished run is in the store, and the same command continues from there\n"
    )
    assert open_store(store).ids() == {run.id for run in asked[0].runs}


PILOTS = (
    "--set",
    "recipe.learning_rate=auto",
    "--set",
    "pilots={learning_rates: [0.1, 0.3], validation: 50}",
)


def test_plan_and_status_tell_what_awaits_its_pilots(scaling, study, tmp_path):
    words = (study, "--store", tmp_path / "new", *PILOTS)
    made = planned(scaling, *words)
    assert {name: made[name] for name in ("wanted", "new", "pending")} == {
        "wanted": 10,
        "new": 10,
        "pending": 10,
    }
    assert [(cell["pilots"], cell["pending"], cell["learning_rates"]) for cell in made["cells"]] == [
        (True, False, [0.1, 0.3]),
        (False, True, []),
    ] * 5
    assert sum(cell["core_s"] for cell in made["cells"]) == pytest.approx(made["core_s"])
    assert {run["pilot"] for run in made["runs"]} == {True}
    typed = scaling("plan", *words)
    assert typed.out.count("waits for its pilots") == typed.out.count("pilots, 0.1 to 0.3") == 5
    assert (
        "10 runs to do in 5 packs; 10 more runs in 5 packs when pilots have chosen the learning rates"
        in typed.out
    )
    counted = json.loads(scaling("status", *words, "--json").out)
    assert (counted["pending"], counted["left_s"]) == (10, pytest.approx(made["core_s"]))
    assert (
        "0 of 10 runs done, 0 of them diverged; 10 more runs waiting for pilots"
        in scaling("status", *words).out
    )


def test_run_trains_pilots_and_then_what_they_choose(scaling, study, tmp_path):
    words = (study, "--store", tmp_path / "new", *PILOTS, "--set", "architectures[0].filters=[1,2]")
    typed = scaling("run", *words, "--in-process")
    assert (typed.code, typed.err) == (0, "")
    assert "tiny: 8 runs trained" in typed.out
    cells = planned(scaling, *words)["cells"]
    chosen = {cell["filters"]: cell for cell in cells if not cell["pilots"]}
    for filters, cell in chosen.items():  # of two rates each is an edge
        (rate,) = cell["learning_rates"]
        edge = "the largest that was tried" if rate == 0.3 else "the smallest that was tried"
        assert cell["warning"] == edge
        assert f"tree3, filters {filters}: learning rate {rate:g}, {edge}" in typed.out
        told = f"tree3, filters {filters}: the learning rate {rate:g} is {edge}; a better one may lie beyond: pilots.learning_rates"
        assert told in scaling("plan", *words).out
        assert told in scaling("status", *words).out
    typed = scaling("table", *words, "--out", tmp_path / "runs.csv")
    assert typed.out == f"{tmp_path / 'runs.csv'}: 4 runs; without 4 pilots, which chose the learning rates\n"
    lines = (tmp_path / "runs.csv").read_text().splitlines()
    assert len(lines) == 1 + 4
    assert scaling("run", *words).out == "tiny: 0 runs to do, 8 done\n"
