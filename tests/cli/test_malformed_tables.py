"""Malformed tables give an error of one or two lines, a rejected law or a note, and never a traceback."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import date
from io import BytesIO

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

WIDTHS, SEEDS = (1, 2, 4, 8, 16, 32), (0.97, 0.99, 1.01, 1.03)
"""Sizes, and by what factor each seed's error differs from the law."""

Columns = dict[str, list[object]]


def law(
    widths: Sequence[float] = WIDTHS, factor: Callable[[float], float] = lambda x: 0.4 * x**-0.5
) -> Columns:
    """Four runs a width."""
    x = [width for width in widths for _ in SEEDS]
    return {"filters": x, "test_error": [factor(width) * seed for width in widths for seed in SEEDS]}


def csv(columns: Columns, *, write_numbers: Callable[[object], str] = str, separator: str = ",") -> bytes:
    lines = [columns, *zip(*columns.values(), strict=True)]
    return "".join(separator.join(map(write_numbers, line)) + "\n" for line in lines).encode()


def parquet(columns: Columns) -> bytes:
    sink = BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


def changed(row: int, name: str, value: object, **more: list[object]) -> Columns:
    """The law, with one value of its table changed."""
    columns = law() | more
    columns[name] = [*columns[name][:row], value, *columns[name][row + 1 :]]
    return columns


RUNS = len(WIDTHS) * len(SEEDS)
COUNTED = {"images": [1000] * RUNS}
TWICE = b"filters,filters,test_error\n1,1,0.5\n2,2,0.4\n"
COUNTS = ("--error-counts", "wrong", "--image-counts", "images")
CHOSEN = law() | {"rate": [0.1, 0.1, 0.2, 0.2] * 6, "val_error": law()["test_error"]}
BEST = ("--best-over", "rate")

