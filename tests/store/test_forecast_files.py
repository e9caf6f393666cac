"""Forecasts in a store: written once, read from all stores, checked, and kept by maintenance."""

from __future__ import annotations

from pathlib import Path

import pytest

from scaling.errors import StoreDamageWarning, StoreError
from scaling.store import Store, StoreUnion, compact, open_store, paths, repair, sweep, verify
from tests.store.planted_store import plant

FIRST, SECOND = b'{"study": "first"}\n', b'{"study": "second"}\n'


def reopen(store: Store) -> Store:
    """Return the same store in the state in which a new process finds it."""
    return Store(store.backend)


def replace_file(store: Store, path: str, data: bytes) -> None:
    store.backend.delete(path)
    assert store.backend.put_if_absent(path, data)


def test_forecasts_stand_side_by_side_under_the_hash_of_their_content(any_store: Store) -> None:
    names = [any_store.put_forecast(data) for data in (FIRST, SECOND, FIRST)]
    assert names[0] == names[2] != names[1]
    assert reopen(any_store).forecasts() == {names[0]: FIRST, names[1]: SECOND}
    assert any_store.backend.list_names("forecasts") == sorted(f"{name}.json" for name in set(names))
    assert any_store.exists
    assert not any_store.has_runs


def test_a_changed_forecast_is_found_left_out_and_moved_aside(any_store: Store) -> None:
    any_store.publish(plant(["a"]))
    name, other = any_store.put_forecast(FIRST), any_store.put_forecast(SECOND)
    path = paths.forecast_file(name)
    replace_file(any_store, path, FIRST.replace(b"first", b"later"))
    store = reopen(any_store)
    with pytest.warns(StoreDamageWarning, match="1 file of forecasts is damaged and left out"):
        assert store.forecasts() == {other: SECOND}
    result = verify(reopen(any_store))
    assert (result.runs, result.forecasts, [damage.path for damage in result.damage]) == (1, 1, [path])
    assert "its name is not its hash" in result.damage[0].reason
    assert repair(reopen(any_store)).moved == (any_store.backend.full_name(f"damaged/{path}"),)
    assert verify(reopen(any_store)).damage == ()
    assert reopen(any_store).put_forecast(FIRST) == name
    assert verify(reopen(any_store)).forecasts == 2


def test_a_forecast_does_not_replace_a_damaged_file_of_its_name(folder: Store) -> None:
    name = folder.put_forecast(FIRST)
    replace_file(folder, paths.forecast_file(name), b"damaged")
    with pytest.raises(StoreError, match="not as it was published"):
        folder.put_forecast(FIRST)


def test_what_is_no_file_in_the_place_of_a_forecast_is_damage(folder: Store) -> None:
    name = folder.put_forecast(FIRST)
    file = Path(folder.backend.full_name(paths.forecast_file(name)))
    file.unlink()
    file.mkdir()
    with pytest.warns(StoreDamageWarning, match=str(file)):
        assert reopen(folder).forecasts() == {}


def test_maintenance_keeps_forecasts(store: Store) -> None:
    for draw, run_id in enumerate("abc"):
        store.publish(plant([run_id], draw=draw, second=draw))
    name = store.put_forecast(FIRST)
    assert compact(reopen(store)).replaced == 3
    assert sweep(reopen(store)).removed == {}
    assert reopen(store).forecasts() == {name: FIRST}
    assert verify(reopen(store)).damage == ()


def test_several_stores_are_read_as_one(tmp_path: Path) -> None:
    stores = [open_store(tmp_path / name) for name in ("one", "two")]
    names = [store.put_forecast(data) for store, data in zip(stores, (FIRST, SECOND), strict=True)]
    stores[1].put_forecast(FIRST)
    assert StoreUnion(stores[0], stores[1:]).forecasts() == {names[0]: FIRST, names[1]: SECOND}
