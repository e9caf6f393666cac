"""Tests of ``scaling store``."""

from __future__ import annotations

from scaling.store import open_store


def test_a_merged_store_has_the_finished_runs_once(scaling, study, store, tmp_path):
    other = tmp_path / "other"
    words = ("store", "merge", study, "--store", store, "--into", other)
    assert scaling(*words).out == f"{other}: 10 runs added\n"
    assert scaling(*words).out == f"{other}: 0 runs added\n"
    ids = open_store(store).ids()
    assert open_store(other).runs().equals(open_store(store).runs())
    assert open_store(other).epochs().equals(open_store(store).epochs())
    assert len(open_store(other).predictions(ids)) == 0
    assert (
        scaling("store", "merge", study, "--store", store, "--into", tmp_path / "whole", "--predictions").code
        == 0
    )
    assert open_store(tmp_path / "whole").predictions(ids).equals(open_store(store).predictions(ids))