REFUSED = {
    "percentages": (
        "csv",
        csv(law(factor=lambda x: 40 * x**-0.5) | {"test_images": [1000] * RUNS}),
        (),
        "divide percentages by 100",
    ),
    "a negative error": (
        "csv",
        csv(changed(3, "test_error", -0.1)),
        (),
        "test_error: holds -0.1, but a scaling law needs finite values at least 0",
    ),
    "an infinite error": ("csv", csv(changed(3, "test_error", "inf")), (), "test_error: holds inf"),
    "a size of zero": (
        "csv",
        csv(changed(3, "filters", 0)),
        (),
        "filters: holds 0, but a scaling law needs finite values above 0",
    ),
    "a negative size": ("csv", csv(changed(3, "filters", -2)), (), "filters: holds -2"),
    "an empty size": ("csv", csv(changed(3, "filters", "")), (), "filters: holds nan"),
    "sizes with units": (
        "csv",
        csv(changed(3, "filters", "1 filter")),
        (),
        "points.csv: filters: row 4 has the text '1 filter'; choose another column",
    ),
    "percent signs": (
        "csv",
        csv(changed(0, "test_error", "40 %")),
        (),
        "points.csv: test_error: row 1 has the text '40 %'; choose another column",
    ),
    "a note in a cell": ("csv", csv(changed(5, "test_error", "crashed")), (), "row 6 has the text 'crashed'"),
    "decimal commas": (
        "csv",
        csv(law(), write_numbers=lambda cell: f'"{cell}"'.replace(".", ",")),
        (),
        "write plain numbers",
    ),
    "errors that are true or false": (
        "csv",
        csv(law() | {"test_error": [True] * RUNS}),
        (),
        "holds bool, not numbers",
    ),
    "dates as sizes": (
        "parquet",
        parquet(law() | {"filters": [date(2024, 1, 2)] * RUNS}),
        (),
        "filters: holds date32[day], not numbers",
    ),
    "lists": ("parquet", parquet(law() | {"test_error": [[0.1, 0.2]] * RUNS}), (), "test_error: holds list<"),
    "a header alone": ("csv", b"filters,test_error\n", (), "has no rows; give one row a run"),
    "nothing": ("csv", b"", (), "points.csv: is empty"),
    "a column twice": ("csv", TWICE, (), "filters: several columns have this name; keep one"),
    "semicolons": ("csv", csv(law(), separator=";"), (), "has semicolons between columns; use commas"),
    "semicolons and decimal commas": (
        "csv",
        csv(law(), separator=";", write_numbers=lambda cell: str(cell).replace(".", ",")),
        (),
        "has semicolons between columns",
    ),
    "tabs": ("csv", csv(law(), separator="\t"), (), "has tabs between columns"),
    "lines of other lengths": ("csv", csv(law()) + b"1,2,3\n", (), "cannot be read"),
    "UTF-16": ("csv", csv(law()).decode().encode("utf-16"), (), "is not UTF-8 text; save it as CSV in UTF-8"),
    "UTF-16 without a mark": ("csv", csv(law()).decode().encode("utf-16-le"), (), "is not UTF-8 text"),
    "a Latin-1 header": (
        "csv",
        csv({"größe": law()["filters"]} | law()).decode().encode("latin-1"),
        (),
        "is not UTF-8 text",
    ),
    "Latin-1 names": (
        "csv",
        csv(law() | {"architecture": ["Bäume"] * RUNS}).decode().encode("latin-1"),
        (),
        "architecture holds text that is not UTF-8",
    ),
    "a binary file": ("csv", bytes(range(256)) * 8, (), "is not UTF-8 text"),
    "no Parquet": ("parquet", csv(law()), (), "cannot be read"),
    "half a Parquet file": ("parquet", parquet(law())[:-200], (), "cannot be read"),
    "another format": (
        "xlsx",
        csv(law()),
        (),
        "points.xlsx: expected a study (.yaml), a store (a folder or URI) or a table (.parquet, ",
    ),
    "no such size": (
        "csv",
        csv(law()),
        ("--x", "width"),
        "width: no such column; columns: filters, test_error",
    ),
    "size and error in one": ("csv", csv(law()), ("--y", "filters"), "filters: is requested twice"),
    "no error at all": (
        "csv",
        csv(law() | {"test_error": [""] * RUNS}),
        (),
        "test_error: no row has a value",
    ),
    "groups of one row": (
        "csv",
        csv(law() | {"run": list(range(RUNS))}),
        ("--by", "run"),
        "run: differs in every row",
    ),
    "a unit that is too large": (
        "csv",
        csv(law(factor=lambda x: 1e-200 * x**-0.5)),
        (),
        "write it in a unit",
    ),
    "sizes without proportion": (
        "csv",
        csv(law(widths=[10.0**power for power in range(-150, 151, 50)])),
        (),
        "filters: holds 1e-150",
    ),
    "more errors than images": (
        "csv",
        csv(changed(3, "wrong", 1001, **COUNTED, wrong=[9] * RUNS)),
        COUNTS,
        "row 4 has 1001 of 1000",
    ),
    "fractions as counts": (
        "csv",
        csv(changed(3, "wrong", 0.5, **COUNTED, wrong=[9] * RUNS)),
        COUNTS,
        "row 4 has 0.5 of 1000",
    ),
    "counts of themselves": (
        "csv",
        csv(law() | COUNTED),
        ("--error-counts", "images", "--image-counts", "images"),
        "name two columns",
    ),
    "a best by the test set": (
        "csv",
        csv(CHOSEN),
        (*BEST, "--validation", "test_error"),
        "biases the fit; name a column of validation errors",
    ),
    "a best by test images of another name": (
        "csv",
        csv(CHOSEN | {"error_on_test": law()["test_error"]}),
        (*BEST, "--validation", "error_on_test"),
        "biases the fit; name a column of validation errors",
    ),
    "a best over the size": (
        "csv",
        csv(CHOSEN),
        ("--best-over", "filters"),
        "filters: is already the column of the size or of the groups",
    ),
    "a best with an empty size": (
        "csv",
        csv(CHOSEN | changed(3, "filters", "")),
        BEST,
        "filters: is empty in some rows",
    ),
}

UNDETERMINED = {
    "one width": (
        csv(law(widths=(4,))),
        "points.csv: filters: A x^-rho needs at least 2 widths, not 1; add widths",
    ),
    "one run": (b"filters,test_error\n1,0.5\n", "needs at least 2 widths, not 1; add widths"),
    "two runs of two widths": (b"filters,test_error\n1,0.5\n2,0.4\n", "has no interval; add seeds or widths"),
    "no error is above zero": (
        csv(law(factor=lambda x: 0.0)),
        "no value is above 0, so there is nothing to fit",
    ),
}

