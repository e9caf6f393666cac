"""The class Study, tables in memory as sources of a fit, and the short texts of results."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import scaling
from scaling import Study, api
from scaling.errors import ConfigError, StoreError, TableError, UsageError

SETTINGS = {
    "study": "grown",
    "dataset": {"type": "synthetic", "size": 200, "test_size": 1000},
    "architectures": [{"type": "tree3", "rows": 1, "filters": [1, 2, 4, 8], "branches": 3}],
    "recipe": {"epochs": 1},
    "seeds": 8,
}


@pytest.fixture
def as_object(tmp_path):
    """Function that returns a study in empty folders."""

    def make(*source, **settings) -> Study:
        return Study(*source, store=tmp_path / "store", data=tmp_path, artifacts=tmp_path / "out", **settings)

    return make


def ids(study: Study) -> list[str]:
    return [run.id for _, run in study.plan().wanted]


def test_the_same_study_from_a_file_a_dictionary_and_keywords(as_object, tmp_path):
    from_dictionary = as_object(SETTINGS)
    file = from_dictionary.save(tmp_path / "grown.yaml")
    assert len(ids(from_dictionary)) == 32
    assert (
        ids(from_dictionary)
        == ids(as_object(**SETTINGS))
        == ids(as_object(file))
        == ids(as_object(str(file)))
    )


def test_arrays_ranges_and_tuples_are_lists(as_object):
    entry = SETTINGS["architectures"][0]
    for filters in ((1, 2, 4, 8), np.array([1, 2, 4, 8]), [np.int64(n) for n in (1, 2, 4, 8)]):
        study = as_object(SETTINGS | {"architectures": ({**entry, "filters": filters},)})
        assert ids(study) == ids(as_object(SETTINGS))
    assert len(ids(as_object(SETTINGS | {"architectures": [{**entry, "filters": range(1, 4)}]}))) == 24


def test_overrides_by_dotted_path(as_object):
    changed = SETTINGS | {"recipe": {"epochs": 3}}
    overridden = as_object(SETTINGS, overrides={"recipe.epochs": 3, "architectures[0].filters": (1, 2, 4, 8)})
    assert ids(overridden) == ids(as_object(changed)) != ids(as_object(SETTINGS))


def test_saved_paths_name_the_same_files(as_object, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("nets.py", "data.npz"):
        Path(name).touch()
    settings = {
        "study": "moved",
        "dataset": {"type": "npz", "path": ["data.npz", "elsewhere.npz"]},
        "architectures": [
            {"type": "module", "module": "nets.py:Net", "filters": 1},
            {"type": "module", "module": "package.nets:Net", "filters": 1},
        ],
    }
    Path("below").mkdir()
    for study in (as_object(settings), as_object(as_object(settings).save("here.yaml"))):
        text = study.save("below/study.yaml").read_text()
        assert "../data.npz" in text
        assert "[../elsewhere" not in text
        assert '"../nets.py:Net"' in text
        assert '"package.nets:Net"' in text
    assert '"nets.py:Net"' in as_object("below/study.yaml").save("again.yaml").read_text()


def test_environment_names_store_and_data(monkeypatch, tmp_path):
    monkeypatch.setenv("SCALING_STORE", str(tmp_path / "chosen"))
    monkeypatch.setenv("SCALING_DATA", str(tmp_path / "data"))
    assert Study(SETTINGS).workspace == api.Workspace()
    assert api.Workspace().store == str(tmp_path / "chosen")
    assert api.Workspace().data == tmp_path / "data"
    assert Study(SETTINGS, store="elsewhere").workspace.store == "elsewhere"
    monkeypatch.delenv("SCALING_STORE")
    assert api.Workspace().store == "artifacts/store"


def test_problems_name_the_setting(as_object):
    with pytest.raises(ConfigError, match=r"^Study: recipe\.epochs: expected a number >= 1, got 0$"):
        as_object(SETTINGS | {"recipe": {"epochs": 0}}).plan()
    with pytest.raises(
        ConfigError, match=r"recipe\.epochs: expected a number, .* got an object of type object"
    ):
        as_object(SETTINGS | {"recipe": {"epochs": object()}}).plan()
    with pytest.raises(ConfigError, match="no such setting in Study"):
        as_object(SETTINGS, overrides={"study.name.first": 1}).plan()
    with pytest.raises(StoreError, match="holds no run of this study; run it first"):
        as_object(SETTINGS).fit()
    for source in ((), (3,), (["a.yaml"],)):
        with pytest.raises(UsageError, match="the path of a YAML file, a dictionary, or settings by name"):
            as_object(*source)
    with pytest.raises(UsageError, match=r"^Study: storee: a study from a file"):
        as_object(SETTINGS, storee="store")
    with pytest.raises(UsageError, match=r"^Study: overrides: expected a dictionary"):
        as_object(SETTINGS, overrides=["recipe.epochs=2"])


def test_run_table_fit_and_report(as_object, training):
    study = as_object(SETTINGS)
    outcome = study.run(in_process=True, quiet=True)
    assert (outcome.trained, study.run(in_process=True, quiet=True).trained) == (32, 0)
    table = study.table()
    assert isinstance(table, pa.Table)
    assert sorted(set(table["filters"].to_pylist())) == [1, 2, 4, 8]
    (fit,) = study.fit()
    assert fit.points.counts.tolist() == [8, 8, 8, 8]
    assert study.fit(where=["filters=8", "filters=4", "filters=2"])[0].points.widths.tolist() == [2, 4, 8]
    assert [fit.label for fit in study.fit(by="branches")] == [
        fit.label for fit in study.fit(by=["branches"])
    ]
    assert study.report().path.exists()
    assert repr(study.status()).startswith("<Status of grown: 32 of 32 runs done, 0 diverged; core time ")
    results = [outcome, study.plan(), study.status(), study.fit(), fit, fit.laws, study.report(), study]
    assert [text for result in results if len(text := repr(result)) > 1500] == []
    for shown in (study.plan(), study.status(), study.fit(), fit):
        assert shown._repr_html_().startswith("<table>")


def test_texts_in_html_are_escaped(as_object, training):
    table = {"x": [1, 2, 4, 8] * 4, "y": [0.8, 0.4, 0.2, 0.1] * 4, "name": ["<b>"] * 16}
    fits = api.fit(table, options=api.FitOptions(x="x", y="y", by=["name"]))
    assert "<b>" not in fits._repr_html_()
    assert "&lt;b&gt;" in fits._repr_html_()


def measurements() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    width = np.repeat([2.0, 4, 8, 16, 32, 64], 6)
    return {"width": width, "error": 0.7 * width**-0.4 * np.exp(0.02 * rng.standard_normal(len(width)))}


def with_text_view(columns: dict[str, np.ndarray]) -> pa.Table:
    """Return a table with a column of text as polars has it in memory."""
    return pa.table(columns | {"name": pa.array(["a"] * len(columns["width"]), pa.string_view())})


@pytest.mark.parametrize(
    "convert",
    [dict, pd.DataFrame, pa.table, with_text_view, lambda columns: {k: list(v) for k, v in columns.items()}],
)
def test_tables_in_memory_are_fitted_as_the_file_is(convert, tmp_path):
    columns = measurements()
    pd.DataFrame(columns).to_csv(tmp_path / "table.csv", index=False)
    options = api.FitOptions(x="width", y="error")
    (expected,), (fit,) = (
        api.fit(source, options=options) for source in (tmp_path / "table.csv", convert(columns))
    )
    assert fit.law.to_dict() == expected.law.to_dict()
    assert fit.law.interval("exponent").low < 0.4 < fit.law.interval("exponent").high


@pytest.mark.parametrize(
    "source", [3, [1, 2], {"x": [1, 2], "y": [1]}, {"x": [1, "a"], "y": [1, 2]}, {"x": [2**70]}]
)
def test_other_sources_are_refused(source):
    with pytest.raises(TableError, match="expected a path, a pyarrow table, a DataFrame or a dictionary"):
        api.fit(source, options=api.FitOptions(x="x", y="y"))


def test_column_of_integers_beyond_64_bits_is_named():
    with pytest.raises(TableError, match=r"^the table: size: holds an integer beyond 64 bits; give floating"):
        api.fit({"size": [1, 2**70], "error": [0.5, 0.4]}, options=api.FitOptions(x="size", y="error"))


def test_missing_column_of_a_table_in_memory():
    with pytest.raises(TableError, match=r"^the table: .*width"):
        api.fit({"size": [1, 2], "error": [0.5, 0.4]}, options=api.FitOptions(x="width", y="error"))


def test_optimum_of_a_table_in_memory():
    ratio = np.tile([0.25, 0.5, 1, 2, 4, 8, 16], 8).astype(float)
    noise = 1 + 0.01 * np.random.default_rng(0).standard_normal(len(ratio))
    error = (0.2 + 0.05 * ratio**-0.7 + 0.02 * ratio**0.7) * noise
    (found,) = api.optimum({"ratio": ratio, "error": error}, x="ratio", y="error").optima
    assert found.x_opt.low < (0.05 / 0.02) ** (1 / 1.4) < found.x_opt.high


def test_plot_draws_on_given_axes():
    figure, (left, right) = plt.subplots(1, 2)
    for axes in (left, right):
        axes.set(xscale="log", yscale="log")
    (fit,) = api.fit(measurements(), options=api.FitOptions(x="width", y="error"))
    assert fit.plot(left) is left
    assert fit.law.plot(right, label="law") is right
    assert [text.get_text() for text in right.legend().get_texts()] == ["law"]
    (line,) = right.lines
    np.testing.assert_allclose(line.get_ydata(), fit.law.predict(line.get_xdata()))
    low, high = left.get_ylim()
    assert low > 0.5 * fit.points.y.min()
    assert high < 2 * fit.points.y.max()
    plt.close(figure)


def test_the_public_names_are_listed():
    assert "Study" in dir(scaling)
    assert {"Study", "fit", "plan", "run", "FitList"} <= set(dir(api))
    assert scaling.Study is api.Study
    assert Path(scaling.__file__).name == "__init__.py"


def test_impossible_arguments_of_a_fit_are_refused_by_name(as_object):
    study = as_object(SETTINGS)
    for holdout in (0, -1, 2.5):
        with pytest.raises(UsageError, match=f"^holdout: {holdout}: expected an integer >= 1"):
            study.fit(holdout=holdout)
    with pytest.raises(UsageError, match=r"^for_error: -1: expected fractions of the test images"):
        study.compare(errors=[-1])