NOTED = {
    "two widths": (csv(law(widths=(1, 2))), "2 widths for 2 parameters: any data would fit"),
    "one run a width": (
        csv({"filters": list(WIDTHS), "test_error": [0.4 * x**-0.5 for x in WIDTHS]}),
        "No width has two runs",
    ),
    "an error that never changes": (csv(law(factor=lambda x: 0.3)), "the exponent's interval contains 0"),
    "copies of one run": (
        csv({"filters": law()["filters"], "test_error": [0.3] * RUNS}),
        "the runs of each width are equal, as if they were copies",
    ),
    "an error that rises": (csv(law(factor=lambda x: 0.01 * x**0.5)), "test_error rises"),
    "percentages of nobody knows how many images": (
        csv(law(factor=lambda x: 40 * x**-0.5)),
        "if they are percentages, so are",
    ),
    "several test sets": (
        csv(law() | {"test_images": [1000, 2000] * 12}),
        "test_images is not one number (its first values: 1000, 2000)",
    ),
    "half of an image": (csv(law() | {"test_images": [1000.5] * RUNS}), "test_images is not one number"),
    "empty errors": (csv(changed(3, "test_error", "")), "Left out: 1 of 24 runs (no test_error)"),
    "errors that are not a number": (
        csv(changed(3, "test_error", "nan")),
        "Left out: 1 of 24 runs (no test_error)",
    ),
    "one width without errors": (
        csv(law() | {"test_error": [*law()["test_error"][:-4], 0, 0, 0, 0]}),
        "No run made an error at filters 32",
    ),
    "a loss above 1": (
        csv({"filters": law()["filters"], "test_error": law(factor=lambda x: 4 * x**-0.1)["test_error"]}),
        "has bare values",
    ),
}

UNUSUAL = {
    "a mark of the byte order": ("csv", b"\xef\xbb\xbf" + csv(law())),
    "lines of Windows": ("csv", csv(law()).replace(b"\n", b"\r\n")),
    "capitals in the name": ("CSV", csv(law())),
    "an index without a name": ("csv", csv({"": list(range(RUNS))} | law())),
    "numbers in quotes": ("csv", csv(law(), write_numbers=lambda cell: f'"{cell}"')),
    "ten decades": ("csv", csv(law(widths=[10.0**power for power in range(11)]))),
    "whole numbers beyond 2^53": (
        "parquet",
        parquet(law([2**53 + 2**power for power in range(54, 60)], lambda x: 4e8 * x**-0.5)),
    ),
    "decimals": (
        "parquet",
        parquet(law() | {"test_error": pa.array(law()["test_error"]).cast(pa.decimal128(20, 12))}),
    ),
    "numbers of single precision": (
        "parquet",
        parquet(law() | {"test_error": pa.array(law()["test_error"]).cast(pa.float32())}),
    ),
}


def fit_table(scaling, tmp_path, kind: str, content: bytes, *words: str):
    file = tmp_path / f"points.{kind}"
    file.write_bytes(content)
    return scaling("fit", file, *words)


def test_there_are_more_than_twenty_malformed_tables():
    assert len(REFUSED) + len(UNDETERMINED) + len(NOTED) > 20


@pytest.mark.parametrize("name", REFUSED)
def test_a_table_that_cannot_be_fitted_is_refused_in_one_or_two_lines(scaling, tmp_path, name):
    kind, content, words, message = REFUSED[name]
    result = fit_table(scaling, tmp_path, kind, content, *words)
    assert (result.code, result.out) == (2, "")
    assert message in result.err
    assert len(result.err.splitlines()) <= 2
    assert "Traceback" not in result.err


@pytest.mark.parametrize("name", UNDETERMINED)
def test_points_that_do_not_determine_a_law_are_refused_in_one_or_two_lines(scaling, tmp_path, name):
    content, message = UNDETERMINED[name]
    result = fit_table(scaling, tmp_path, "csv", content)
    assert (result.code, result.out) == (1, "")
    assert message in result.err
    assert len(result.err.splitlines()) <= 2


@pytest.mark.parametrize("name", NOTED)
def test_an_odd_table_has_a_note_beside_the_law(scaling, tmp_path, name):
    content, message = NOTED[name]
    (fitted,) = json.loads(fit_table(scaling, tmp_path, "csv", content, "--json").out)["fits"]
    assert any(
        message in note for note in (*fitted["notes"], *(law["reason"] for law in fitted["laws"].values()))
    )
    assert name != "two widths" or {law["status"] for law in fitted["laws"].values()} == {"rejected"}


@pytest.mark.parametrize("name", UNUSUAL)
def test_an_unusual_table_is_fitted(scaling, tmp_path, name):
    kind, content = UNUSUAL[name]
    result = fit_table(scaling, tmp_path, kind, content, "--json")
    assert (result.code, result.err) == (0, "")
    power = json.loads(result.out)["fits"][0]["laws"]["power"]
    assert power["parameters"]["exponent"]["estimate"] == pytest.approx(0.5, abs=1e-6)
